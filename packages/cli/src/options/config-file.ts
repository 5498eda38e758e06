import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import { ConfigFileInvalidError } from '../errors.ts'
import type { ConfigFileLayer } from './merge-options.ts'
import { keyOf, type AnyOptionTable } from './option-table.ts'

/** Looked for in the working directory when no `--config` names another file. */
export const DEFAULT_CONFIG_FILE = 'flatfhir.toml'

/** A config file as it was read: keys for every command, and one table for each. */
export interface ConfigFile {
  readonly fileName: string
  /** Directory of the file; `''` for the working directory. */
  readonly directory: string
  readonly content: Readonly<Record<string, unknown>>
}

/**
 * Reads the config file: TOML, or JSON where the name ends in `.json`.
 *
 * @param named - What `--config` says; without it `flatfhir.toml` is read where there is one.
 * @returns `undefined` when no file was named and there is none.
 * @throws `ConfigFileInvalidError` when a named file is not there, or a file is not TOML or JSON.
 */
export async function readConfigFile(
  named: string | undefined,
  cwd: string,
): Promise<ConfigFile | undefined> {
  const fileName = named ?? DEFAULT_CONFIG_FILE
  const written = await readText(isAbsolute(fileName) ? fileName : join(cwd, fileName), fileName)
  if (written === undefined) {
    if (named === undefined) return undefined
    throw new ConfigFileInvalidError(`${fileName}: there is no such file`, 'Check --config.')
  }
  const directory = dirname(fileName)
  const content = parseContent(fileName, written)
  return { fileName: basename(fileName), directory: directory === '.' ? '' : directory, content }
}

/**
 * Picks what a config file says to one command: the keys at its top, and those of the command's own
 * table, which win.
 *
 * @param tables - The options of every command, by the commands' names.
 * @throws `ConfigFileInvalidError` naming the first key that no command has.
 */
export function configFileLayer(
  file: ConfigFile,
  command: string,
  tables: Readonly<Record<string, AnyOptionTable>>,
): ConfigFileLayer {
  const entries = sectionsOf(file.content, tables)
  const shared = Object.fromEntries(entries.filter(([key]) => !Object.hasOwn(tables, key)))
  const everyOption = Object.assign({}, ...Object.values(tables)) as AnyOptionTable
  let values = namedValues(shared, everyOption, { file, prefix: '' })
  const sections = entries.filter(([key]) => Object.hasOwn(tables, key))
  // `export` before `export start`, for which it counts too.
  for (const [name, section] of sections.sort(([a], [b]) => a.length - b.length)) {
    if (!isContent(section)) throw unknownKey(file, name.replace(' ', '.'))
    const own = namedValues(section, tables[name] ?? {}, {
      file,
      prefix: `${name.replace(' ', '.')}.`,
    })
    if (name === command || command.startsWith(`${name} `)) values = { ...values, ...own }
  }
  const ownNames = Object.entries(values).filter(([name]) =>
    Object.hasOwn(tables[command] ?? {}, name),
  )
  return {
    fileName: file.fileName,
    directory: file.directory,
    values: Object.fromEntries(ownNames),
  }
}

/** Makes `[keys.create]` a table under the name `keys create`. */
function sectionsOf(
  content: Content,
  tables: Readonly<Record<string, AnyOptionTable>>,
): readonly (readonly [string, unknown])[] {
  const groups = new Set(Object.keys(tables).map((name) => name.split(' ')[0]))
  return Object.entries(content).flatMap(([key, value]) => {
    if (!groups.has(key) || !isContent(value)) return [[key, value] as const]
    const isCommand = Object.hasOwn(tables, key)
    const steps = Object.entries(value).flatMap(([own, section]) => {
      const name = `${key} ${own}`
      // What no command is called is left to be reported as an unknown key.
      if (Object.hasOwn(tables, name)) return [[name, section] as const]
      return isCommand ? [] : [[`${key}.${own}`, section] as const]
    })
    if (!isCommand) return steps
    const own = Object.entries(value).filter(([name]) => !Object.hasOwn(tables, `${key} ${name}`))
    return [[key, Object.fromEntries(own)] as const, ...steps]
  })
}

/** The values of some keys by the names of their options. */
function namedValues(
  content: Content,
  table: AnyOptionTable,
  place: { readonly file: ConfigFile; readonly prefix: string },
): Readonly<Record<string, unknown>> {
  const names = new Map(
    Object.entries(table)
      .filter(([, option]) => option.secret !== true)
      .map(([name]) => [keyOf(name), name]),
  )
  return Object.fromEntries(
    Object.entries(content).map(([key, value]) => {
      const name = names.get(key)
      if (name === undefined) throw unknownKey(place.file, place.prefix + key)
      return [name, value]
    }),
  )
}

type Content = Readonly<Record<string, unknown>>

function isContent(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownKey(file: ConfigFile, key: string): ConfigFileInvalidError {
  return new ConfigFileInvalidError(
    `${file.fileName}: unknown key "${key}"`,
    'Keys are the flags without their dashes, at the top or in a table named after the command.',
  )
}

async function readText(path: string, fileName: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ConfigFileInvalidError(`${fileName}: cannot be read`, 'Check its permissions.')
  }
}

function parseContent(fileName: string, written: string): Content {
  const isJson = extname(fileName) === '.json'
  let content: unknown
  try {
    content = isJson ? JSON.parse(written) : parseToml(written)
  } catch (error) {
    // The parser's own message quotes the file, which may hold secrets.
    const line = error instanceof TomlError ? ` (line ${error.line})` : ''
    throw new ConfigFileInvalidError(`${fileName}: is not ${isJson ? 'JSON' : 'TOML'}${line}`)
  }
  if (!isContent(content)) throw new ConfigFileInvalidError(`${fileName}: is not an object`)
  return content
}
