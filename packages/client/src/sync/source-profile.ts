import { Agent } from 'undici'
import { ProviderHttp } from '../http/provider-http.ts'
import { discoverProvider } from '../provider/discover-provider.ts'
import { profileFor } from '../provider/plan.ts'
import { GENERIC_PROFILE, profileOf } from '../profiles/profiles.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import { resolveSettings } from '../settings.ts'
import type { SyncOptions } from './sync-options.ts'

/**
 * What is known of the source's manners: as the connection says, or as the source's
 * CapabilityStatement does.
 *
 * @throws the signal's reason.
 */
export async function sourceProfile(options: SyncOptions): Promise<ProviderProfile> {
  const { connection, dispatcher: given, signal } = options
  const chosen = profileFor(connection.profile)
  if (chosen !== 'auto') return chosen
  const settings = resolveSettings({
    ...{ url: connection.url, level: 'system', directory: '.', headers: connection.headers },
    ...{ accessToken: options.accessToken, idleTimeoutMs: options.idleTimeoutMs },
    ...{ clock: options.clock, random: options.random, maxAttempts: options.maxAttempts },
  })
  const { baseUrl, headers, accessToken, idleTimeoutMs } = settings
  const own = given === undefined ? new Agent() : undefined
  const dispatcher = given ?? own
  if (dispatcher === undefined) return GENERIC_PROFILE
  try {
    const http = new ProviderHttp({ dispatcher, baseUrl, headers, accessToken, idleTimeoutMs })
    const context = { settings, profile: GENERIC_PROFILE, http, signal, emit: () => undefined }
    return (await discoverProvider(context)).profile
  } finally {
    await own?.destroy()
  }
}

/** The profile that a run was planned with. */
export function plannedProfile(id: string, options: SyncOptions): ProviderProfile {
  const { profile } = options.connection
  return typeof profile === 'object' ? profile : (profileOf(id) ?? GENERIC_PROFILE)
}
