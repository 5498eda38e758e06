import { GLOBAL_OPTIONS } from '../options/global-options.ts'
import type { AnyOptionTable } from '../options/option-table.ts'
import type { Command } from './command.ts'
import { AUDIT_VERIFY_COMMAND } from './audit/verify-command.ts'
import { CHECK_COMMAND } from './check/command.ts'
import { CLIENTS_ADD_COMMAND } from './clients/add-command.ts'
import { CLIENTS_LIST_COMMAND } from './clients/list-command.ts'
import { CLIENTS_REVOKE_COMMAND } from './clients/revoke-command.ts'
import { CLIENTS_ROTATE_COMMAND } from './clients/rotate-command.ts'
import { CLIENTS_SHOW_COMMAND } from './clients/show-command.ts'
import { DEMO_COMMAND } from './demo/command.ts'
import { EXPORT_CANCEL_COMMAND } from './export/cancel-command.ts'
import { EXPORT_COLLECT_COMMAND } from './export/collect-command.ts'
import { EXPORT_COMMAND } from './export/command.ts'
import { EXPORT_START_COMMAND } from './export/start-command.ts'
import { EXPORT_STATUS_COMMAND } from './export/status-command.ts'
import { IMPORT_COMMAND } from './import/command.ts'
import { KEYS_CREATE_COMMAND } from './keys/create-command.ts'
import { KEYS_ROTATE_COMMAND } from './keys/rotate-command.ts'
import { KEYS_SHOW_COMMAND } from './keys/show-command.ts'
import { RECEIPT_COMMAND } from './receipt/command.ts'
import { SERVE_COMMAND } from './serve/command.ts'
import { LOAD_COMMAND } from './load/command.ts'
import { QUERY_COMMAND } from './query/command.ts'
import { SYNC_DAEMON_COMMAND } from './sync/daemon-command.ts'
import { SYNC_HISTORY_COMMAND } from './sync/history-command.ts'
import { SYNC_INIT_COMMAND } from './sync/init-command.ts'
import { SYNC_RUN_COMMAND } from './sync/run-command.ts'
import { SYNC_STATUS_COMMAND } from './sync/status-command.ts'
import { SYNTH_COMMAND } from './synth/command.ts'

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly Command[] = [
  DEMO_COMMAND,
  SYNTH_COMMAND,
  IMPORT_COMMAND,
  SERVE_COMMAND,
  EXPORT_COMMAND,
  EXPORT_START_COMMAND,
  EXPORT_STATUS_COMMAND,
  EXPORT_COLLECT_COMMAND,
  EXPORT_CANCEL_COMMAND,
  RECEIPT_COMMAND,
  CHECK_COMMAND,
  SYNC_INIT_COMMAND,
  SYNC_RUN_COMMAND,
  SYNC_STATUS_COMMAND,
  SYNC_HISTORY_COMMAND,
  SYNC_DAEMON_COMMAND,
  LOAD_COMMAND,
  QUERY_COMMAND,
  KEYS_CREATE_COMMAND,
  KEYS_SHOW_COMMAND,
  KEYS_ROTATE_COMMAND,
  CLIENTS_ADD_COMMAND,
  CLIENTS_LIST_COMMAND,
  CLIENTS_SHOW_COMMAND,
  CLIENTS_REVOKE_COMMAND,
  CLIENTS_ROTATE_COMMAND,
  AUDIT_VERIFY_COMMAND,
]

/** What the first word of commands of two words stands for. */
export const COMMAND_GROUPS: Readonly<Record<string, string>> = {
  audit: 'Check the audit log of a server',
  clients: 'Register the clients of a server, and end or change registrations',
  export: 'Take an export step by step',
  keys: 'Make, show and replace the keys that a client logs in with',
  sync: 'Keep a DuckDB database or a Parquet dataset in step with a provider',
}

/** What a config file may hold for each command: its own options, and those of every command. */
export function configFileTables(): Readonly<Record<string, AnyOptionTable>> {
  const { json, quiet, verbose } = GLOBAL_OPTIONS
  return Object.fromEntries(
    COMMANDS.map((command) => [command.name, { json, quiet, verbose, ...command.options }]),
  )
}
