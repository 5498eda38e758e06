import { Readable } from 'node:stream'
import type { CommandIo } from '../src/command-io.ts'
import { runCli } from '../src/run-cli.ts'
import type { CommandResult } from './command-process.ts'

/** A {@link CommandIo} that keeps what is written. */
export interface BufferIo extends CommandIo {
  readonly out: () => string
  readonly err: () => string
}

export function bufferIo(
  given: Partial<Pick<CommandIo, 'env' | 'cwd' | 'signal' | 'stdin'>> & {
    readonly isTTY?: boolean
  } = {},
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
    stdin: given.stdin ?? Readable.from([]),
    env: given.env ?? {},
    cwd: given.cwd ?? '/nonexistent',
    signal: given.signal ?? new AbortController().signal,
    onHangUp: () => () => undefined,
    out: () => out.join(''),
    err: () => err.join(''),
  }
}

/** Runs a command in this process, which is quicker than one of its own. */
export async function inProcess(
  args: readonly string[],
  given: Parameters<typeof bufferIo>[0] = {},
): Promise<CommandResult> {
  const io = bufferIo(given)
  const code = await runCli(args, io)
  return { code, out: io.out(), err: io.err() }
}
