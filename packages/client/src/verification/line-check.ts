import { isAscii, isUtf8 } from 'node:buffer'
import { isResourceType, type OutputFileKind } from '@flatfhir/protocol'
import { outcomeIssues } from '../outcome-issues.ts'
import { type CollectedReferences, ReferenceCollector } from '../references/collect-references.ts'
import { LineScanner } from './line-scanner.ts'

/** What is wrong with a line of an output file. */
export type LineFault = 'too-long' | 'not-utf8' | 'not-json' | 'not-an-object' | 'wrong-type'

/** What the lines of a file must be. */
export interface LineRules {
  readonly kind: OutputFileKind
  /** `resourceType` of every line. */
  readonly type: string
  /** Lines of any type, in blocks that begin with a Parameters resource as header. */
  readonly organized: boolean
  /** The provider's base URL when ids and references are to be collected. */
  readonly references: string | undefined
  readonly maxLineBytes: number
  /** Whether the place of every bad line is reported, however many there are. */
  readonly locate?: boolean
}

/** Where a bad line is, in bytes from the start of the run; `end` is behind its line feed. */
export interface BadLine {
  readonly start: number
  readonly end: number
  /** 1 for the first line of the run. */
  readonly line: number
  readonly fault: LineFault
}

/** What was found in a run of lines. Plain data: it crosses threads. */
export interface LineReport {
  /** All lines, blank ones and bad ones included. */
  readonly lines: number
  readonly blankLines: number
  readonly badLines: number
  /** Headers of the blocks of an organised file: lines, but no resources of the export. */
  readonly headers: number
  /** The first bad lines; `line` is 1 for the first line of the run. */
  readonly faults: readonly { readonly line: number; readonly fault: LineFault }[]
  /** Entries of the Bundles of a deleted file. */
  readonly deletions: number
  /** Of an outcome file: `severity code` and how often. */
  readonly outcomes: Readonly<Record<string, number>>
  /** With `references`. */
  readonly references?: CollectedReferences
  /** With `locate`. */
  readonly badPlaces?: readonly BadLine[]
}

/** Bad lines that are told one by one; the rest is only counted. */
export const MAX_FAULTS = 20

const LINE_FEED = 0x0a

/**
 * Checks a run of whole lines: each one JSON object in UTF-8, of the type that the file promises.
 *
 * Blank lines, which NDJSON does not have, are counted and otherwise let pass: they lose nothing.
 */
export function checkLines(bytes: Uint8Array, rules: LineRules): LineReport {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tally = new LineTally(rules)
  const { decode, isValid } = lineDecoder(buffer)
  const scanner = isValid ? scannerFor(buffer, rules) : undefined
  for (let start = 0; start < buffer.length;) {
    const scanned = scanner?.accept(start) ?? -1
    if (scanner !== undefined && scanned !== -1 && scanned - start <= rules.maxLineBytes) {
      tally.scanned(scanner, buffer)
      start = scanned + 1
      continue
    }
    const lineFeed = buffer.indexOf(LINE_FEED, start)
    const end = lineFeed === -1 ? buffer.length : lineFeed
    tally.at(start, Math.min(end + 1, buffer.length))
    if (end - start > rules.maxLineBytes) tally.bad('too-long')
    else tally.line(decode(start, end))
    start = end + 1
  }
  return tally.report()
}

/** Decodes one line; `undefined` when it is not UTF-8. */
type LineDecoder = (start: number, end: number) => string | undefined

/** Looks at the whole run at once, because that costs far less than a look at each line. */
function lineDecoder(buffer: Buffer): { readonly decode: LineDecoder; readonly isValid: boolean } {
  if (isAscii(buffer)) {
    return { decode: (start, end) => buffer.toString('latin1', start, end), isValid: true }
  }
  if (isUtf8(buffer)) {
    return { decode: (start, end) => buffer.toString('utf8', start, end), isValid: true }
  }
  const decode: LineDecoder = (start, end) =>
    isUtf8(buffer.subarray(start, end)) ? buffer.toString('utf8', start, end) : undefined
  return { decode, isValid: false }
}

/** Where the content of every line is wanted, it is parsed. */
function scannerFor(buffer: Buffer, { kind, organized, type }: LineRules): LineScanner | undefined {
  return kind === 'output' && !organized ? new LineScanner(buffer, type) : undefined
}

class LineTally {
  readonly #rules: LineRules
  #lines = 0
  #blankLines = 0
  #badLines = 0
  #headers = 0
  #deletions = 0
  readonly #faults: { line: number; fault: LineFault }[] = []
  readonly #outcomes: Record<string, number> = {}
  readonly #badPlaces: BadLine[] = []
  readonly #references: ReferenceCollector | undefined
  #start = 0
  #end = 0

  constructor(rules: LineRules) {
    this.#rules = rules
    if (rules.references !== undefined) {
      this.#references = new ReferenceCollector(rules.references, rules.type)
    }
  }

  /** Says where the next line is. */
  at(start: number, end: number): void {
    this.#start = start
    this.#end = end
  }

  line(text: string | undefined): void {
    if (text === undefined) {
      this.bad('not-utf8')
      return
    }
    if (isBlank(text)) {
      this.#lines += 1
      this.#blankLines += 1
      return
    }
    const value = parse(text)
    if (value === undefined) this.bad('not-json')
    else if (!isObject(value)) this.bad('not-an-object')
    else if (!this.#isWanted(value['resourceType'])) this.bad('wrong-type')
    else {
      this.#references?.add(text, value)
      this.#resource(value)
    }
  }

  /** Takes a line that the scanner has accepted. */
  scanned(scanner: LineScanner, buffer: Buffer): void {
    this.#lines += 1
    this.#references?.addScanned(scanner, buffer)
  }

  bad(fault: LineFault): void {
    this.#lines += 1
    this.#badLines += 1
    if (this.#rules.locate === true) {
      const line = this.#lines
      this.#badPlaces.push({ start: this.#start, end: this.#end, line, fault })
    }
    if (this.#faults.length < MAX_FAULTS) this.#faults.push({ line: this.#lines, fault })
  }

  report(): LineReport {
    return {
      lines: this.#lines,
      blankLines: this.#blankLines,
      badLines: this.#badLines,
      headers: this.#headers,
      faults: this.#faults,
      deletions: this.#deletions,
      outcomes: this.#outcomes,
      ...(this.#references !== undefined && { references: this.#references.collected() }),
      ...(this.#rules.locate === true && { badPlaces: this.#badPlaces }),
    }
  }

  #isWanted(resourceType: unknown): boolean {
    if (!this.#rules.organized) return resourceType === this.#rules.type
    if (resourceType === 'Parameters') this.#headers += 1
    return typeof resourceType === 'string' && isResourceType(resourceType)
  }

  #resource(value: Readonly<Record<string, unknown>>): void {
    this.#lines += 1
    if (this.#rules.kind === 'output') return
    if (this.#rules.kind === 'deleted') {
      const entries: unknown = value['entry']
      this.#deletions += Array.isArray(entries) ? entries.length : 0
      return
    }
    for (const { severity, code } of outcomeIssues(value) ?? []) {
      const key = `${severity} ${code}`
      this.#outcomes[key] = (this.#outcomes[key] ?? 0) + 1
    }
  }
}

/** `undefined` for text that is not JSON, which JSON itself has no word for. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isBlank(text: string): boolean {
  // Nearly every line begins with a brace, and costs no more than this look.
  return !text.startsWith('{') && /^[ \t\r]*$/.test(text)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
