import type { CommandIo } from '../command-io.ts'
import type { GlobalOptions } from '../options/global-options.ts'
import { mergeOptions, type OptionLayers } from '../options/merge-options.ts'
import type { AnyOptionTable, OptionTable } from '../options/option-table.ts'
import type { Progress } from '../output/progress.ts'
import type { Style } from '../output/style.ts'

/** What a running command has beside its own options. */
export interface CommandContext {
  readonly io: CommandIo
  readonly options: GlobalOptions
  readonly progress: Progress
  /** For what goes to stdout. */
  readonly style: Style
  /** Writes one line of the result to stdout. */
  print(line: string): void
  /** Writes one line to stderr that `--quiet` does not silence: something is wrong. */
  warn(line: string): void
}

/** A command line to try, and what it does. */
export interface CommandExample {
  readonly line: string
  readonly does: string
}

/** One command of `flatfhir`, as its author writes it. */
export interface CommandDefinition<T> {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** A paragraph for `--help` and the reference page. */
  readonly description: string
  readonly options: OptionTable<T>
  readonly examples: readonly CommandExample[]
  /** @returns the exit code. */
  run(options: T, context: CommandContext): Promise<number>
}

/** One command of `flatfhir`, whatever its options are. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly options: AnyOptionTable
  readonly examples: readonly CommandExample[]
  /** Merges and checks the options before anything else happens. */
  prepare(layers: OptionLayers): PreparedCommand
}

/** A command whose options are merged and checked. @returns the exit code. */
export type PreparedCommand = (context: CommandContext) => Promise<number>

/** Hides the type of a command's options behind {@link Command.prepare}. */
export function defineCommand<T>(definition: CommandDefinition<T>): Command {
  return {
    ...definition,
    prepare: (layers) => {
      const options = mergeOptions(definition.options, layers)
      return (context) => definition.run(options, context)
    },
  }
}
