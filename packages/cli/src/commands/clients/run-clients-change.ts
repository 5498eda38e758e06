import { registeredKeys, type ClientRegistry } from '@flatfhir/auth'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { withAuditLog } from '../../provider/audit.ts'
import type { CommandContext } from '../command.ts'
import { ClientUnknownError } from './errors.ts'
import { operator } from './operator.ts'
import { registrationKeys } from './registration-keys.ts'
import { withClients } from './registry.ts'
import type { ClientsRevokeOptions } from './revoke-command.ts'
import type { ClientsRotateOptions } from './rotate-command.ts'

/** Runs `flatfhir clients revoke`. @returns the exit code. */
export async function runClientsRevoke(
  { id, data }: ClientsRevokeOptions,
  context: CommandContext,
): Promise<number> {
  await withClients(data, { make: false }, async (clients) => {
    await activeClient(clients, id)
    // Before it is written down: a log that fails must not keep a client alive.
    if (!(await clients.revoke(id, new Date()))) throw new ClientUnknownError('revoked')
    await withAuditLog(data, (log) =>
      log.record({ name: 'client-revoked', clientId: id, operator: operator() }),
    )
  })
  tellChange(id, 'revoked', context)
  return EXIT_COMPLETE
}

/** Runs `flatfhir clients rotate`. @returns the exit code. */
export async function runClientsRotate(
  options: ClientsRotateOptions,
  context: CommandContext,
): Promise<number> {
  const { id, data } = options
  const keys = registeredKeys(await registrationKeys(options))
  await withClients(data, { make: false }, async (clients) => {
    await activeClient(clients, id)
    await withAuditLog(data, (log) =>
      log.record({ name: 'client-rotated', clientId: id, operator: operator() }),
    )
    if (!(await clients.rotateKeys(id, keys))) throw new ClientUnknownError('revoked')
  })
  tellChange(id, 'rotated', context)
  return EXIT_COMPLETE
}

async function activeClient(clients: ClientRegistry, id: string): Promise<void> {
  const client = await clients.find(id)
  if (client === undefined) throw new ClientUnknownError('unknown')
  if (client.revokedAt !== undefined) throw new ClientUnknownError('revoked')
}

function tellChange(id: string, change: 'revoked' | 'rotated', context: CommandContext): void {
  const text = change === 'revoked' ? `${id} is revoked` : `the keys of ${id} are replaced`
  context.print(context.options.json ? JSON.stringify({ client_id: id, change }) : text)
}
