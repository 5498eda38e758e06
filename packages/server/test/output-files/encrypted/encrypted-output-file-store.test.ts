import {
  EncryptedOutputFileStore,
  EncryptionKey,
  holdsEncryptedJobs,
  DirectoryOutputFileStore,
  type OutputFileKey,
} from '@flatfhir/server'
import { outputFileStoreContract } from '@flatfhir/testkit'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import {
  copyFile,
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const HEADER_BYTES = 32
const CHUNK_BYTES = 64 * 1024
const STRIDE = CHUNK_BYTES + 16

const directories: string[] = []

afterAll(async () => {
  await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })))
})

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-encrypted-'))
  directories.push(directory)
  return directory
}

function newKey(): OutputFileKey {
  return { jobId: randomBytes(16).toString('hex'), fileId: randomBytes(16).toString('hex') }
}

function newEncryptionKey(): EncryptionKey {
  return new EncryptionKey(randomBytes(32))
}

async function write(
  store: EncryptedOutputFileStore,
  key: OutputFileKey,
  ...pieces: readonly Uint8Array[]
): Promise<void> {
  const writer = await store.create(key)
  for (const piece of pieces) await writer.write(piece)
  await writer.commit()
}

async function read(
  store: EncryptedOutputFileStore,
  key: OutputFileKey,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const stream = await store.read(key, range)
  if (stream === undefined) throw new Error('No such file')
  return buffer(stream)
}

interface Place {
  readonly directory: string
  readonly encryptionKey: EncryptionKey
  readonly store: EncryptedOutputFileStore
  readonly pathOf: (key: OutputFileKey) => string
}

async function newPlace(): Promise<Place> {
  const directory = await newDirectory()
  const encryptionKey = newEncryptionKey()
  return {
    directory,
    encryptionKey,
    store: new EncryptedOutputFileStore({ directory, key: encryptionKey }),
    pathOf: ({ jobId, fileId }) => join(directory, jobId, fileId),
  }
}

outputFileStoreContract('EncryptedOutputFileStore', async () => {
  const directory = await newDirectory()
  const key = newEncryptionKey()
  return async () =>
    new EncryptedOutputFileStore({ directory: join(directory, 'made', 'now'), key })
})

describe('what is on the disk', () => {
  test('holds neither the content nor a key', async () => {
    const { store, directory, encryptionKey } = await newPlace()
    const key = newKey()
    const content = Buffer.from('a line that nobody else may read\n'.repeat(10_000))

    await write(store, key, content)

    const names = await readdir(join(directory, key.jobId))
    expect(names.sort()).toEqual([key.fileId, 'job.key'].sort())
    for (const name of names) {
      const stored = await readFile(join(directory, key.jobId, name))
      expect(stored.includes('nobody else')).toBe(false)
      expect(stored.includes(Buffer.from(encryptionKey.bytes()))).toBe(false)
      if (process.platform !== 'win32') {
        expect((await stat(join(directory, key.jobId, name))).mode & 0o077).toBe(0)
      }
    }
  })

  test('differs for the same content, even in the same file of the same job', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()

    await write(store, key, Buffer.alloc(100))
    const first = await readFile(pathOf(key))
    await write(store, key, Buffer.alloc(100))
    const second = await readFile(pathOf(key))

    expect(second.subarray(HEADER_BYTES)).not.toEqual(first.subarray(HEADER_BYTES))
  })

  test('is the same job key for all who begin a job at the same time', async () => {
    const { directory, encryptionKey, store } = await newPlace()
    const { jobId } = newKey()
    const keys = Array.from({ length: 16 }, () => ({ ...newKey(), jobId }))

    await Promise.all(
      keys.map(async (key) => {
        const own = new EncryptedOutputFileStore({ directory, key: encryptionKey })
        await write(own, key, Buffer.from(key.fileId))
      }),
    )

    for (const key of keys) expect((await read(store, key)).toString()).toBe(key.fileId)
    expect(await readdir(join(directory, jobId))).toHaveLength(keys.length + 1)
  })
})

