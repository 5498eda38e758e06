import { newRegistration, type RegisteredClient, type RegistrationRequest } from '@flatfhir/auth'
import { supportsConstraint } from '@flatfhir/server'
import { withAuditLog } from '../../provider/audit.ts'
import { operator } from './operator.ts'
import { withClients } from './registry.ts'

/**
 * Registers a client in a data directory, which is made where it is missing, and writes it down in
 * the audit log.
 *
 * @throws `RegistrationInvalidError`, `JwksInvalidError`
 */
export async function registerClient(
  data: string,
  request: RegistrationRequest,
): Promise<RegisteredClient> {
  const client = newRegistration(request, { now: () => new Date(), supportsConstraint })
  const { clientId, scopes: scope, groups: groupIds } = client
  await withClients(data, { make: true }, async (clients) => {
    // Nobody may be let in who is not in the log.
    await withAuditLog(data, (log) =>
      log.record({ name: 'client-added', clientId, scope, groupIds, operator: operator() }),
    )
    await clients.add(client)
  })
  return client
}
