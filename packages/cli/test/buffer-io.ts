import type { CommandIo } from '../src/command-io.ts'

/** A {@link CommandIo} that keeps what is written. */
export interface BufferIo extends CommandIo {
  readonly out: () => string
  readonly err: () => string
}

export function bufferIo(
  given: Partial<Pick<CommandIo, 'env' | 'cwd' | 'signal'>> & { readonly isTTY?: boolean } = {},
): BufferIo {
  const out: string[] = []
  const err: string[] = []
  const output = (pieces: string[]): CommandIo['stdout'] => ({
    isTTY: given.isTTY,
    columns: 100,
    write: (text) => pieces.push(text),
  })
  return {
    stdout: output(out),
    stderr: output(err),
    env: given.env ?? {},
    cwd: given.cwd ?? '/nonexistent',
    signal: given.signal ?? new AbortController().signal,
    onHangUp: () => () => undefined,
    out: () => out.join(''),
    err: () => err.join(''),
  }
}