describe('ranges', () => {
  const sizes = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES, 700_001]
  const written = new Map<number, { key: OutputFileKey; content: Buffer }>()
  let place: Place

  beforeAll(async () => {
    place = await newPlace()
    for (const size of sizes) {
      const file = { key: newKey(), content: randomBytes(size) }
      written.set(size, file)
      await write(place.store, file.key, file.content)
    }
  })

  test.each(sizes)('stores %i bytes in as few chunks as there can be', async (size) => {
    const file = written.get(size)
    if (file === undefined) throw new Error('Not written')

    const { size: storedBytes } = await stat(place.pathOf(file.key))

    const chunks = Math.max(1, Math.ceil(size / CHUNK_BYTES))
    expect(storedBytes).toBe(HEADER_BYTES + size + chunks * 16)
  })

  test('are what the same range of the content is, whatever the range', async () => {
    const near = fc
      .tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: -2, max: 2 }))
      .map(([chunk, by]) => Math.max(0, chunk * CHUNK_BYTES + by))
    const offset = fc.oneof(near, fc.nat(800_000))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sizes), offset, offset, async (size, one, other) => {
        const file = written.get(size)
        if (file === undefined) throw new Error('Not written')
        const [start, end] = [Math.min(one, other), Math.max(one, other)]

        const part = await read(place.store, file.key, { start, end })

        expect(part.equals(file.content.subarray(start, end + 1))).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  test('decrypt no chunk that they do not touch', async () => {
    const { store, pathOf } = place
    const key = newKey()
    const content = randomBytes(3 * CHUNK_BYTES)
    await write(store, key, content)
    const stored = await readFile(pathOf(key))
    stored.fill(0, HEADER_BYTES, HEADER_BYTES + STRIDE)
    stored.fill(0, HEADER_BYTES + 2 * STRIDE)
    await writeFile(pathOf(key), stored)

    const part = await read(store, key, { start: CHUNK_BYTES, end: 2 * CHUNK_BYTES - 1 })

    expect(part.equals(content.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES))).toBe(true)
    await expect(read(store, key, { start: CHUNK_BYTES - 1, end: CHUNK_BYTES })).rejects.toThrow()
    await expect(read(store, key, { start: CHUNK_BYTES, end: 2 * CHUNK_BYTES })).rejects.toThrow()
  })

  test('come in pieces of at most a chunk, read as they are taken', async () => {
    const { store, pathOf } = place
    const key = newKey()
    await write(store, key, randomBytes(8 * 1024 * 1024))
    const stream = await store.read(key)
    if (stream === undefined) throw new Error('No such file')

    const first = await new Promise<Buffer>((resolve) => stream.once('data', resolve))
    stream.pause()
    // What nobody has asked for yet was not read: damage done now is still found.
    const stored = await readFile(pathOf(key))
    stored.fill(0, 4 * 1024 * 1024)
    await writeFile(pathOf(key), stored)

    expect(first.length).toBe(CHUNK_BYTES)
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'OUTPUT_FILE_DAMAGED' })
  })
})

test('reads back whatever the pieces were that it was written in', async () => {
  const { store } = await newPlace()
  const piece = fc.oneof(
    fc.nat(300),
    fc.integer({ min: CHUNK_BYTES - 2, max: CHUNK_BYTES + 2 }),
    fc.nat(3 * CHUNK_BYTES),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (sizes) => {
      const [key, pieces] = [newKey(), sizes.map((size) => randomBytes(size))] as const

      await write(store, key, ...pieces)

      expect((await read(store, key)).equals(Buffer.concat(pieces))).toBe(true)
    }),
    { numRuns: 25 },
  )
})

