import { NdjsonInvalidError } from './errors.ts'
import { isJsonObject } from './json.ts'
import { splitLines, type SplitLinesOptions } from './split-lines.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const BLANK = /^[ \t\r]*$/

/** One line of an output file. */
export interface NdjsonLine {
  /** The parsed object; `readNdjson` checks that it is one, not that it is valid FHIR. */
  readonly resource: Readonly<Record<string, unknown>>
  /** 1-based; blank lines count. */
  readonly lineNumber: number
  /** Bytes from the start of the input to the start of this line. */
  readonly byteOffset: number
}

/**
 * Reads the lines of one output file as they arrive; blank lines are skipped.
 *
 * Memory follows the longest line (at most `maxLineBytes`), not the size of the file. The next
 * chunk is pulled only after the caller took every line of the last one, so a slow sink slows the
 * download instead of filling memory. Numbers lose digits that a JavaScript number cannot hold: what
 * is to be kept exactly is kept as bytes, by `splitLines`.
 *
 * @param chunks - The file's bytes, decompressed, split anywhere.
 * @throws {@link NdjsonInvalidError} at the first line that is too long, not UTF-8 or not a JSON
 *   object; the lines before it have been yielded.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request | Bulk Data: Output File Request}
 *
 * @example
 * ```ts
 * for await (const { resource } of readNdjson(createReadStream('Patient.000.ndjson'))) {
 *   console.log(resource['id'])
 * }
 * ```
 */
export async function* readNdjson(
  chunks: AsyncIterable<Uint8Array>,
  options: SplitLinesOptions = {},
): AsyncGenerator<NdjsonLine, void, void> {
  for await (const { bytes, lineNumber, byteOffset } of splitLines(chunks, options)) {
    const refuse = (fault: 'not-utf8' | 'not-json' | 'not-an-object'): NdjsonInvalidError =>
      new NdjsonInvalidError(fault, lineNumber, byteOffset)
    const text = decodeUtf8(bytes)
    if (text === undefined) throw refuse('not-utf8')
    if (BLANK.test(text)) continue
    const resource = parseJson(text)
    if (resource === undefined) throw refuse('not-json')
    if (!isJsonObject(resource)) throw refuse('not-an-object')
    yield { resource, lineNumber, byteOffset }
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}

/** JSON has no `undefined`, so that stands for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
