import { EXIT_COMPLETE } from '../../exit-codes.ts'
import type { CommandContext } from '../command.ts'
import { clientFields, clientLines, clientsTable } from './client-text.ts'
import { ClientUnknownError } from './errors.ts'
import type { ClientsListOptions } from './list-command.ts'
import { withClients } from './registry.ts'
import type { ClientsShowOptions } from './show-command.ts'

/** Runs `flatfhir clients list`. @returns the exit code. */
export async function runClientsList(
  { data }: ClientsListOptions,
  context: CommandContext,
): Promise<number> {
  const clients = await withClients(data, { make: false }, (registry) => registry.list())
  if (context.options.json) context.print(JSON.stringify({ clients: clients.map(clientFields) }))
  else if (clients.length === 0) context.print('no clients')
  else for (const line of clientsTable(clients, context.style)) context.print(line)
  return EXIT_COMPLETE
}

/** Runs `flatfhir clients show`. @returns the exit code. */
export async function runClientsShow(
  { id, data }: ClientsShowOptions,
  context: CommandContext,
): Promise<number> {
  const client = await withClients(data, { make: false }, (registry) => registry.find(id))
  if (client === undefined) throw new ClientUnknownError('unknown')
  if (context.options.json) context.print(JSON.stringify(clientFields(client)))
  else for (const line of clientLines(client)) context.print(line)
  return EXIT_COMPLETE
}
