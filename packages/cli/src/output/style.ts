import type { TextOutput } from '../command-io.ts'

/** Wraps text in terminal colours, or leaves it as it is. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/**
 * Colours for a terminal; plain text for a pipe, a dumb terminal, or where `NO_COLOR` is set.
 *
 * @see {@link https://no-color.org | NO_COLOR}
 */
export function styleFor(
  output: TextOutput,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const coloured = output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  const wrap = (on: number, off: number) => (written: string) =>
    coloured ? `\u001b[${on}m${written}\u001b[${off}m` : written
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    green: wrap(32, 39),
    red: wrap(31, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  }
}
