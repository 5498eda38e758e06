/** Control characters, which would move the cursor or worse, become visible ones. */
export function withoutControls(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (control) =>
    control === '\n' ? '↵' : control === '\t' ? '→' : '·',
  )
}

const PLAIN = /^[\u0020-\u02ff]*$/
const NO_WIDTH = /^[\p{M}\u200b-\u200f\u2060\ufe00-\ufe0f]$/u
const DOUBLE_WIDTH =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u

/** Columns that a text takes on a terminal. */
export function shownWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** The beginning of a text that is too wide. */
export function shortened(text: string, width: number): string {
  if (shownWidth(text) <= width) return text
  let short = ''
  let left = width - 1
  for (const character of text) {
    left -= characterWidth(character)
    if (left < 0) break
    short += character
  }
  return `${short}…`
}

function characterWidth(character: string): number {
  if (NO_WIDTH.test(character)) return 0
  return DOUBLE_WIDTH.test(character) ? 2 : 1
}
