import type { ValueType } from './value-types.ts'

/**
 * One option of a command. Its flag, its environment variable, its key in the config file, its line
 * in `--help` and its row on the reference page all come from here.
 */
export interface OptionDefinition<T> {
  readonly type: ValueType<NonNullable<T>>
  /** One or two sentences without a final full stop. */
  readonly description: string
  /** Heading in `--help`. */
  readonly group: string
  readonly default?: NonNullable<T>
  /** What happens without the option, where that is no fixed value. */
  readonly defaultText?: string
  /** Without it the command cannot start. */
  readonly required?: true
  /** Other spellings of the flag, for example `--_type`. */
  readonly aliases?: readonly string[]
  /** Of the options with the same word here, only one may be set. */
  readonly exclusive?: string
  /**
   * Which values of an exclusive option exclude the others.
   *
   * @defaultValue all but `false`
   */
  excludes?(value: NonNullable<T>): boolean
  /**
   * Name of an option beside which this one means nothing: it is not required then, refused as a
   * flag, and left alone where the environment or the config file has it.
   */
  readonly notWith?: string
  /** Is a positional argument rather than a flag. */
  readonly argument?: true
  /**
   * Is a secret, which only its environment variable may hold: flags are seen by everybody who can
   * list processes, and stay in the history of shells.
   */
  readonly secret?: true
}

/** The options of one command, by their names in code (`maxFileSize` is `--max-file-size`). */
export type OptionTable<T> = { readonly [K in keyof T]-?: OptionDefinition<T[K]> }

/** A table of which only the names matter. */
export type AnyOptionTable = Readonly<Record<string, OptionDefinition<unknown>>>

/** `maxFileSize` → `max-file-size`, the option's key in a config file. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `maxFileSize` → `--max-file-size`. */
export function flagOf(name: string): string {
  return `--${keyOf(name)}`
}

/** `maxFileSize` → `FLATFHIR_MAX_FILE_SIZE`. */
export function variableOf(name: string): string {
  return `FLATFHIR_${keyOf(name).toUpperCase().replaceAll('-', '_')}`
}

/** How a message calls the option: its flag, its argument's placeholder, or its variable. */
export function nameOf(name: string, option: OptionDefinition<unknown>): string {
  if (option.secret === true) return variableOf(name)
  return option.argument === true ? (option.type.placeholder ?? name) : flagOf(name)
}
