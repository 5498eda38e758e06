const LINE_FEED = 0x0a

/** Number of line feeds, which is that of complete lines. */
export function countLines(lines: Uint8Array): number {
  let count = 0
  for (let at = lines.indexOf(LINE_FEED); at !== -1; at = lines.indexOf(LINE_FEED, at + 1)) {
    count += 1
  }
  return count
}
