import { compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createKeyFile,
  dropRetiredKeys,
  readKeyFile,
  rotateKeyFile,
} from '../../src/keys/key-file.ts'
import { publicJwks, signingKey } from '../../src/keys/key-set.ts'
import { loadKeys } from '../../src/keys/load-keys.ts'
import { PrivateKey } from '../../src/keys/private-key.ts'
import { TestClock } from '../test-clock.ts'

let directory: string
let ec: PrivateKey
let rsa: PrivateKey

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-keys-'))
  ec = await PrivateKey.generate('ES384', new Date('2026-01-01'))
  rsa = await PrivateKey.generate('RS384', new Date('2026-02-01'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

let files = 0
function newPath(): string {
  files += 1
  return join(directory, `keys-${files}.json`)
}

function pem(type: 'pkcs8' | 'pkcs1' | 'sec1', bits = 2048): string {
  if (type === 'sec1') {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return privateKey.export({ type, format: 'pem' }).toString()
}

function ecPem(namedCurve: string, password?: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve })
  const protection = password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password }
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...protection }).toString()
}

describe('PrivateKey', () => {
  test('signs what its public half verifies', async () => {
    for (const key of [ec, rsa]) {
      const jwt = await key.signJwt({ jti: '1' }, 'https://a.example.org/jwks.json')

      await compactVerify(jwt, await importJWK({ ...key.publicJwk }, key.algorithm))
      expect(decodeProtectedHeader(jwt)).toEqual({
        alg: key.algorithm,
        kid: key.kid,
        typ: 'JWT',
        jku: 'https://a.example.org/jwks.json',
      })
    }
  })

  test('shows its secret to nobody who prints it', () => {
    for (const key of [ec, rsa]) {
      const printed = JSON.stringify(key) + inspect(key, { depth: 9, showHidden: true })

      expect(printed).not.toContain(key.exportSecret()['d'])
      expect(key.publicJwk).not.toHaveProperty('d')
    }
  })
})

describe('loadKeys', () => {
  test('reads a JWK, a JWK Set and PEM', async () => {
    const [jwk] = await loadKeys(JSON.stringify(ec.exportSecret()))
    const set = await loadKeys(JSON.stringify({ keys: [ec.exportSecret(), rsa.exportSecret()] }))
    const [rsaPem] = await loadKeys(pem('pkcs8'), 'my-kid')
    const [ecPemKey] = await loadKeys(`\n${ecPem('P-384')}\n`)

    expect(jwk?.publicJwk).toEqual(ec.publicJwk)
    expect(set.map((key) => key.kid)).toEqual([ec.kid, rsa.kid])
    expect([rsaPem?.algorithm, rsaPem?.kid]).toEqual(['RS384', 'my-kid'])
    expect([ecPemKey?.algorithm, ecPemKey?.kid.length]).toEqual(['ES384', 43])
  })

  test.each<[string, () => string]>([
    ['not-a-key', () => ''],
    ['not-a-key', () => 'secret-text'],
    ['not-a-key', () => '{"secret-text":1}'],
    ['not-a-key', () => '{"keys":[]}'],
    ['not-a-key', () => '-----BEGIN CERTIFICATE-----'],
    ['public-key-only', () => JSON.stringify(ec.publicJwk)],
    ['unsupported-algorithm', () => ecPem('P-256')],
    ['unsupported-algorithm', () => pem('pkcs8', 1024)],
    ['encrypted-pem', () => ecPem('P-384', 'password')],
    ['not-pkcs8', () => pem('pkcs1')],
    ['not-pkcs8', () => pem('sec1')],
    ['broken-key', () => JSON.stringify({ ...ec.exportSecret(), d: 'secret-text' })],
    ['repeated-kid', () => JSON.stringify({ keys: [ec.exportSecret(), ec.exportSecret()] })],
  ])('refuses a text that is %s (%#), and quotes nothing', async (fault, text) => {
    const error: unknown = await loadKeys(text()).catch((reason: unknown) => reason)

    expect(error).toMatchObject({
      code: 'KEY_INVALID',
      fault,
      nextStep: expect.any(String) as string,
    })
    expect(inspect(error, { depth: 9 })).not.toContain('secret-text')
  })
})

describe('signingKey', () => {
  test('is the newest that is not retired, or the one that is named', () => {
    expect(signingKey([ec, rsa]).kid).toBe(rsa.kid)
    expect(signingKey([ec, rsa.retire(new Date())]).kid).toBe(ec.kid)
    expect(signingKey([ec, rsa], { algorithm: 'ES384' }).kid).toBe(ec.kid)
    expect(signingKey([ec, rsa], { kid: ec.kid }).kid).toBe(ec.kid)
    expect(() => signingKey([ec], { kid: 'x' })).toThrow(
      expect.objectContaining({ fault: 'no-such-key' }),
    )
    expect(() => signingKey([ec.retire(new Date())])).toThrow(
      expect.objectContaining({ fault: 'no-active-key' }),
    )
  })
})

describe('a file of keys', () => {
  const { now } = new TestClock()

  test('is made for its owner alone, and read back', async () => {
    const path = newPath()
    const made = await createKeyFile(path, { now, algorithms: ['ES384', 'RS384'] })

    const { keys, warnings } = await readKeyFile(path)

    expect(keys.map((key) => key.exportSecret())).toEqual(made.map((key) => key.exportSecret()))
    expect(keys.map((key) => key.algorithm)).toEqual(['ES384', 'RS384'])
    expect(warnings).toEqual([])
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('is never overwritten', async () => {
    const path = newPath()
    await writeFile(path, 'precious')

    await expect(createKeyFile(path, { now })).rejects.toMatchObject({
      code: 'KEY_FILE',
      fault: 'exists',
    })

    expect(await readFile(path, 'utf8')).toBe('precious')
    expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('that others can read gets a warning', async () => {
    const path = newPath()
    await createKeyFile(path, { now })
    await chmod(path, 0o644)

    expect((await readKeyFile(path)).warnings).toEqual(['readable-by-others'])
  })

  test('that is missing, or huge, is refused by name', async () => {
    const path = newPath()
    await expect(readKeyFile(path)).rejects.toMatchObject({ fault: 'missing', path })
    await writeFile(path, Buffer.alloc(1024 * 1024 + 1))

    await expect(readKeyFile(path)).rejects.toMatchObject({ fault: 'too-large' })
  })

  test('rotates with overlap: the new key signs, the old stays listed until it is over', async () => {
    const clock = new TestClock()
    const path = newPath()
    const [first] = await createKeyFile(path, clock)
    clock.advanceSeconds(60)

    await rotateKeyFile(path, { now: clock.now, overlapSeconds: 100 })

    const rotated = (await readKeyFile(path)).keys
    const listed = publicJwks(rotated).keys.map(({ kid }) => kid)
    expect(listed).toHaveLength(2)
    expect(listed).toContain(first?.kid)
    expect(JSON.stringify(publicJwks(rotated))).not.toContain('"d"')
    expect(signingKey(rotated).kid).not.toBe(first?.kid)

    clock.advanceSeconds(99)
    expect(await dropRetiredKeys(path, { now: clock.now, overlapSeconds: 100 })).toHaveLength(2)
    clock.advanceSeconds(1)
    await dropRetiredKeys(path, { now: clock.now, overlapSeconds: 100 })
    const left = (await readKeyFile(path)).keys
    expect(left.map((key) => key.kid)).toEqual([signingKey(rotated).kid])
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  })
})
