import { isAbsolute, join } from 'node:path'
import { ConfigFileInvalidError, UsageError } from '../errors.ts'
import {
  keyOf,
  nameOf,
  variableOf,
  type AnyOptionTable,
  type OptionDefinition,
  type OptionTable,
} from './option-table.ts'

/** Where a value was written. The order is the precedence, highest first. */
export const OPTION_SOURCES = ['flag', 'environment', 'file', 'default'] as const

/** One of {@link OPTION_SOURCES}. */
export type OptionSource = (typeof OPTION_SOURCES)[number]

/** What the three places say, raw and unchecked, by the options' names. */
export interface OptionLayers {
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file?: ConfigFileLayer | undefined
}

/** The keys of a config file that apply to the command, by the options' names. */
export interface ConfigFileLayer {
  /** Name of the file, for messages. */
  readonly fileName: string
  /** Relative paths in the file are relative to this; `''` leaves them as they are. */
  readonly directory: string
  readonly values: Readonly<Record<string, unknown>>
}

interface Layer {
  readonly source: Exclude<OptionSource, 'default'>
  rawOf(name: string): unknown
  /** How a message calls the option in this place. */
  label(name: string): string
}

/**
 * Makes one set of options out of what the flags, the environment and the config file say: a flag
 * beats the environment, which beats the file, which beats the default. Of options that exclude each
 * other, a higher place's choice also hides the lower places' choices.
 *
 * @throws `UsageError` or `ConfigFileInvalidError` when a value is not of its option's kind, when
 *   options that exclude each other stand in the same place, or when a required one is missing.
 */
export function mergeOptions<T>(table: OptionTable<T>, layers: OptionLayers): T {
  const definitions: AnyOptionTable = table
  const merged: Merged = { values: {}, decidedGroups: new Set() }
  for (const layer of layersOf(definitions, layers)) mergeLayer(definitions, layer, merged)
  const { values } = merged
  const idle = dropIdle(definitions, layers, values)
  for (const [name, option] of Object.entries(definitions)) {
    values[name] ??= option.default
    const isMissing = values[name] === undefined && option.required === true
    if (isMissing && !idle.has(name)) throw missing(name, option)
  }
  // Every name of the table has been given a value that its own type parsed, or `undefined`.
  return values as T
}

interface Merged {
  readonly values: Record<string, unknown>
  /** Groups of options that exclude each other of which a higher layer has set one. */
  readonly decidedGroups: Set<string>
}

/**
 * Takes out the options that mean nothing beside another that is set.
 *
 * @returns their names.
 */
function dropIdle(
  table: AnyOptionTable,
  { flags }: OptionLayers,
  values: Record<string, unknown>,
): ReadonlySet<string> {
  const idle = new Set<string>()
  for (const [name, option] of Object.entries(table)) {
    const other = option.notWith
    const otherOption = other === undefined ? undefined : table[other]
    if (other === undefined || otherOption === undefined || values[other] === undefined) continue
    if (flags[name] !== undefined) {
      throw new UsageError(`${nameOf(name, option)} does not go with ${nameOf(other, otherOption)}`)
    }
    values[name] = undefined
    idle.add(name)
  }
  return idle
}

function mergeLayer(table: AnyOptionTable, layer: Layer, { values, decidedGroups }: Merged): void {
  const chosenHere = new Map<string, string>()
  for (const [name, option] of Object.entries(table)) {
    const value = valueIn(layer, name, option)
    if (value === undefined || values[name] !== undefined) continue
    if (option.exclusive !== undefined && excludesOthers(option, value)) {
      if (decidedGroups.has(option.exclusive)) continue
      const other = chosenHere.get(option.exclusive)
      if (other !== undefined) {
        throw invalid(layer.source, `${other} and ${layer.label(name)} exclude each other`)
      }
      chosenHere.set(option.exclusive, layer.label(name))
    }
    values[name] = value
  }
  for (const group of chosenHere.keys()) decidedGroups.add(group)
}

function excludesOthers(option: OptionDefinition<unknown>, value: unknown): boolean {
  if (option.excludes === undefined || value === null || value === undefined) return value !== false
  return option.excludes(value)
}

function valueIn(layer: Layer, name: string, option: OptionDefinition<unknown>): unknown {
  const raw = layer.rawOf(name)
  if (raw === undefined) return undefined
  const value = option.type.parse(raw)
  if (value !== undefined) return value
  throw invalid(layer.source, `${layer.label(name)}: expected ${option.type.expected}`)
}

function layersOf(table: AnyOptionTable, layers: OptionLayers): readonly Layer[] {
  const { flags, environment, file } = layers
  return [
    {
      source: 'flag',
      rawOf: (name) => flags[name],
      label: (name) => {
        const option = table[name]
        return option === undefined ? name : nameOf(name, option)
      },
    },
    {
      source: 'environment',
      // An empty variable is the usual way of a shell or a container to say "not set".
      rawOf: (name) => {
        const written = environment[variableOf(name)]
        return written === '' ? undefined : written
      },
      label: variableOf,
    },
    ...(file === undefined ? [] : [fileLayer(table, file)]),
  ]
}

function fileLayer(table: AnyOptionTable, file: ConfigFileLayer): Layer {
  return {
    source: 'file',
    rawOf: (name) => {
      const raw = file.values[name]
      const isPath = table[name]?.type.isPath ?? false
      return isPath === false ? raw : resolvePaths(raw, file.directory, isPath)
    },
    label: (name) => `${file.fileName}: key "${keyOf(name)}"`,
  }
}

function resolvePaths(raw: unknown, directory: string, isPath: true | 'after @'): unknown {
  if (Array.isArray(raw)) return raw.map((part: unknown) => resolvePaths(part, directory, isPath))
  if (typeof raw !== 'string') return raw
  const sign = isPath === 'after @' ? '@' : ''
  const written = raw.slice(sign.length)
  if (!raw.startsWith(sign) || written === '' || isAbsolute(written)) return raw
  return sign + join(directory, written)
}

function invalid(source: OptionSource, message: string): UsageError | ConfigFileInvalidError {
  return source === 'file' ? new ConfigFileInvalidError(message) : new UsageError(message)
}

function missing(name: string, option: OptionDefinition<unknown>): UsageError {
  if (option.secret === true) return new UsageError(`${variableOf(name)} is missing`)
  const placeholder = option.type.placeholder ?? ''
  const written = option.argument === true ? placeholder : `${nameOf(name, option)} ${placeholder}`
  return new UsageError(
    `${written.trim()} is missing`,
    `Name it on the command line, as ${variableOf(name)}, or as "${keyOf(name)}" in the config file.`,
  )
}
