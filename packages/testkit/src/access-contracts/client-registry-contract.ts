import type { AccessTokenStore, ClientKeys, ClientRegistry, RegisteredClient } from '@flatfhir/auth'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { registeredClient } from './registered-client.ts'

/** A registry, and the access tokens that revoking has to end. */
export interface OpenedClientRegistry extends AsyncDisposable {
  readonly clients: ClientRegistry
  readonly tokens: AccessTokenStore
}

/** Opens the registry of one place; called again, also while one is open, it is the same registry. */
export type OpenClientRegistry = () => Promise<OpenedClientRegistry>

const EARLY = new Date('2026-03-01T00:00:00.000Z')
const LATE = new Date('2026-03-02T00:00:00.000Z')

/**
 * What every `ClientRegistry` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the registry there.
 */
export function clientRegistryContract(
  name: string,
  makePlace: () => Promise<OpenClientRegistry>,
): void {
  describe(`${name} is a ClientRegistry`, () => {
    const opened: AsyncDisposable[] = []

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
    })

    /** Two connections to one place. */
    async function openTwice(): Promise<readonly [OpenedClientRegistry, OpenedClientRegistry]> {
      const open = await makePlace()
      const [first, second] = [await open(), await open()]
      opened.push(first, second)
      return [first, second]
    }

    test('reads back every field, through another connection too', async () => {
      const [{ clients }, other] = await openTwice()
      const client = registeredClient({
        name: `É'; DROP TABLE client; --😀`,
        keys: jwks('a'),
        scopes: 'system/Patient.read system/Observation.rs',
        groups: ['g-1', '*'],
        quotas: { maxConcurrentJobs: 2, maxPollsPerMinute: 60, maxBytesPerDay: 2 ** 40 },
      })

      await clients.add(client)

      expect(await clients.find(client.clientId)).toEqual(client)
      expect(await other.clients.find(client.clientId)).toEqual(client)
    })

    test('keeps everything over a restart', async () => {
      const open = await makePlace()
      const before = await open()
      const client = registeredClient()
      await before.clients.add(client)
      await before.clients.revoke(client.clientId, EARLY)
      await before[Symbol.asyncDispose]()

      const after = await open()
      opened.push(after)

      expect(await after.clients.find(client.clientId)).toEqual({ ...client, revokedAt: EARLY })
    })

    test('refuses a second client of the same id, revoked or not, and keeps the first', async () => {
      const [{ clients }] = await openTwice()
      const client = registeredClient()
      await clients.add(client)
      await expect(clients.add({ ...client, name: 'Other' })).rejects.toThrow()
      await clients.revoke(client.clientId, EARLY)

      await expect(clients.add({ ...client, name: 'Other' })).rejects.toThrow()

      expect(await clients.find(client.clientId)).toMatchObject({ name: client.name })
    })

    test('knows nothing of ids that it was never given', async () => {
      const [{ clients }] = await openTwice()

      expect(await clients.find('nobody')).toBeUndefined()
      expect(await clients.list()).toEqual([])
      expect(await clients.revoke('nobody', EARLY)).toBe(false)
      expect(await clients.rotateKeys('nobody', jwks('a'))).toBe(false)
    })

    test('finds a client by its whole id, to the letter', async () => {
      const [{ clients }] = await openTwice()
      const client = registeredClient({ clientId: 'abc' })
      await clients.add(client)

      expect(await clients.find('ABC')).toBeUndefined()
      expect(await clients.find('ab')).toBeUndefined()
      expect(await clients.find('%')).toBeUndefined()
    })

    test('lists all clients in the order in which they were added, revoked ones too', async () => {
      const [{ clients }] = await openTwice()
      const added = ['c', 'a', 'b'].map((clientId) => registeredClient({ clientId }))
      for (const client of added) await clients.add(client)
      await clients.revoke('a', EARLY)

      const listed = await clients.list()

      expect(listed.map((client: RegisteredClient) => client.clientId)).toEqual(['c', 'a', 'b'])
    })

    test('revokes once, and ends the tokens of that client alone', async () => {
      const [{ clients, tokens }, other] = await openTwice()
      const [ended, kept] = [registeredClient(), registeredClient()]
      const [endedHash, keptHash] = [randomHash(), randomHash()]
      await clients.add(ended)
      await clients.add(kept)
      await tokens.save(token(endedHash, ended))
      await tokens.save(token(keptHash, kept))

      expect(await clients.revoke(ended.clientId, EARLY)).toBe(true)
      expect(await clients.revoke(ended.clientId, LATE)).toBe(false)

      expect(await other.clients.find(ended.clientId)).toEqual({ ...ended, revokedAt: EARLY })
      expect(await other.tokens.find(endedHash)).toBeUndefined()
      expect(await other.clients.find(kept.clientId)).toEqual(kept)
      expect(await other.tokens.find(keptHash)).toBeDefined()
    })

    test('replaces keys, of clients that are not revoked', async () => {
      const [{ clients }, other] = await openTwice()
      const client = registeredClient({ keys: jwks('old') })
      await clients.add(client)

      expect(await clients.rotateKeys(client.clientId, jwks('new'))).toBe(true)
      expect(await other.clients.find(client.clientId)).toEqual({ ...client, keys: jwks('new') })

      await clients.revoke(client.clientId, EARLY)
      expect(await clients.rotateKeys(client.clientId, jwks('newer'))).toBe(false)
      expect(await clients.find(client.clientId)).toMatchObject({ keys: jwks('new') })
    })
  })
}

function jwks(kid: string): ClientKeys {
  const numbers = { x: 'x'.repeat(64), y: 'y'.repeat(64) }
  const key = { kty: 'EC', kid, alg: 'ES384', use: 'sig', crv: 'P-384', ...numbers } as const
  return { kind: 'jwks', jwks: { keys: [key] } }
}

function token(hash: string, client: RegisteredClient): Parameters<AccessTokenStore['save']>[0] {
  return { hash, clientId: client.clientId, scopes: 'system/*.rs', expiresAt: LATE }
}

function randomHash(): string {
  return randomBytes(32).toString('hex')
}
