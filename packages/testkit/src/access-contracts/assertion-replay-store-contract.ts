import type { AssertionReplayStore } from '@flatfhir/auth'
import { afterEach, describe, expect, test } from 'vitest'

/** A store of used assertions that is open. */
export interface OpenedAssertionReplayStore extends AsyncDisposable {
  readonly replays: AssertionReplayStore
}

/** Opens the store of one place; called again, also while one is open, it is the same store. */
export type OpenAssertionReplayStore = () => Promise<OpenedAssertionReplayStore>

const NOW = new Date('2026-03-01T00:00:00.000Z')
const EXPIRY = new Date('2026-03-01T00:05:00.000Z')

/**
 * What every `AssertionReplayStore` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the store there.
 */
export function assertionReplayStoreContract(
  name: string,
  makePlace: () => Promise<OpenAssertionReplayStore>,
): void {
  describe(`${name} is an AssertionReplayStore`, () => {
    const opened: AsyncDisposable[] = []

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
    })

    async function openTwice(): Promise<readonly [AssertionReplayStore, AssertionReplayStore]> {
      const open = await makePlace()
      const [first, second] = [await open(), await open()]
      opened.push(first, second)
      return [first.replays, second.replays]
    }

    test('takes an assertion once, whichever connection asks', async () => {
      const [replays, other] = await openTwice()
      const use = { issuer: 'a', jti: '1', expiresAt: EXPIRY }

      expect(await replays.useOnce(use, NOW)).toBe(true)

      expect(await replays.useOnce(use, NOW)).toBe(false)
      expect(await other.useOnce(use, NOW)).toBe(false)
      expect(await other.useOnce({ ...use, expiresAt: new Date(0) }, NOW)).toBe(false)
    })

    test('counts by issuer and jti together', async () => {
      const [replays] = await openTwice()
      await replays.useOnce({ issuer: 'ab', jti: 'c', expiresAt: EXPIRY }, NOW)

      expect(await replays.useOnce({ issuer: 'a', jti: 'bc', expiresAt: EXPIRY }, NOW)).toBe(true)
      expect(await replays.useOnce({ issuer: 'ab', jti: 'C', expiresAt: EXPIRY }, NOW)).toBe(true)
      expect(await replays.useOnce({ issuer: 'x', jti: 'c', expiresAt: EXPIRY }, NOW)).toBe(true)
    })

    test('remembers over a restart', async () => {
      const open = await makePlace()
      const before = await open()
      const use = { issuer: 'a', jti: '1', expiresAt: EXPIRY }
      await before.replays.useOnce(use, NOW)
      await before[Symbol.asyncDispose]()

      const after = await open()
      opened.push(after)

      expect(await after.replays.useOnce(use, NOW)).toBe(false)
    })

    test('answers one of many calls at the same time with yes', async () => {
      const [replays, other] = await openTwice()
      const use = { issuer: 'a', jti: 'race', expiresAt: EXPIRY }

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          return (index % 2 === 0 ? replays : other).useOnce(use, NOW)
        }),
      )

      expect(answers.filter((first) => first)).toHaveLength(1)
    })

    test('remembers until the expiry, and takes the jti again afterwards', async () => {
      const [replays] = await openTwice()
      const use = { issuer: 'a', jti: '1', expiresAt: EXPIRY }
      await replays.useOnce(use, NOW)
      const later = new Date(EXPIRY.getTime() + 300_000)

      const before = await replays.useOnce(use, new Date(EXPIRY.getTime() - 1))
      const after = await replays.useOnce({ ...use, expiresAt: later }, EXPIRY)

      expect([before, after]).toEqual([false, true])
      expect(await replays.useOnce(use, EXPIRY)).toBe(false)
    })

    test('sweeps what has expired, and nothing else', async () => {
      const [replays] = await openTwice()
      const late = { issuer: 'a', jti: 'late', expiresAt: new Date(EXPIRY.getTime() + 1) }
      await replays.useOnce({ issuer: 'a', jti: 'early', expiresAt: EXPIRY }, NOW)
      await replays.useOnce(late, NOW)

      expect(await replays.sweep(EXPIRY)).toBe(1)
      expect(await replays.sweep(EXPIRY)).toBe(0)

      expect(await replays.useOnce(late, EXPIRY)).toBe(false)
    })
  })
}
