import type { AccessTokenStore, StoredAccessToken } from '@flatfhir/auth'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'

/** A store of access tokens that is open. */
export interface OpenedAccessTokenStore extends AsyncDisposable {
  readonly tokens: AccessTokenStore
}

/** Opens the store of one place; called again, also while one is open, it is the same store. */
export type OpenAccessTokenStore = () => Promise<OpenedAccessTokenStore>

const AT_MS = Date.parse('2026-03-01T00:00:00.000Z')

/**
 * What every `AccessTokenStore` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the store there.
 */
export function accessTokenStoreContract(
  name: string,
  makePlace: () => Promise<OpenAccessTokenStore>,
): void {
  describe(`${name} is an AccessTokenStore`, () => {
    const opened: AsyncDisposable[] = []

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
    })

    async function openTwice(): Promise<readonly [AccessTokenStore, AccessTokenStore]> {
      const open = await makePlace()
      const [first, second] = [await open(), await open()]
      opened.push(first, second)
      return [first.tokens, second.tokens]
    }

    test('reads back a token, through another connection too', async () => {
      const [tokens, other] = await openTwice()
      const saved = token()

      await tokens.save(saved)

      expect(await tokens.find(saved.hash)).toEqual(saved)
      expect(await other.find(saved.hash)).toEqual(saved)
    })

    test('keeps tokens over a restart', async () => {
      const open = await makePlace()
      const before = await open()
      const saved = token()
      await before.tokens.save(saved)
      await before[Symbol.asyncDispose]()

      const after = await open()
      opened.push(after)

      expect(await after.tokens.find(saved.hash)).toEqual(saved)
    })

    test('knows nothing of other hashes', async () => {
      const [tokens] = await openTwice()
      const saved = token()
      await tokens.save(saved)

      expect(await tokens.find(token().hash)).toBeUndefined()
      expect(await tokens.find(saved.hash.toUpperCase())).toBeUndefined()
      expect(await tokens.find('')).toBeUndefined()
    })

    test('refuses a second token of the same hash, and keeps the first', async () => {
      const [tokens] = await openTwice()
      const saved = token()
      await tokens.save(saved)

      await expect(tokens.save({ ...saved, clientId: 'thief' })).rejects.toThrow()

      expect(await tokens.find(saved.hash)).toEqual(saved)
    })

    test('deletes the tokens of one client', async () => {
      const [tokens] = await openTwice()
      const [first, second, other] = [token('a'), token('a'), token('b')] as const
      for (const saved of [first, second, other]) await tokens.save(saved)

      expect(await tokens.deleteOfClient('a')).toBe(2)
      expect(await tokens.deleteOfClient('a')).toBe(0)

      expect(await tokens.find(first.hash)).toBeUndefined()
      expect(await tokens.find(other.hash)).toEqual(other)
    })

    test('sweeps what has expired, to the millisecond', async () => {
      const [tokens] = await openTwice()
      const expired = { ...token(), expiresAt: new Date(AT_MS) }
      const good = { ...token(), expiresAt: new Date(AT_MS + 1) }
      await tokens.save(expired)
      await tokens.save(good)

      expect(await tokens.sweep(new Date(AT_MS))).toBe(1)

      expect(await tokens.find(expired.hash)).toBeUndefined()
      expect(await tokens.find(good.hash)).toEqual(good)
    })
  })
}

function token(clientId = 'client'): StoredAccessToken {
  const hash = randomBytes(32).toString('hex').replace(/^./, 'a')
  return { hash, clientId, scopes: 'system/Patient.rs', expiresAt: new Date(AT_MS + 300_000) }
}
