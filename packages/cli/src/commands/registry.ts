import { GLOBAL_OPTIONS } from '../options/global-options.ts'
import type { AnyOptionTable } from '../options/option-table.ts'
import type { Command } from './command.ts'
import { DEMO_COMMAND } from './demo/command.ts'
import { EXPORT_COMMAND } from './export/command.ts'
import { IMPORT_COMMAND } from './import/command.ts'
import { SERVE_COMMAND } from './serve/command.ts'
import { SYNTH_COMMAND } from './synth/command.ts'

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly Command[] = [
  DEMO_COMMAND,
  SYNTH_COMMAND,
  IMPORT_COMMAND,
  SERVE_COMMAND,
  EXPORT_COMMAND,
]

/** What a config file may hold for each command: its own options, and those of every command. */
export function configFileTables(): Readonly<Record<string, AnyOptionTable>> {
  const { json, quiet, verbose } = GLOBAL_OPTIONS
  return Object.fromEntries(
    COMMANDS.map((command) => [command.name, { json, quiet, verbose, ...command.options }]),
  )
}
