import { DirectoryOutputFileStore } from '@flatfhir/server'
import { outputFileStoreContract } from '@flatfhir/testkit'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const directories: string[] = []

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-output-files-'))
  directories.push(directory)
  return directory
}

afterAll(async () => {
  await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })))
})

outputFileStoreContract('DirectoryOutputFileStore', async () => {
  const directory = await newDirectory()
  return async () => new DirectoryOutputFileStore(join(directory, 'made', 'on demand'))
})

const KEY = { jobId: '0123456789abcdef', fileId: 'fedcba9876543210' }

test('lays files out as job/file and leaves nothing else behind', async () => {
  const directory = await newDirectory()
  const store = new DirectoryOutputFileStore(directory)

  const writer = await store.create(KEY)
  await writer.write(Buffer.from('x'))
  await writer.commit()
  const aborted = await store.create({ ...KEY, fileId: '0000000000000000' })
  await aborted.abort()

  expect(await readdir(directory)).toEqual([KEY.jobId])
  expect(await readdir(join(directory, KEY.jobId))).toEqual([KEY.fileId])
})

test.skipIf(process.platform === 'win32')(
  'lets nobody but the own account read files',
  async () => {
    const directory = await newDirectory()
    const store = new DirectoryOutputFileStore(directory)

    const writer = await store.create(KEY)
    await writer.commit()

    expect((await stat(join(directory, KEY.jobId))).mode & 0o077).toBe(0)
    expect((await stat(join(directory, KEY.jobId, KEY.fileId))).mode & 0o077).toBe(0)
  },
)
