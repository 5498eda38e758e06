import { GENERIC_PROFILE, PROVIDER_PROFILES } from './profiles.ts'
import type { ProfileDetection, ProviderProfile } from './provider-profile.ts'

/** What a provider says of itself. */
export interface ProviderIdentity {
  readonly host: string
  readonly softwareName?: string | undefined
  readonly publisher?: string | undefined
  readonly implementation?: string | undefined
}

/** The first profile that a provider matches, or the generic one. */
export function detectProfile(identity: ProviderIdentity): ProviderProfile {
  const found = PROVIDER_PROFILES.find(({ detect }) =>
    detect.some((detection) => matches(detection, identity)),
  )
  return found ?? GENERIC_PROFILE
}

function matches(detection: ProfileDetection, identity: ProviderIdentity): boolean {
  const { softwareName, publisher, implementation, host } = detection
  const pairs: readonly (readonly [string | undefined, string | undefined])[] = [
    [softwareName, identity.softwareName],
    [publisher, identity.publisher],
    [implementation, identity.implementation],
    [host, identity.host],
  ]
  return pairs.every(([pattern, value]) => {
    return pattern === undefined || (value !== undefined && new RegExp(pattern, 'i').test(value))
  })
}
