import type { ExportFile, ExportProblem } from '../export-report.ts'
import type { LineFault } from '../verification/line-check.ts'
import type { ReceivedContent } from './received-file.ts'

const FAULTS: Readonly<Record<LineFault, string>> = {
  'too-long': 'is longer than allowed',
  'not-utf8': 'is not UTF-8',
  'not-json': 'is not JSON',
  'not-an-object': 'is not a JSON object',
  'wrong-type': "has another resourceType than the file's",
}

/**
 * Compares what arrived with what was promised.
 *
 * @param reprDigest - Of the `Repr-Digest` header, base64.
 * @returns Everything that is wrong; nothing when the file is good.
 */
export function compareWithPromise(
  file: ExportFile,
  received: ReceivedContent,
  reprDigest: string | undefined,
): readonly ExportProblem[] {
  return [
    ...sizeProblems(file, received),
    ...digestProblems(file, received, reprDigest),
    ...lineProblems(file, received),
  ]
}

function sizeProblems({ path, expected }: ExportFile, received: ReceivedContent): ExportProblem[] {
  const problems: ExportProblem[] = []
  const { lines, blankLines, headers } = received.lines
  const count = lines - blankLines
  // Providers count the headers of an organised file as resources, or do not.
  if (expected.count !== undefined && ![count, count - headers].includes(expected.count)) {
    const message = `The manifest promises ${expected.count} resources, ${count} arrived`
    problems.push({ code: 'COUNT_MISMATCH', severity: 'error', message, file: path })
  }
  if (expected.bytes !== undefined && expected.bytes !== received.bytes) {
    const message = `The manifest promises ${expected.bytes} bytes, ${received.bytes} arrived`
    problems.push({ code: 'SIZE_MISMATCH', severity: 'error', message, file: path })
  }
  return problems
}

function digestProblems(
  { path, expected }: ExportFile,
  received: ReceivedContent,
  reprDigest: string | undefined,
): ExportProblem[] {
  const problems: ExportProblem[] = []
  const digest = { code: 'DIGEST_MISMATCH', severity: 'error', file: path } as const
  if (expected.sha256 !== undefined && expected.sha256 !== received.sha256) {
    const message = "The SHA-256 of the file is not the manifest's"
    problems.push({ ...digest, message })
  }
  if (reprDigest !== undefined && reprDigest !== received.encodedSha256) {
    const message = 'The SHA-256 of the transferred file is not that of the Repr-Digest header'
    problems.push({ ...digest, message })
  }
  return problems
}

function lineProblems({ path }: ExportFile, { lines }: ReceivedContent): ExportProblem[] {
  const invalid = { code: 'LINE_INVALID', severity: 'error', file: path } as const
  const problems: ExportProblem[] = lines.faults.map(({ lineNumber, fault }) => ({
    ...invalid,
    message: `Line ${lineNumber} ${FAULTS[fault]}`,
    lineNumber,
  }))
  const untold = lines.badLines - lines.faults.length
  if (untold > 0) problems.push({ ...invalid, message: `${untold} more lines cannot be used` })
  if (lines.blankLines > 0) {
    const message = `${lines.blankLines} lines are blank, which NDJSON files do not have`
    problems.push({ code: 'BLANK_LINES', severity: 'warning', message, file: path })
  }
  return problems
}
