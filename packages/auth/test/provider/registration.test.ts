import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressKey } from '../../src/provider/address-key.ts'
import { newRegistration, type RegistrationRequest } from '../../src/provider/new-registration.ts'
import { mayUseGroup } from '../../src/provider/registered-client.ts'
import { smartConfiguration } from '../../src/provider/smart-configuration.ts'
import { TokenBuckets } from '../../src/provider/token-buckets.ts'
import { TestClock } from '../test-clock.ts'

const { now } = new TestClock()
const REQUEST: RegistrationRequest = {
  name: 'Nightly load',
  keys: { jwksUrl: 'https://client.example.org/jwks.json' },
  scopes: 'system/*.rs',
}

describe('newRegistration', () => {
  test('gives an id of 128 random bits, and access to no Group by itself', () => {
    const [first, second] = [newRegistration(REQUEST, { now }), newRegistration(REQUEST, { now })]

    expect(first).toMatchObject({ groups: [], quotas: {}, createdAt: now(), scopes: 'system/*.rs' })
    expect(first.clientId).toMatch(/^[0-9a-f]{32}$/)
    expect(first.clientId).not.toBe(second.clientId)
    expect(mayUseGroup(first, 'g')).toBe(false)
  })

  test.each<[string, Partial<RegistrationRequest>]>([
    ['name', { name: '' }],
    ['name', { name: 'a\u001b[2J' }],
    ['name', { name: 'x'.repeat(201) }],
    ['jwks-url', { keys: { jwksUrl: 'http://client.example.org/jwks.json' } }],
    ['jwks-url', { keys: { jwksUrl: 'https://u:p@client.example.org/' } }],
    ['scopes', { scopes: '' }],
    ['scopes', { scopes: 'system/*.rs nonsense' }],
    ['scopes', { scopes: 'system/Patient.rs?_id=1' }],
    ['groups', { groups: ['a b'] }],
    ['quotas', { quotas: { maxConcurrentJobs: 0 } }],
    ['quotas', { quotas: { maxBytesPerDay: 1.5 } }],
  ])('refuses a wrong %s (%#)', (fault, changes) => {
    expect(() => newRegistration({ ...REQUEST, ...changes }, { now })).toThrow(
      expect.objectContaining({ code: 'REGISTRATION_INVALID', fault }),
    )
  })

  test('lets a client use the Groups that it names, or all by the star', () => {
    const some = newRegistration({ ...REQUEST, groups: ['a'] }, { now })
    const all = newRegistration({ ...REQUEST, groups: ['*'] }, { now })

    expect([mayUseGroup(some, 'a'), mayUseGroup(some, 'b')]).toEqual([true, false])
    expect(mayUseGroup(all, 'b')).toBe(true)
  })
})

describe('addressKey', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['nonsense', 'nonsense'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  test('takes any IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(addressKey(address)).toMatch(/^(\d+(\.\d+){3}|[0-9a-f]+(:[0-9a-f]+){3}::\/64)$/)
      }),
    )
  })
})

describe('TokenBuckets', () => {
  test('never let more through than their rate, and say truly when to come back', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (waits, perMinute) => {
        const clock = new TestClock()
        const buckets = new TokenBuckets({ now: clock.now, perMinute })
        let taken = 0
        let elapsedSeconds = 0
        for (const seconds of waits) {
          clock.advanceSeconds(seconds)
          elapsedSeconds += seconds
          const wait = buckets.take('a')
          if (wait === 0) taken += 1
        }
        expect(taken).toBeLessThanOrEqual(perMinute + (elapsedSeconds * perMinute) / 60)
        const wait = buckets.take('a')
        expect(Number.isInteger(wait)).toBe(true)
        clock.advanceSeconds(wait)
        if (wait > 0) expect(buckets.take('a')).toBe(0)
      }),
    )
  })

  test('forget the key that was used longest ago, and no other', () => {
    const buckets = new TokenBuckets({ now, perMinute: 1, maxKeys: 2 })
    for (const key of ['a', 'b', 'c']) buckets.take(key)

    expect(buckets.take('c')).toBeGreaterThan(0)
    expect(buckets.take('a')).toBe(0)
  })
})

test('the SMART configuration says what this endpoint takes', () => {
  expect(smartConfiguration({ tokenUrl: 'https://a.example.org/token' })).toMatchObject({
    token_endpoint: 'https://a.example.org/token',
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    capabilities: ['client-confidential-asymmetric', 'permission-v1', 'permission-v2'],
  })
})
