/** Finds lines in the text of a file that is read by its content. */
export interface KeyLines {
  /** 1-based line of a key, or of what holds it; `undefined` where it cannot be told. */
  lineOf(path: readonly string[]): number | undefined
}

const BARE = '[A-Za-z0-9_-]+'
const NAME = `(?:${BARE}|"[^"\\n]*"|'[^'\\n]*')`
const DOTTED = `${NAME}(?:\\s*\\.\\s*${NAME})*`
const HEADER = new RegExp(`^\\s*\\[\\s*(${DOTTED})\\s*\\]`)
const KEY = new RegExp(`^\\s*(${DOTTED})\\s*=`)

/** Lines of the keys of TOML, by its tables and what stands at the beginning of lines. */
export function tomlKeyLines(text: string): KeyLines {
  const found: FoundKey[] = []
  let table: readonly string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const header = HEADER.exec(line)?.[1]
    const key = KEY.exec(line)?.[1]
    if (header !== undefined) {
      table = namesIn(header)
      found.push({ path: table, line: index + 1 })
    } else if (key !== undefined) found.push({ path: [...table, ...namesIn(key)], line: index + 1 })
  }
  return linesOf(found)
}

function namesIn(dotted: string): readonly string[] {
  const names = dotted.match(new RegExp(NAME, 'g')) ?? []
  return names.map((name) => name.replace(/^(["'])(.*)\1$/, '$2'))
}

interface FoundKey {
  readonly path: readonly string[]
  readonly line: number
}

/** The key itself, or the nearest that holds it, such as the table of an inline key. */
function linesOf(found: readonly FoundKey[]): KeyLines {
  return {
    lineOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const wanted = path.slice(0, length)
        const match = found.find((one) => isSame(one.path, wanted))
        if (match !== undefined) return match.line
      }
      return undefined
    },
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index])
}

const JSON_TOKEN = /"(?:[^"\\\n]|\\.)*"|[{}[\]:,]|\n|[^\s{}[\]:,"]+|"/g

/** Lines of the keys of JSON. */
export function jsonKeyLines(text: string): KeyLines {
  const found: FoundKey[] = []
  const path: string[] = []
  let line = 1
  let last: string | undefined
  for (const [token] of text.matchAll(JSON_TOKEN)) {
    if (token === '\n') line += 1
    else if (token === '{') path.push('')
    else if (token === '}') path.pop()
    else if (token === ':' && last !== undefined && path.length > 0) {
      path[path.length - 1] = unquoted(last)
      found.push({ path: [...path], line })
    }
    if (token !== '\n') last = token
  }
  return linesOf(found)
}

function unquoted(token: string): string {
  return token.replace(/^"|"$/g, '')
}

const JSON_LITERAL = /^(?:"(?:[^"\\\n]|\\.)*"|true|false|null|-?\d[\d.eE+-]*)$/

/**
 * Line of the first thing in broken JSON that no JSON has.
 *
 * The parser's own message tells it in some versions of Node only, and quotes the text around it.
 */
export function jsonFaultLine(text: string): number {
  let line = 1
  let last = ''
  for (const [token] of text.matchAll(JSON_TOKEN)) {
    if (token === '\n') {
      line += 1
      continue
    }
    if (!mayFollow(last, token)) return line
    last = token
  }
  return line
}

function mayFollow(last: string, token: string): boolean {
  const isValue = JSON_LITERAL.test(token)
  const opens = token === '{' || token === '['
  if (/^[{[:,]?$/.test(last)) {
    const closesEmpty = (last === '{' && token === '}') || (last === '[' && token === ']')
    return isValue || opens || closesEmpty
  }
  return /^[:,}\]]$/.test(token)
}
