import { EncryptionKey, readEncryptionKey } from '@flatfhir/server'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-key-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function keyFile(content: string | Uint8Array): Promise<string> {
  const path = join(directory, randomBytes(8).toString('hex'))
  await writeFile(path, content, { mode: 0o600 })
  return path
}

// Its base64 forms differ in alphabet and padding.
const BYTES = Buffer.from(`fbff${'3e'.repeat(30)}`, 'hex')

test.each([
  ['as they are', BYTES],
  ['in hexadecimal', BYTES.toString('hex')],
  ['in hexadecimal, upper-case, with a line feed', `${BYTES.toString('hex').toUpperCase()}\n`],
  ['in base64', BYTES.toString('base64')],
  ['in base64, with a line feed', `${BYTES.toString('base64')}\r\n`],
  ['in base64url, not padded', BYTES.toString('base64url')],
])('reads 32 bytes %s', async (_, content) => {
  const { key, readableByOthers } = await readEncryptionKey(await keyFile(content))

  expect(Buffer.from(key.bytes())).toEqual(BYTES)
  expect(key.keyId).toBe(new EncryptionKey(BYTES).keyId)
  expect(readableByOthers).toBe(false)
})

test('reads any 32 bytes as they are, whatever they look like', async () => {
  for (let run = 0; run < 200; run += 1) {
    const bytes = randomBytes(32)

    const { key } = await readEncryptionKey(await keyFile(bytes))

    expect(Buffer.from(key.bytes())).toEqual(bytes)
  }
})

test.each([
  ['nothing', '', 'wrong-length'],
  ['half a key in hexadecimal, which has 32 characters', 'ab12'.repeat(8), 'wrong-length'],
  ['half a key in base64', randomBytes(16).toString('base64'), 'wrong-length'],
  ['a longer key', randomBytes(33).toString('base64'), 'wrong-length'],
  ['31 bytes', Buffer.alloc(31, 0xff), 'wrong-length'],
  ['a passphrase', 'correct horse battery staple', 'wrong-length'],
  ['a huge file', Buffer.alloc(1_000_000, 0xee), 'wrong-length'],
  ['zeros', '0'.repeat(64), 'weak'],
])('refuses %s', async (_, content, fault) => {
  const path = await keyFile(content)

  const error: unknown = await readEncryptionKey(path).catch((thrown: unknown) => thrown)

  expect(error).toMatchObject({ code: 'ENCRYPTION_KEY_INVALID', fault })
  if (content.length > 0) expect(String(error)).not.toContain(content.toString())
})

test('says which file is not there', async () => {
  const path = join(directory, 'missing')

  await expect(readEncryptionKey(path)).rejects.toMatchObject({
    code: 'ENCRYPTION_KEY_INVALID',
    fault: 'unreadable',
    message: expect.stringMatching(/missing.*ENOENT/) as string,
    nextStep: expect.stringContaining('openssl rand') as string,
  })
})

test.skipIf(process.platform === 'win32').each([0o640, 0o604, 0o644, 0o620])(
  'notices that others can get at the file (mode %o)',
  async (mode) => {
    const path = await keyFile(BYTES)
    await chmod(path, mode)

    expect((await readEncryptionKey(path)).readableByOthers).toBe(true)
  },
)

test('keeps a copy that the caller cannot change', () => {
  const bytes = randomBytes(32)
  const key = new EncryptionKey(bytes)
  const before = Buffer.from(bytes)

  bytes.fill(0)

  expect(Buffer.from(key.bytes())).toEqual(before)
})
