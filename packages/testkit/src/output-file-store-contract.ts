import type { OutputFileKey, OutputFileStore, OutputFileStoreModule } from '@flatfhir/server'
import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'

/** Opens the store of one place; called again, it is the same store after a restart. */
export type OpenOutputFileStore = () => Promise<OutputFileStore>

/**
 * What every `OutputFileStore` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the store there.
 */
export function outputFileStoreContract(
  name: string,
  makePlace: () => Promise<OpenOutputFileStore>,
): void {
  describe(`${name} is an OutputFileStore`, () => {
    const opened: OutputFileStore[] = []

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
    })

    async function openStore(): Promise<{
      store: OutputFileStore
      reopen: () => Promise<OutputFileStore>
    }> {
      const openPlace = await makePlace()
      const open = async (): Promise<OutputFileStore> => {
        const store = await openPlace()
        opened.push(store)
        return store
      }
      return { store: await open(), reopen: open }
    }

    test.each([0, 1, 7, 65_536, 3_000_001])(
      'reads back a file of %i bytes, also after a restart',
      async (size) => {
        const { store, reopen } = await openStore()
        const [key, content] = [newKey(), randomBytes(size)] as const

        await writeFile(store, key, content)

        expect(digestOf(await contentOf(store, key))).toBe(digestOf(content))
        expect(digestOf(await contentOf(await reopen(), key))).toBe(digestOf(content))
      },
    )

    test('strings the pieces of a file together in order', async () => {
      const { store } = await openStore()
      const key = newKey()
      const pieces = Array.from({ length: 100 }, (_, n) => randomBytes(n * 97))

      const writer = await store.create(key)
      for (const piece of pieces) await writer.write(piece)
      await writer.commit()

      expect(digestOf(await contentOf(store, key))).toBe(digestOf(Buffer.concat(pieces)))
    })

    test('lets the caller use a buffer again once it was written', async () => {
      const { store } = await openStore()
      const [key, buffer] = [newKey(), Buffer.alloc(4)] as const

      const writer = await store.create(key)
      await writer.write(buffer.fill('a'))
      await writer.write(buffer.fill('b'))
      await writer.commit()

      expect((await contentOf(store, key))?.toString()).toBe('aaaabbbb')
    })

    test.each([
      [0, 0],
      [0, 999_999],
      [999_999, 999_999],
      [1, 1],
      [65_535, 65_536],
      [123_456, 789_012],
    ])('reads bytes %i to %i, both inclusive', async (start, end) => {
      const { store } = await openStore()
      const [key, content] = [newKey(), randomBytes(1_000_000)] as const
      await writeFile(store, key, content)

      const part = await drain(await store.read(key, { start, end }))

      expect(part).toHaveLength(end + 1 - start)
      expect(digestOf(part)).toBe(digestOf(content.subarray(start, end + 1)))
    })

    test('serves the same file to several readers at once', async () => {
      const { store } = await openStore()
      const [key, content] = [newKey(), randomBytes(2_000_000)] as const
      await writeFile(store, key, content)

      const reads = await Promise.all(Array.from({ length: 8 }, () => contentOf(store, key)))

      expect(reads.map(digestOf)).toEqual(reads.map(() => digestOf(content)))
    })

    test('has no file that was never written', async () => {
      const { store } = await openStore()
      const { jobId, fileId } = newKey()
      await writeFile(store, { jobId, fileId }, Buffer.from('a'))

      expect(await store.read(newKey())).toBeUndefined()
      expect(await store.read({ jobId, fileId: newKey().fileId })).toBeUndefined()
      expect(await store.read({ jobId: newKey().jobId, fileId })).toBeUndefined()
    })

    test('shows nothing of a file before it is committed', async () => {
      const { store, reopen } = await openStore()
      const key = newKey()

      const writer = await store.create(key)
      await writer.write(randomBytes(100_000))

      expect(await store.read(key)).toBeUndefined()
      expect(await (await reopen()).read(key)).toBeUndefined()
      await writer.commit()
      expect(await contentOf(store, key)).toHaveLength(100_000)
    })

    test('shows nothing of a file that was given up', async () => {
      const { store } = await openStore()
      const key = newKey()

      const writer = await store.create(key)
      await writer.write(randomBytes(100_000))
      await writer.abort()
      await writer.abort()

      expect(await store.read(key)).toBeUndefined()
    })

    test('keeps a committed file when its writer gives up afterwards', async () => {
      const { store } = await openStore()
      const key = newKey()

      const writer = await store.create(key)
      await writer.write(Buffer.from('kept'))
      await writer.commit()
      await writer.abort()

      expect((await contentOf(store, key))?.toString()).toBe('kept')
    })

    test('writes several files at the same time, of one job and of several', async () => {
      const { store } = await openStore()
      const { jobId } = newKey()
      const keys = [newKey(), newKey(), { ...newKey(), jobId }, { ...newKey(), jobId }]
      const contents = keys.map(() => randomBytes(300_000))

      await Promise.all(keys.map((key, n) => writeFile(store, key, contents[n] ?? Buffer.alloc(0))))

      const read = await Promise.all(keys.map((key) => contentOf(store, key)))
      expect(read.map(digestOf)).toEqual(contents.map(digestOf))
    })

    test('deletes all files of a job and no others', async () => {
      const { store } = await openStore()
      const { jobId } = newKey()
      const [first, second, other] = [
        { ...newKey(), jobId },
        { ...newKey(), jobId },
        newKey(),
      ] as const
      for (const key of [first, second, other]) await writeFile(store, key, Buffer.from('x'))
      const unfinished = await store.create({ ...newKey(), jobId })
      await unfinished.write(Buffer.from('x'))
      await unfinished.abort()

      await store.deleteJob(jobId)
      await store.deleteJob(jobId)

      expect(await store.read(first)).toBeUndefined()
      expect(await store.read(second)).toBeUndefined()
      expect(await store.jobIds()).toEqual([other.jobId])
      expect(await contentOf(store, other)).toEqual(Buffer.from('x'))
    })

    test('removes leftovers, whole or half-written, and keeps what it is told to', async () => {
      const { store, reopen } = await openStore()
      const { jobId } = newKey()
      const [kept, leftover, cutOff] = [newKey(), newKey(), newKey()].map((key) => {
        return { ...key, jobId }
      }) as [OutputFileKey, OutputFileKey, OutputFileKey]
      await writeFile(store, kept, Buffer.from('kept'))
      await writeFile(store, leftover, Buffer.from('leftover'))
      const writer = await store.create(cutOff)
      await writer.write(Buffer.from('half'))

      const again = await reopen()
      await again.retainFiles(jobId, [kept.fileId, newKey().fileId])

      expect((await contentOf(again, kept))?.toString()).toBe('kept')
      expect(await again.read(leftover)).toBeUndefined()
      await expect(writer.commit()).rejects.toThrow()
      expect(await again.read(cutOff)).toBeUndefined()
    })

    test('lists exactly the jobs that have files', async () => {
      const { store } = await openStore()
      expect(await store.jobIds()).toEqual([])
      const [first, second] = [newKey(), newKey()] as const
      await writeFile(store, first, Buffer.from('x'))
      await writeFile(store, second, Buffer.from('x'))
      expect([...(await store.jobIds())].sort()).toEqual([first.jobId, second.jobId].sort())

      await store.retainFiles(first.jobId, [])
      await store.retainFiles(newKey().jobId, [])

      expect(await store.jobIds()).toEqual([second.jobId])
    })

    test('lets a reader finish a file that is deleted meanwhile', async () => {
      const { store } = await openStore()
      const [key, content] = [newKey(), randomBytes(5_000_000)] as const
      await writeFile(store, key, content)
      const reading = await store.read(key)

      await store.deleteJob(key.jobId)

      expect(digestOf(await drain(reading))).toBe(digestOf(content))
    })

    test.each(['', '.', '..', '../x', 'a/b', 'ABCDEF0123456789', 'x'.repeat(32), '0'.repeat(300)])(
      'never leaves its place for the id %j',
      async (id) => {
        const { store } = await openStore()
        const { jobId, fileId } = newKey()

        expect(await store.read({ jobId: id, fileId })).toBeUndefined()
        expect(await store.read({ jobId, fileId: id })).toBeUndefined()
        await expect(store.create({ jobId: id, fileId })).rejects.toThrow(TypeError)
        await expect(store.create({ jobId, fileId: id })).rejects.toThrow(TypeError)
        await expect(store.deleteJob(id)).rejects.toThrow(TypeError)
        await expect(store.retainFiles(id, [])).rejects.toThrow(TypeError)
      },
    )

    test('opens in a worker thread as the same store', async () => {
      const { store } = await openStore()
      const { url, options } = store.workerModule
      const key = newKey()

      const module = (await import(url)) as OutputFileStoreModule
      const other = await module.openOutputFileStore(structuredClone(options))
      opened.push(other)
      await writeFile(other, key, Buffer.from('from there'))

      expect((await contentOf(store, key))?.toString()).toBe('from there')
    })
  })
}

function newKey(): OutputFileKey {
  return { jobId: randomBytes(16).toString('hex'), fileId: randomBytes(16).toString('hex') }
}

async function writeFile(
  store: OutputFileStore,
  key: OutputFileKey,
  content: Uint8Array,
): Promise<void> {
  const writer = await store.create(key)
  await writer.write(content)
  await writer.commit()
}

async function contentOf(store: OutputFileStore, key: OutputFileKey): Promise<Buffer | undefined> {
  return drain(await store.read(key))
}

async function drain(stream: Readable | undefined): Promise<Buffer | undefined> {
  if (stream === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of stream as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces)
}

function digestOf(content: Uint8Array | undefined): string | undefined {
  return content && createHash('sha256').update(content).digest('hex')
}
