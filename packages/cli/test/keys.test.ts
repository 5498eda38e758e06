import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { flatfhir } from './command-process.ts'

interface Jwks {
  readonly keys: readonly { readonly kid: string; readonly alg: string; readonly d?: string }[]
}

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-keys-'))
  file = join(directory, 'keys.json')
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

function parsed(text: string): Jwks {
  return JSON.parse(text) as Jwks
}

test('makes private keys for their owner alone, and prints only their public halves', async () => {
  const { code, out } = await flatfhir(['keys', 'create', file, '--alg', 'ES384,RS384'])

  expect(code).toBe(0)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const secret = parsed(await readFile(file, 'utf8'))
  expect(secret.keys.map(({ d }) => typeof d)).toEqual(['string', 'string'])
  expect(parsed(out).keys.map(({ alg }) => alg)).toEqual(['ES384', 'RS384'])
  for (const { d = '' } of secret.keys) expect(out).not.toContain(d)
  expect(parsed(out).keys.some((key) => 'd' in key || 'p' in key)).toBe(false)
})

test('never overwrites a file of keys', async () => {
  await flatfhir(['keys', 'create', file])
  const before = await readFile(file, 'utf8')

  const again = await flatfhir(['keys', 'create', file])

  expect(again.code).toBe(1)
  expect(again.err).toMatch(/^flatfhir: .*\[KEY_FILE\]\n$/)
  expect(again.out).toBe('')
  expect(await readFile(file, 'utf8')).toBe(before)
})

test('rotates with an overlap, after which the old key can be taken off', async () => {
  const jwks = join(directory, 'jwks.json')
  const made = parsed((await flatfhir(['keys', 'create', file])).out)
  const [old] = made.keys.map(({ kid }) => kid)

  const rotated = await flatfhir(['keys', 'rotate', file, '--jwks-out', jwks])

  expect(rotated.code).toBe(0)
  const [fresh, ...others] = parsed(await readFile(jwks, 'utf8')).keys.map(({ kid }) => kid)
  expect(others).toEqual([old])
  expect(fresh).not.toBe(old)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const dropped = await flatfhir(['keys', 'rotate', file, '--drop-only', '--overlap', '0'])
  expect(parsed(dropped.out).keys.map(({ kid }) => kid)).toEqual([fresh])
  const shown = await flatfhir(['keys', 'show', file, '--json'])
  expect(JSON.parse(shown.out)).toMatchObject({ keys: [{ kid: fresh, alg: 'ES384' }] })
})

test('shows the public half of a PEM, and warns when others can read it', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await chmod(file, 0o644)

  const { code, out, err } = await flatfhir(['keys', 'show', file])

  expect(code).toBe(0)
  expect(parsed(out).keys).toMatchObject([{ kty: 'EC', alg: 'ES384' }])
  expect(err).toContain(`warning: others can read the private keys in ${file}`)
})

test('quotes nothing of a file that is no key', async () => {
  await writeFile(file, '{"d": very-secret}')

  const { code, out, err } = await flatfhir(['keys', 'show', file, '--verbose'])

  expect(code).toBe(1)
  expect(err).toContain('[KEY_INVALID]')
  expect(out + err).not.toContain('very-secret')
})
