/** Where text goes: `process.stdout`, `process.stderr`, or a test's buffer. */
export interface TextOutput {
  readonly isTTY?: boolean | undefined
  /** Width of the terminal, in characters. */
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Everything that the command gets from the process that it runs in. */
export interface CommandIo {
  /** Results only. */
  readonly stdout: TextOutput
  /** Progress, problems, errors and logs. */
  readonly stderr: TextOutput
  /** What is piped in. Read only by commands that are told to. */
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where `flatfhir.toml` is looked for. */
  readonly cwd: string
  /**
   * Has the listener called on every SIGHUP, which else ends the process.
   *
   * @returns takes the listener off.
   */
  readonly onHangUp: (listener: () => void) => () => void
  /** Aborted with a `StoppedBySignalError` when the command shall stop. */
  readonly signal: AbortSignal
}
