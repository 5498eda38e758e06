import type { RegisteredClient } from '@flatfhir/auth'
import { formatTable, type TableColumn } from '../../output/format-table.ts'
import type { Style } from '../../output/style.ts'

/** A registration as `--json` prints it; the names are those of OAuth where it has some. */
export function clientFields(client: RegisteredClient): object {
  const { clientId, name, keys, scopes, groups, quotas, createdAt, revokedAt } = client
  return {
    client_id: clientId,
    client_name: name,
    scope: scopes,
    groups,
    ...(keys.kind === 'jwks' ? { jwks: keys.jwks } : { jwks_uri: keys.jwksUrl }),
    quotas,
    created_at: createdAt.toISOString(),
    ...(revokedAt === undefined ? {} : { revoked_at: revokedAt.toISOString() }),
  }
}

/** A registration as lines for people. */
export function clientLines(client: RegisteredClient): readonly string[] {
  const { clientId, name, scopes, createdAt, revokedAt, quotas } = client
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['client id', clientId],
    ['name', name],
    ['state', stateOf(client)],
    ['scopes', scopes],
    ['groups', groupsText(client)],
    ['keys', keysText(client)],
    ['jobs at a time', quotas.maxConcurrentJobs?.toString()],
    ['polls per minute', quotas.maxPollsPerMinute?.toString()],
    ['bytes per day', quotas.maxBytesPerDay?.toString()],
    ['added', createdAt.toISOString()],
    ['revoked', revokedAt?.toISOString()],
  ]
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([label, value = '']) => `${label.padEnd(18)}${value}`)
}

const COLUMNS: readonly TableColumn[] = [
  { heading: 'client id', align: 'left' },
  { heading: 'name', align: 'left' },
  { heading: 'state', align: 'left' },
  { heading: 'scopes', align: 'left' },
  { heading: 'groups', align: 'left' },
]

/** Registrations as a table. */
export function clientsTable(
  clients: readonly RegisteredClient[],
  style: Style,
): readonly string[] {
  const rows = clients.map((client) => [
    client.clientId,
    client.name,
    stateOf(client),
    client.scopes,
    groupsText(client),
  ])
  return formatTable(COLUMNS, rows, (padded, row) => (row === -1 ? style.dim(padded) : padded))
}

function stateOf({ revokedAt }: RegisteredClient): string {
  return revokedAt === undefined ? 'active' : 'revoked'
}

function groupsText({ groups }: RegisteredClient): string {
  if (groups.includes('*')) return 'all'
  return groups.length === 0 ? 'none' : groups.join(', ')
}

function keysText({ keys }: RegisteredClient): string {
  if (keys.kind === 'jwks-url') return keys.jwksUrl
  return keys.jwks.keys.map(({ alg, kid }) => `${alg} ${kid}`).join(', ')
}
