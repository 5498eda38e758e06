import type { RegisteredClient, StoredAccessToken } from '@flatfhir/auth'

/** A row of table `client`. */
export interface ClientRow {
  readonly client_id: string
  readonly name: string
  readonly keys: string
  readonly scopes: string
  readonly groups: string
  readonly quotas: string
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

/** A row of table `access_token`. */
export interface AccessTokenRow {
  readonly hash: string
  readonly client_id: string
  readonly scopes: string
  readonly expires_at_ms: number
}

/** The values of a new row of table `client`, by column. */
export function clientValues(client: RegisteredClient): Record<string, string | number | null> {
  return {
    client_id: client.clientId,
    name: client.name,
    keys: JSON.stringify(client.keys),
    scopes: client.scopes,
    groups: JSON.stringify(client.groups),
    quotas: JSON.stringify(client.quotas),
    created_at_ms: client.createdAt.getTime(),
    revoked_at_ms: client.revokedAt?.getTime() ?? null,
  }
}

/** The rows are written by {@link clientValues} alone, so their JSON needs no second check. */
export function clientOf(row: ClientRow): RegisteredClient {
  return {
    clientId: row.client_id,
    name: row.name,
    keys: JSON.parse(row.keys) as RegisteredClient['keys'],
    scopes: row.scopes,
    groups: JSON.parse(row.groups) as RegisteredClient['groups'],
    quotas: JSON.parse(row.quotas) as RegisteredClient['quotas'],
    createdAt: new Date(row.created_at_ms),
    ...(row.revoked_at_ms === null ? {} : { revokedAt: new Date(row.revoked_at_ms) }),
  }
}

/** The access token of a row. */
export function accessTokenOf(row: AccessTokenRow): StoredAccessToken {
  return {
    hash: row.hash,
    clientId: row.client_id,
    scopes: row.scopes,
    expiresAt: new Date(row.expires_at_ms),
  }
}
