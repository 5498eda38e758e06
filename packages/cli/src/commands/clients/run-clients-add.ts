import type { ClientQuotas } from '@flatfhir/auth'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import type { CommandContext } from '../command.ts'
import type { ClientsAddOptions } from './add-command.ts'
import { clientFields } from './client-text.ts'
import { registerClient } from './register-client.ts'
import { registrationKeys } from './registration-keys.ts'

/** Runs `flatfhir clients add`. @returns the exit code. */
export async function runClientsAdd(
  options: ClientsAddOptions,
  context: CommandContext,
): Promise<number> {
  const { data, name, scope, group } = options
  const client = await registerClient(data, {
    name,
    keys: await registrationKeys(options),
    scopes: scope,
    ...(group === undefined ? {} : { groups: group }),
    quotas: quotasOf(options),
  })
  if (context.options.json) {
    context.print(JSON.stringify(clientFields(client)))
    return EXIT_COMPLETE
  }
  const text = `registered "${client.name}"; its client id is:`
  context.progress.note({ text, event: 'client-added' })
  context.print(client.clientId)
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
