import type { TextOutput } from '../command-io.ts'

/** Width of an output in characters; a terminal that does not know its own says 0. */
export function outputWidth({ columns }: TextOutput, fallback: number): number {
  return columns === undefined || columns === 0 ? fallback : columns
}