describe('whoever can write to the disk', () => {
  const DAMAGED = { code: 'OUTPUT_FILE_DAMAGED' }

  test('cannot change a single bit of a file', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, randomBytes(CHUNK_BYTES + 500))
    const stored = await readFile(pathOf(key))
    await fc.assert(
      fc.asyncProperty(fc.nat(stored.length - 1), fc.nat(7), async (offset, bit) => {
        const changed = Buffer.from(stored)
        changed.writeUInt8(changed.readUInt8(offset) ^ (1 << bit), offset)
        await writeFile(pathOf(key), changed)

        await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
      }),
      { numRuns: 150, examples: Array.from({ length: HEADER_BYTES }, (_, n) => [n, n % 8]) },
    )
  })

  test('cannot change a single bit of a job key', async () => {
    const { store, directory } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('x'))
    const path = join(directory, key.jobId, 'job.key')
    const stored = await readFile(path)
    for (let offset = 0; offset < stored.length; offset += 1) {
      const changed = Buffer.from(stored)
      changed.writeUInt8(changed.readUInt8(offset) ^ 1, offset)
      await writeFile(path, changed)

      const code = offset >= 8 && offset < 16 ? 'ENCRYPTION_KEY_UNKNOWN' : 'OUTPUT_FILE_DAMAGED'
      await expect(store.read(key)).rejects.toMatchObject({ code })
      await expect(store.create({ ...newKey(), jobId: key.jobId })).rejects.toMatchObject({ code })
    }
  })

  test('cannot cut a file, anywhere', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, randomBytes(3 * CHUNK_BYTES))
    const stored = await readFile(pathOf(key))
    const borders = [0, 1, 2].map((n) => HEADER_BYTES + n * STRIDE)
    await fc.assert(
      fc.asyncProperty(fc.nat(stored.length - 1), async (length) => {
        await writeFile(pathOf(key), stored)
        await truncate(pathOf(key), length)

        await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
      }),
      { numRuns: 40, examples: borders.map((length) => [length]) },
    )
  })

  test('cannot append to a file', async () => {
    const { store, pathOf } = await newPlace()
    const [key, other] = [newKey(), newKey()] as const
    await write(store, key, randomBytes(2 * CHUNK_BYTES))
    await write(store, other, randomBytes(2 * CHUNK_BYTES))
    const stored = await readFile(pathOf(key))
    for (const tail of [
      Buffer.alloc(1),
      Buffer.alloc(16),
      stored.subarray(HEADER_BYTES + STRIDE),
      (await readFile(pathOf(other))).subarray(HEADER_BYTES),
    ]) {
      await writeFile(pathOf(key), Buffer.concat([stored, tail]))

      await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
    }
  })

  test('cannot reorder, repeat or leave out chunks', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, randomBytes(4 * CHUNK_BYTES))
    const stored = await readFile(pathOf(key))
    const chunk = (n: number): Buffer =>
      stored.subarray(HEADER_BYTES + n * STRIDE, HEADER_BYTES + (n + 1) * STRIDE)
    for (const order of [
      [1, 0, 2, 3],
      [0, 2, 1, 3],
      [0, 1, 3, 2],
      [0, 1, 1, 3],
      [0, 1, 3],
      [1, 2, 3],
      [0, 1, 2, 2, 3],
    ]) {
      const forged = Buffer.concat([stored.subarray(0, HEADER_BYTES), ...order.map(chunk)])
      await writeFile(pathOf(key), forged)

      await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
    }
  })

  test('cannot swap files, within a job or between jobs, with or without their keys', async () => {
    const { store, directory, pathOf } = await newPlace()
    const first = newKey()
    const [sibling, foreign] = [{ ...newKey(), jobId: first.jobId }, newKey()] as const
    for (const key of [first, sibling, foreign]) await write(store, key, randomBytes(1000))

    await copyFile(pathOf(sibling), pathOf(first))
    await expect(read(store, first)).rejects.toMatchObject(DAMAGED)
    await copyFile(pathOf(foreign), pathOf(first))
    await expect(read(store, first)).rejects.toMatchObject(DAMAGED)
    const keyFile = ({ jobId }: OutputFileKey): string => join(directory, jobId, 'job.key')
    await copyFile(keyFile(foreign), keyFile(first))
    await expect(read(store, first)).rejects.toMatchObject(DAMAGED)
  })

  test('cannot put a file in the clear in place of an encrypted one', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, randomBytes(1000))
    await writeFile(pathOf(key), '{"resourceType":"Patient","id":"forged"}\n'.repeat(10))

    await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
  })

  test('cannot make a reader take much memory by a header', async () => {
    const { store, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, randomBytes(1000))
    const stored = await readFile(pathOf(key))
    for (const chunkBytes of [0, 1, 2 ** 23, 2 ** 32 - 1]) {
      stored.writeUInt32BE(chunkBytes, 8)
      await writeFile(pathOf(key), stored)

      await expect(read(store, key)).rejects.toMatchObject(DAMAGED)
    }
  })
})

describe('the configured key', () => {
  test('is named when it is missing, and nothing of it shown', async () => {
    const { store, directory, encryptionKey } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('x'))
    const other = new EncryptedOutputFileStore({ directory, key: newEncryptionKey() })

    const expected = { code: 'ENCRYPTION_KEY_UNKNOWN', keyId: encryptionKey.keyId }
    await expect(other.read(key)).rejects.toMatchObject(expected)
    await expect(other.create({ ...newKey(), jobId: key.jobId })).rejects.toMatchObject(expected)
    await other.deleteJob(key.jobId)
    expect(await other.jobIds()).toEqual([])
  })

  test('can be replaced while jobs of the old one stay readable', async () => {
    const { store, directory, encryptionKey } = await newPlace()
    const [old, fresh] = [newKey(), newKey()] as const
    await write(store, old, Buffer.from('old'))
    const next = newEncryptionKey()

    const rotated = new EncryptedOutputFileStore({
      directory,
      key: next,
      previousKeys: [encryptionKey],
    })
    await write(rotated, fresh, Buffer.from('new'))
    await write(rotated, { ...newKey(), jobId: old.jobId }, Buffer.from('later'))

    expect((await read(rotated, old)).toString()).toBe('old')
    await expect(store.read(fresh)).rejects.toMatchObject({ keyId: next.keyId })
  })

  test('goes to worker threads with its predecessors', async () => {
    const { store, directory, encryptionKey } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('old'))
    const rotated = new EncryptedOutputFileStore({
      directory,
      key: newEncryptionKey(),
      previousKeys: [encryptionKey],
    })

    const { url, options } = rotated.workerModule
    const module = (await import(url)) as {
      openOutputFileStore(options: unknown): Promise<EncryptedOutputFileStore>
    }
    const clone = structuredClone(options) as { key: Uint8Array }
    const there = await module.openOutputFileStore(clone)

    expect(clone.key.buffer.byteLength).toBe(32)
    expect((await read(there, key)).toString()).toBe('old')
  })

  test('is not shown by what prints objects', async () => {
    const { store, encryptionKey } = await newPlace()

    const shown = `${inspect(store, { depth: 9, showHidden: true })} ${JSON.stringify([store, encryptionKey])} ${inspect(encryptionKey, { showHidden: true })}`

    expect(shown).toContain(encryptionKey.keyId)
    const bytes = Buffer.from(encryptionKey.bytes())
    expect(shown).not.toContain(bytes.toString('hex'))
    expect(shown).not.toContain(bytes.toString('base64'))
    expect(shown).not.toContain([...bytes].join(','))
    expect(shown).not.toContain(inspect(encryptionKey.bytes()))
  })
})

