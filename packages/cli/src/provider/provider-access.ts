import { RemoteJwks } from '@flatfhir/auth'
import type { AccessOptions, ClientLimits } from '@flatfhir/server'
import { SqliteAccessStore } from '@flatfhir/store-sqlite'
import type { ClosingStack } from './closing-stack.ts'

/** Who may use a Data Provider. */
export type ProviderAccess = { readonly mode: 'none' } | SmartProviderAccess

/** Registered clients may, by SMART Backend Services. */
export interface SmartProviderAccess {
  readonly mode: 'smart'
  /** Each that is absent has a default of its own. */
  readonly tokenLifetimeSeconds?: number
  readonly maxRequestsPerMinuteAndClient?: number
  readonly maxRequestsPerMinuteAndAddress?: number
  readonly limits?: Partial<ClientLimits>
  /** JWK Sets may be fetched from this machine, or also from private networks. */
  readonly jwksFrom?: { readonly loopback: boolean; readonly privateNetworks: boolean }
}

/** Opens what the login needs in the data directory. */
export async function openAccess(
  access: ProviderAccess,
  directory: string,
  stack: ClosingStack,
): Promise<AccessOptions> {
  if (access.mode === 'none') return access
  const { jwksFrom, ...settings } = access
  const { clients, tokens, replays } = stack.use(await SqliteAccessStore.open({ directory }))
  const remoteJwks = new RemoteJwks({
    now: () => new Date(),
    allowLoopback: jwksFrom?.loopback ?? false,
    allowPrivateNetworks: jwksFrom?.privateNetworks ?? false,
  })
  return { ...settings, clients, tokens, replays, remoteJwks }
}
