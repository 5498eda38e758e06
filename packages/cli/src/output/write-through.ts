import { once } from 'node:events'
import { Writable } from 'node:stream'
import type { TextOutput } from '../command-io.ts'

/**
 * Writes text, and waits where the reader is slower than we are, so that little of it is in memory.
 *
 * @throws the reason of the signal: also when the reader has gone away.
 */
export async function writeThrough(
  output: TextOutput,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  output.write(text)
  if (output instanceof Writable && output.writableNeedDrain) {
    await once(output, 'drain', { signal })
  }
}
