/** Breaks a text into lines of at most `width` characters; longer words are cut. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).flatMap((each) => pieces(each, width))) {
    if (line === '') line = word
    else if (lengthOf(line) + 1 + lengthOf(word) <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

function lengthOf(text: string): number {
  return Array.from(text).length
}

function pieces(word: string, width: number): readonly string[] {
  const characters = Array.from(word)
  if (characters.length <= width) return [word]
  const cut: string[] = []
  for (let at = 0; at < characters.length; at += width) {
    cut.push(characters.slice(at, at + width).join(''))
  }
  return cut
}
