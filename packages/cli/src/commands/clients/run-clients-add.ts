import { newRegistration, type ClientQuotas } from '@flatfhir/auth'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { withAuditLog } from '../../provider/audit.ts'
import type { CommandContext } from '../command.ts'
import type { ClientsAddOptions } from './add-command.ts'
import { clientFields } from './client-text.ts'
import { operator } from './operator.ts'
import { registrationKeys } from './registration-keys.ts'
import { withClients } from './registry.ts'

/** Runs `flatfhir clients add`. @returns the exit code. */
export async function runClientsAdd(
  options: ClientsAddOptions,
  context: CommandContext,
): Promise<number> {
  const { data, name, scope, group } = options
  const keys = await registrationKeys(options)
  const client = newRegistration(
    {
      name,
      keys,
      scopes: scope,
      ...(group === undefined ? {} : { groups: group }),
      quotas: quotasOf(options),
    },
    { now: () => new Date() },
  )
  await withClients(data, { make: true }, async (clients) => {
    const { clientId, scopes, groups } = client
    // Nobody may be let in who is not in the log.
    await withAuditLog(data, (log) =>
      log.record({
        name: 'client-added',
        clientId,
        scope: scopes,
        groupIds: groups,
        operator: operator(),
      }),
    )
    await clients.add(client)
  })
  if (context.options.json) context.print(JSON.stringify(clientFields(client)))
  else {
    const text = `registered "${client.name}"; its client id is:`
    context.progress.note({ text, event: 'client-added' })
    context.print(client.clientId)
  }
  return EXIT_COMPLETE
}

function quotasOf(options: ClientsAddOptions): ClientQuotas {
  const { maxConcurrentJobs, maxPollsPerMinute, maxBytesPerDay } = options
  return {
    ...(maxConcurrentJobs === undefined ? {} : { maxConcurrentJobs }),
    ...(maxPollsPerMinute === undefined ? {} : { maxPollsPerMinute }),
    ...(maxBytesPerDay === undefined ? {} : { maxBytesPerDay }),
  }
}
