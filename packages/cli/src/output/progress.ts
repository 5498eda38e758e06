import type { TextOutput } from '../command-io.ts'
import { outputWidth } from './output-width.ts'

/** Something that is told while a command runs. */
export interface ProgressUpdate {
  /** For people: one short line. */
  readonly text: string
  /** For programs: one JSON object; `event` says what it is. */
  readonly event: string
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** Tells how a command gets on, on stderr. */
export interface Progress {
  /** Something that the next update may replace, at most as often as one can read. */
  update(update: ProgressUpdate): void
  /** Something that stays. */
  note(update: ProgressUpdate): void
  /** Takes the line that updates redraw off the terminal. */
  clear(): void
}

/** How progress is shown. */
export type ProgressMode = 'terminal' | 'lines' | 'json' | 'quiet'

/** What {@link startProgress} may be given. */
export interface ProgressOptions {
  readonly output: TextOutput
  readonly mode: ProgressMode
  /** Milliseconds, from any fixed point. @defaultValue `performance.now` */
  readonly now?: () => number
}

const REDRAW_MS = 80
const SPARSE_MS = 5_000
const ERASE_LINE = '\r\u001b[2K'

/** Progress in the mode that fits the output. */
export function startProgress(options: ProgressOptions): Progress {
  const now = options.now ?? ((): number => performance.now())
  switch (options.mode) {
    case 'terminal':
      return new TerminalProgress(options.output, now)
    case 'lines':
      // What is done within seconds needs no line at all.
      return new SparseProgress(options.output, { now, first: now() }, ({ text }) => text)
    case 'json':
      return new SparseProgress(options.output, { now, first: -Infinity }, ({ event, fields }) =>
        JSON.stringify({ event, ...fields }),
      )
    case 'quiet':
      return { update: () => undefined, note: () => undefined, clear: () => undefined }
  }
}

/** Redraws one line. */
class TerminalProgress implements Progress {
  readonly #output: TextOutput
  readonly #now: () => number
  #drawnAt = -Infinity
  #drawn = false

  constructor(output: TextOutput, now: () => number) {
    this.#output = output
    this.#now = now
  }

  update({ text }: ProgressUpdate): void {
    if (this.#now() - this.#drawnAt < REDRAW_MS) return
    // A line that wraps could not be erased.
    const width = Math.max(20, outputWidth(this.#output, 80) - 1)
    this.#output.write(ERASE_LINE + (text.length > width ? `${text.slice(0, width - 1)}…` : text))
    this.#drawnAt = this.#now()
    this.#drawn = true
  }

  note({ text }: ProgressUpdate): void {
    this.clear()
    this.#output.write(`${text}\n`)
  }

  clear(): void {
    if (this.#drawn) this.#output.write(ERASE_LINE)
    this.#drawn = false
    this.#drawnAt = -Infinity
  }
}

/** Writes a line now and then, so that a log file stays readable. */
class SparseProgress implements Progress {
  readonly #output: TextOutput
  readonly #now: () => number
  readonly #format: (update: ProgressUpdate) => string
  #writtenAt: number

  constructor(
    output: TextOutput,
    { now, first }: { readonly now: () => number; readonly first: number },
    format: (update: ProgressUpdate) => string,
  ) {
    this.#output = output
    this.#now = now
    this.#format = format
    this.#writtenAt = first
  }

  update(update: ProgressUpdate): void {
    if (this.#now() - this.#writtenAt >= SPARSE_MS) this.note(update)
  }

  note(update: ProgressUpdate): void {
    this.#output.write(`${this.#format(update)}\n`)
    this.#writtenAt = this.#now()
  }

  clear(): void {
    // Lines stay; but what makes room for something else has been followed by a sign of life.
    this.#writtenAt = this.#now()
  }
}
