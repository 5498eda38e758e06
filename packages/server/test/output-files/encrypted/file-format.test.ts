import { readFile } from 'node:fs/promises'
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { EncryptionKey } from '../../../src/output-files/encrypted/encryption-key.ts'
import { ChunkCipher, encodeHeader } from '../../../src/output-files/encrypted/file-format.ts'
import { unwrapJobKey, wrapJobKey } from '../../../src/output-files/encrypted/job-key-file.ts'

const DOCUMENT = new URL('../../../../../docs/encrypted-files.md', import.meta.url)

let vectors: ReadonlyMap<string, string>

beforeAll(async () => {
  const document = await readFile(DOCUMENT, 'utf8')
  const block = /```text\n# test vectors\n([^`]*)```/.exec(document)?.[1] ?? ''
  vectors = new Map(
    block.split(/\n(?=\S)/).map((entry): [string, string] => {
      const [name = '', value = ''] = entry.split(/ *= */)
      return [name.trim(), value.replaceAll(/\s/g, '')]
    }),
  )
})

function text(name: string): string {
  const value = vectors.get(name)
  if (value === undefined) throw new Error(`The document has no test vector ${name}`)
  return value
}

function bytes(name: string): Buffer {
  return Buffer.from(text(name), 'hex')
}

test('the key id is the one of the document', () => {
  expect(new EncryptionKey(bytes('key')).keyId).toBe(text('key id'))
})

test('a job key is wrapped as in the document', () => {
  const key = new EncryptionKey(bytes('key'))

  const file = wrapJobKey(bytes('job key'), text('job id'), { key, nonce: bytes('wrap nonce') })

  expect(file.toString('hex')).toBe(text('job.key file'))
  const ring = { current: key, byId: new Map([[key.keyId, key]]) }
  expect(unwrapJobKey(bytes('job.key file'), text('job id'), ring)).toEqual(bytes('job key'))
})

test('a file is encrypted as in the document', () => {
  const [chunkBytes, plaintext] = [Number(text('chunk bytes')), bytes('plaintext')]
  const header = encodeHeader(chunkBytes, bytes('salt'))
  const cipher = new ChunkCipher(bytes('job key'), header, {
    jobId: text('job id'),
    fileId: text('file id'),
  })

  const chunks: Buffer[] = []
  for (let offset = 0; offset < plaintext.length; offset += chunkBytes) {
    const piece = plaintext.subarray(offset, offset + chunkBytes)
    chunks.push(
      ...cipher.encrypt(piece, offset / chunkBytes, offset + chunkBytes >= plaintext.length),
    )
  }

  expect(chunks.length).toBeGreaterThan(4)
  expect(Buffer.concat([header, ...chunks]).toString('hex')).toBe(text('file'))
})

test('what the document says is enough to read a file without any of our code', () => {
  const [file, chunkBytes] = [bytes('file'), Number(text('chunk bytes'))]
  const header = file.subarray(0, 32)
  const info = `flatfhir output file v1\0${text('job id')}/${text('file id')}`
  const fileKey = Buffer.from(hkdfSync('sha256', bytes('job key'), header.subarray(16), info, 32))

  const plaintext: Buffer[] = []
  for (let start = 32, index = 0; start < file.length; start += chunkBytes + 16, index += 1) {
    const chunk = file.subarray(start, start + chunkBytes + 16)
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(index, 7)
    nonce[11] = start + chunk.length === file.length ? 1 : 0
    const decipher = createDecipheriv('aes-256-gcm', fileKey, nonce)
    decipher.setAAD(header)
    decipher.setAuthTag(chunk.subarray(-16))
    plaintext.push(decipher.update(chunk.subarray(0, -16)), decipher.final())
  }

  expect(fileKey.toString('hex')).toBe(text('file key'))
  expect(Buffer.concat(plaintext)).toEqual(bytes('plaintext'))
})
