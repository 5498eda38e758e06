import type { RegisteredClient } from '@flatfhir/auth'
import { randomBytes } from 'node:crypto'

/** A client with every field that is not given filled in. */
export function registeredClient(fields: Partial<RegisteredClient> = {}): RegisteredClient {
  return {
    clientId: randomBytes(16).toString('hex'),
    name: 'Nightly load',
    keys: { kind: 'jwks-url', jwksUrl: 'https://client.example.org/jwks.json' },
    scopes: 'system/*.rs',
    groups: [],
    quotas: {},
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    ...fields,
  }
}
