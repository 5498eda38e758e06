import { stringify } from 'smol-toml'
import { keyOf } from '../options/option-table.ts'
import {
  CONNECTION_TABLES,
  type ConnectionKey,
  type ConnectionTableName,
} from './connection-keys.ts'

/** What a new connection file says: values as the file holds them, by table and by name in code. */
export type ConnectionValues = Readonly<
  Partial<Record<ConnectionTableName, Readonly<Record<string, unknown>>>>
>

const WIDTH = 90

/** A new connection file in TOML: every key with a comment, those without a value commented out. */
export function connectionToml(values: ConnectionValues): string {
  const tables = Object.entries(CONNECTION_TABLES).map(([table, { about, keys }]) => {
    const given = values[table as ConnectionTableName] ?? {}
    return [
      ...comment(about),
      `[${table}]`,
      ...Object.entries(keys).flatMap(([name, key]) => ['', ...keyLines(name, key, given[name])]),
    ].join('\n')
  })
  const introduction = [
    ...comment(
      'A connection: where data comes from, where it lands, and when. Paths are relative to this file.',
    ),
    '# flatfhir sync run FILE brings the data in step; docs/sync-connection.md has every key.',
  ].join('\n')
  return `${[introduction, ...tables].join('\n\n')}\n`
}

/** The same in JSON, which has no comments: only the keys that have a value. */
export function connectionJson(values: ConnectionValues): string {
  const tables = Object.entries(values).map(([table, given]) => [
    table,
    Object.fromEntries(
      Object.entries(given)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [keyOf(name), value]),
    ),
  ])
  const content: unknown = Object.fromEntries(tables)
  return `${JSON.stringify(content, undefined, 2)}\n`
}

function keyLines(name: string, key: ConnectionKey<unknown>, value: unknown): readonly string[] {
  const fallback = fallbackOf(key)
  const about = fallback === undefined ? '' : ` Default: ${fallback}.`
  const line = tomlLine(keyOf(name), value ?? key.example)
  return [...comment(`${key.description}.${about}`), value === undefined ? `# ${line}` : line]
}

/** What is true without the key; `undefined` where there is nothing to say. */
export function fallbackOf(key: ConnectionKey<unknown>): string | undefined {
  if (key.defaultText !== undefined) return key.defaultText
  return key.default === undefined ? undefined : key.type.format(key.default)
}

function tomlLine(key: string, value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return stringify({ [key]: value }).trimEnd()
  }
  // The writer would make a table of it, which ends the one that it is in.
  const inner = Object.entries(value).map(([name, one]) => tomlLine(name, one))
  return `${key} = { ${inner.join(', ')} }`
}

function comment(text: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 1 > WIDTH) lines.push(`# ${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
