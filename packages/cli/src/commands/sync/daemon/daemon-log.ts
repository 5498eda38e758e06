import type { TextOutput } from '../../../command-io.ts'

/** Something that happened in the daemon. Holds no patient data: names, codes, counts, instants. */
export interface DaemonEvent {
  readonly event: string
  /** For people: what happened, without the time and the connection. */
  readonly text: string
  readonly connection?: string
  /** Something went wrong. */
  readonly isProblem?: boolean
  readonly fields?: Readonly<Record<string, unknown>>
}

/** How a log is written. */
export interface DaemonLogOptions {
  readonly output: TextOutput
  readonly format: 'text' | 'json'
  /** Only problems. */
  readonly quiet: boolean
  readonly now: () => Date
}

/** One line for each event. */
export class DaemonLog {
  readonly #options: DaemonLogOptions

  constructor(options: DaemonLogOptions) {
    this.#options = options
  }

  write(event: DaemonEvent): void {
    const { output, format, quiet } = this.#options
    if (quiet && event.isProblem !== true) return
    const line = format === 'json' ? this.#json(event) : this.#text(event)
    output.write(`${line}\n`)
  }

  #json({ event, text, connection, isProblem, fields }: DaemonEvent): string {
    return JSON.stringify({
      time: this.#options.now().toISOString(),
      level: isProblem === true ? 'error' : 'info',
      event,
      connection,
      message: text,
      ...fields,
    })
  }

  #text({ text, connection }: DaemonEvent): string {
    const time = this.#options.now().toISOString()
    return [time, ...(connection === undefined ? [] : [`${connection}:`]), text].join(' ')
  }
}
