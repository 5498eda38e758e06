import { isAbsolute, relative } from 'node:path'

/** A path as short as it can be written in the working directory; absolute outside of it. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  const isInside = short !== '' && !isAbsolute(short) && !/^\.\.(?:[/\\]|$)/.test(short)
  return isInside ? short : path
}