describe('a deleted job', () => {
  test('stays unreadable when its files are put back, also with the configured key', async () => {
    const { store, directory, pathOf } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('gone'))
    const copy = join(await newDirectory(), 'copy')
    await cp(pathOf(key), copy)

    await store.deleteJob(key.jobId)
    await write(store, { ...newKey(), jobId: key.jobId }, Buffer.from('again'))
    await copyFile(copy, pathOf(key))

    await expect(read(store, key)).rejects.toMatchObject({ code: 'OUTPUT_FILE_DAMAGED' })
    await store.deleteJob(key.jobId)
    expect(await readdir(directory)).toEqual([])
  })

  test('is gone for readers as soon as its key is, were the files left behind', async () => {
    const { store, directory } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('gone'))

    await rm(join(directory, key.jobId, 'job.key'))

    expect(await store.read(key)).toBeUndefined()
    expect(await store.jobIds()).toEqual([key.jobId])
    await store.deleteJob(key.jobId)
    expect(await store.jobIds()).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('overwrites the key before it removes it', async () => {
    const { store, directory } = await newPlace()
    const key = newKey()
    await write(store, key, Buffer.from('gone'))
    await using held = await open(join(directory, key.jobId, 'job.key'), 'r')
    const before = await readFile(join(directory, key.jobId, 'job.key'))

    await store.deleteJob(key.jobId)

    const after = Buffer.alloc(before.length)
    expect((await held.read(after, 0, after.length, 0)).bytesRead).toBe(before.length)
    for (let offset = 0; offset < before.length; offset += 8) {
      expect(after.subarray(offset, offset + 4)).not.toEqual(before.subarray(offset, offset + 4))
    }
  })
})

test('leftovers of a crash go, the key of retained files stays', async () => {
  const { store, directory } = await newPlace()
  const [kept, { jobId: keyOnly }] = [newKey(), newKey()] as const
  await write(store, kept, Buffer.from('kept'))
  const cutOff = await store.create({ ...newKey(), jobId: kept.jobId })
  await cutOff.write(randomBytes(200_000))
  await writeFile(join(directory, kept.jobId, 'job.key.0.part'), 'half a key')
  const unwritten = await store.create({ ...newKey(), jobId: keyOnly })
  await unwritten.abort()

  await store.retainFiles(kept.jobId, [kept.fileId])
  await store.retainFiles(keyOnly, [])
  await cutOff.abort()

  expect((await readdir(join(directory, kept.jobId))).sort()).toEqual(
    [kept.fileId, 'job.key'].sort(),
  )
  expect((await read(store, kept)).toString()).toBe('kept')
  expect(await store.jobIds()).toEqual([kept.jobId])
})

test('tells apart what was written before encryption was on, and after it was off', async () => {
  const { store, directory } = await newPlace()
  const [plain, encrypted] = [newKey(), newKey()] as const
  const writer = await new DirectoryOutputFileStore(directory).create(plain)
  await writer.write(Buffer.from('{"resourceType":"Patient"}\n'))
  await writer.commit()

  expect(await holdsEncryptedJobs(directory)).toBe(false)
  await expect(store.read(plain)).rejects.toMatchObject({ code: 'OUTPUT_FILE_NOT_ENCRYPTED' })
  await write(store, encrypted, Buffer.from('x'))
  expect(await holdsEncryptedJobs(directory)).toBe(true)
  await store.deleteJob(encrypted.jobId)
  await store.deleteJob(plain.jobId)
  expect(await store.jobIds()).toEqual([])
})
