import { CONNECTION_TABLES, type ConnectionKey } from '../connection/connection-keys.ts'
import { fallbackOf } from '../connection/connection-text.ts'
import { keyOf } from '../options/option-table.ts'

/** The keys of a connection file, in Markdown: a section for each of its tables. */
export function connectionReference(): string {
  return Object.entries(CONNECTION_TABLES)
    .flatMap(([table, { about, keys }]) => [
      `### \`[${table}]\``,
      '',
      about,
      '',
      '| key | value | default | meaning |',
      '| --- | --- | --- | --- |',
      ...Object.entries(keys).map(([name, key]) => keyRow(name, key)),
      '',
    ])
    .join('\n')
}

function keyRow(name: string, key: ConnectionKey<unknown>): string {
  const required = key.required === true ? ' Required.' : ''
  const cells = [
    `\`${keyOf(name)}\``,
    key.type.expected,
    fallbackOf(key) ?? '',
    `${key.description}.${required}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
