import type { CollectedReferences } from '../references/collect-references.ts'
import { type LineFault, type LineReport, MAX_FAULTS } from './line-check.ts'

/** What was found in all lines of a file. */
export interface LineTotals extends Omit<LineReport, 'faults' | 'badPlaces' | 'references'> {
  /** The first bad lines; `lineNumber` is 1 for the first line of the file. */
  readonly faults: readonly { readonly lineNumber: number; readonly fault: LineFault }[]
}

// How many blocks of one file may be on their way at a time: enough to keep two threads busy.
const MAX_PENDING = 2

const TOO_LONG: LineReport = {
  lines: 1,
  blankLines: 0,
  badLines: 1,
  headers: 0,
  faults: [{ line: 1, fault: 'too-long' }],
  deletions: 0,
  outcomes: {},
}

/**
 * Adds up the reports of a file's blocks in the order of the file, so that line numbers are right
 * whichever thread was faster, and holds the download back while too many are outstanding.
 */
export class LineLedger {
  readonly #onReferences: ((references: CollectedReferences) => Promise<void>) | undefined
  readonly #pending: Promise<LineReport>[] = []
  readonly #faults: { lineNumber: number; fault: LineFault }[] = []
  readonly #outcomes: Record<string, number> = {}
  #lines = 0
  #blankLines = 0
  #badLines = 0
  #headers = 0
  #deletions = 0

  constructor(onReferences?: (references: CollectedReferences) => Promise<void>) {
    this.#onReferences = onReferences
  }

  /** Takes the report of the next block; resolves when the one after that may come. */
  async add(report: Promise<LineReport>): Promise<void> {
    // It is awaited later; until then a rejection must not count as unhandled.
    report.catch(() => undefined)
    this.#pending.push(report)
    if (this.#pending.length > MAX_PENDING) await this.#settleFirst()
  }

  /** Notes a line that was too long to be looked at. */
  async addTooLong(): Promise<void> {
    await this.add(Promise.resolve(TOO_LONG))
  }

  /** Waits for all reports. */
  async close(): Promise<LineTotals> {
    while (this.#pending.length > 0) await this.#settleFirst()
    return {
      lines: this.#lines,
      blankLines: this.#blankLines,
      badLines: this.#badLines,
      headers: this.#headers,
      faults: this.#faults,
      deletions: this.#deletions,
      outcomes: this.#outcomes,
    }
  }

  async #settleFirst(): Promise<void> {
    const report = await this.#pending.shift()
    if (report === undefined) return
    if (report.references !== undefined) await this.#onReferences?.(report.references)
    for (const { line, fault } of report.faults) {
      if (this.#faults.length === MAX_FAULTS) break
      this.#faults.push({ lineNumber: this.#lines + line, fault })
    }
    this.#lines += report.lines
    this.#blankLines += report.blankLines
    this.#badLines += report.badLines
    this.#headers += report.headers
    this.#deletions += report.deletions
    for (const [key, count] of Object.entries(report.outcomes)) {
      this.#outcomes[key] = (this.#outcomes[key] ?? 0) + count
    }
  }
}
