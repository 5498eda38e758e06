/**
 * The word that was most likely meant.
 *
 * @returns `undefined` when none is near: more than a third of the letters would have to change.
 */
export function nearestWord(written: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(written.toLowerCase(), word) }))
    .sort((one, other) => one.distance - other.distance)
  const [best] = ranked
  if (best === undefined) return undefined
  return best.distance <= Math.max(2, Math.floor(best.word.length / 3)) ? best.word : undefined
}

/** Letters to insert, take out or replace (Levenshtein). */
function editDistance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of Array.from(one).entries()) {
    const line = [row + 1]
    for (const [column, otherLetter] of Array.from(other).entries()) {
      const replaced = (above[column] ?? 0) + (letter === otherLetter ? 0 : 1)
      line.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
