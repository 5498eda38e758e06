import type { PublicJwks } from '../jwks/public-jwks.ts'

/** Where the keys of a client are: in its registration, or behind a URL. */
export type ClientKeys =
  | { readonly kind: 'jwks'; readonly jwks: PublicJwks }
  | { readonly kind: 'jwks-url'; readonly jwksUrl: string }

/** Limits of one client; one that is absent is the server's own default. */
export interface ClientQuotas {
  readonly maxConcurrentJobs?: number
  /** Status requests. */
  readonly maxPollsPerMinute?: number
  /** Bytes of output files as sent. */
  readonly maxBytesPerDay?: number
}

/** A client as it is registered. */
export interface RegisteredClient {
  /** 128 random bits in hexadecimal; from `newRegistration`. */
  readonly clientId: string
  /** For people. */
  readonly name: string
  readonly keys: ClientKeys
  /** What it may be granted at most: scopes separated by spaces. */
  readonly scopes: string
  /** Ids of the Groups that it may export; `*` stands for every Group. */
  readonly groups: readonly string[]
  readonly quotas: ClientQuotas
  readonly createdAt: Date
  /** From then on it gets no tokens, and its tokens are worth nothing. */
  readonly revokedAt?: Date
}

/** Whether a client may export a Group, and read it. */
export function mayUseGroup({ groups }: RegisteredClient, groupId: string): boolean {
  return groups.includes('*') || groups.includes(groupId)
}
