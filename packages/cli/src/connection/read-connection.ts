import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import { keyOf } from '../options/option-table.ts'
import { checkConnection } from './check-connection.ts'
import type { Connection } from './connection.ts'
import {
  CONNECTION_TABLES,
  type ConnectionKey,
  type ConnectionTableName,
} from './connection-keys.ts'
import { ConnectionInvalidError } from './errors.ts'
import { jsonFaultLine, jsonKeyLines, tomlKeyLines, type KeyLines } from './key-lines.ts'
import { nearestWord } from './nearest-word.ts'

/**
 * Reads a connection file: TOML, or JSON where the name ends in `.json` or the text is an object.
 *
 * @param name - Path of the file; relative to `cwd`.
 * @throws `ConnectionInvalidError` naming the file, the line and the key; it never repeats a value.
 */
export async function readConnection(name: string, cwd: string): Promise<Connection> {
  return parseConnection(await readText(resolve(cwd, name), name), { name, cwd })
}

/** Reads the text of a connection file. @throws as {@link readConnection}. */
export function parseConnection(
  text: string,
  { name, cwd }: { readonly name: string; readonly cwd: string },
): Connection {
  const file = new ConnectionText(text, name)
  const path = resolve(cwd, name)
  file.refuseUnknown()
  const values = Object.fromEntries(
    Object.entries(CONNECTION_TABLES).map(([table, { keys }]) => [
      table,
      readTable(file, { table, keys, directory: dirname(path) }),
    ]),
  )
  // Every key of every table has been given a value that its own type parsed, or `undefined`.
  const read = values as unknown as Pick<Connection, ConnectionTableName>
  checkConnection(read, (place, message, nextStep) => {
    throw file.fault(place, message, nextStep)
  })
  const workDirectory = read.sync.workDirectory ?? `${path}.sync`
  return { path, name, ...read, workDirectory }
}

interface TablePlace {
  readonly table: string
  readonly keys: Readonly<Record<string, ConnectionKey<unknown>>>
  readonly directory: string
}

function readTable(
  file: ConnectionText,
  { table, keys, directory }: TablePlace,
): Readonly<Record<string, unknown>> {
  const read = (name: string, key: ConnectionKey<unknown>): unknown => {
    const place = [table, keyOf(name)]
    const raw = file.valueAt(place)
    if (raw === undefined) {
      if (key.required === true) throw file.fault(place, 'is missing')
      return key.default
    }
    const value = key.type.parse(raw)
    if (value === undefined) throw file.fault(place, `expected ${key.type.expected}`)
    const isPath = key.type.isPath === true && typeof value === 'string'
    return isPath && !isAbsolute(value) ? join(directory, value) : value
  }
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, read(name, key)]))
}

type Content = Readonly<Record<string, unknown>>

/** The text of a connection file, taken apart, which knows its lines. */
class ConnectionText {
  readonly #name: string
  readonly #content: Content
  readonly #lines: KeyLines

  constructor(text: string, name: string) {
    this.#name = name
    const isJson = extname(name).toLowerCase() === '.json' || /^\s*\{/.test(text)
    this.#content = isJson ? parsedJson(text, name) : parsedToml(text, name)
    this.#lines = isJson ? jsonKeyLines(text) : tomlKeyLines(text)
  }

  valueAt([table = '', key = '']: readonly string[]): unknown {
    const content = this.#content[table]
    return isContent(content) && Object.hasOwn(content, key) ? content[key] : undefined
  }

  /** What is wrong at a key, with its line. */
  fault(place: readonly string[], message: string, nextStep?: string): ConnectionInvalidError {
    const line = this.#lines.lineOf(place)
    const where = line === undefined ? this.#name : `${this.#name}:${line}`
    return new ConnectionInvalidError(`${where}: ${place.join('.')}: ${message}`, nextStep)
  }

  refuseUnknown(): void {
    for (const [table, content] of Object.entries(this.#content)) {
      const known = tableNamed(table)
      if (known === undefined) throw this.#unknown([table])
      if (!isContent(content)) throw this.fault([table], 'expected a table')
      const names = Object.keys(known.keys).map(keyOf)
      const unknown = Object.keys(content).find((key) => !names.includes(key))
      if (unknown !== undefined) throw this.#unknown([table, unknown])
    }
  }

  #unknown(place: readonly string[]): ConnectionInvalidError {
    const key = place.at(-1) ?? ''
    if (SECRET_KEYS.has(key)) {
      return this.fault(
        place,
        'a connection file holds no secrets',
        'Name the file or the environment variable that holds it: login.key, login.client-secret-file, login.client-secret-variable.',
      )
    }
    return this.fault(place, 'there is no such key', suggestion(place))
  }
}

const SECRET_KEYS: ReadonlySet<string> = new Set([
  ...['client-secret', 'secret', 'password', 'private-key', 'token', 'access-token'],
])

function tableNamed(name: string): { readonly keys: Content } | undefined {
  return Object.entries(CONNECTION_TABLES).find(([table]) => table === name)?.[1]
}

/** Where a key belongs that stands elsewhere, or the key that is spelled nearly so. */
function suggestion(place: readonly string[]): string {
  const key = place.at(-1) ?? ''
  const everyKey = Object.entries(CONNECTION_TABLES).flatMap(([table, { keys }]) =>
    Object.keys(keys).map((name) => ({ table, key: keyOf(name) })),
  )
  const elsewhere = everyKey.find((one) => one.key === key)
  if (elsewhere !== undefined) return `It belongs in the table [${elsewhere.table}].`
  const [table = ''] = place
  const siblings = everyKey.filter((one) => one.table === table).map((one) => one.key)
  const near = nearestWord(key, siblings)
  if (place.length > 1 && near !== undefined) return `Did you mean ${table}.${near}?`
  const tables = Object.keys(CONNECTION_TABLES)
  const far = nearestWord(key, [...tables, ...everyKey.map((one) => one.key)])
  const home = everyKey.find((one) => one.key === far)
  if (home !== undefined) return `Did you mean ${home.table}.${home.key}?`
  if (far !== undefined) return `Did you mean [${far}]?`
  return place.length > 1
    ? `Keys of [${table}] are ${siblings.join(', ')}.`
    : `Tables are ${tables.join(', ')}.`
}

function isContent(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsedToml(text: string, name: string): Content {
  try {
    return parseToml(text)
  } catch (error) {
    // The parser's own message quotes the file.
    const line = error instanceof TomlError ? `:${error.line}` : ''
    throw new ConnectionInvalidError(
      `${name}${line}: is not TOML`,
      'Texts stand in quotation marks, and each table and key stands once.',
    )
  }
}

function parsedJson(text: string, name: string): Content {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new ConnectionInvalidError(`${name}:${jsonFaultLine(text)}: is not JSON`)
  }
  if (isContent(content)) return content
  throw new ConnectionInvalidError(`${name}: is not a JSON object`)
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw isMissing
      ? new ConnectionInvalidError(
          `${name}: there is no such file`,
          `Make it: flatfhir sync init ${basename(name)} --url URL --system`,
        )
      : new ConnectionInvalidError(`${name}: cannot be read`, 'Check the path and its permissions.')
  }
}
