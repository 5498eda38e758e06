import { SqliteJobStore } from '@flatfhir/store-sqlite'
import { jobStoreContract } from '@flatfhir/testkit'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const directories: string[] = []

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-job-store-'))
  directories.push(directory)
  return directory
}

afterAll(async () => {
  await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })))
})

jobStoreContract('SqliteJobStore', async () => {
  const path = join(await newDirectory(), 'jobs.sqlite')
  return () => SqliteJobStore.open({ path })
})

test('says what is wrong when the file is no database, without its content', async () => {
  const path = join(await newDirectory(), 'jobs.sqlite')
  await writeFile(path, 'Smith, John '.repeat(1000))

  const opening = SqliteJobStore.open({ path })

  await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED', reason: 'SQLITE_NOTADB' })
})

test('says what is wrong when the directory is missing', async () => {
  const path = join(await newDirectory(), 'missing', 'jobs.sqlite')

  const opening = SqliteJobStore.open({ path })

  await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED', reason: 'SQLITE_CANTOPEN' })
})

test('refuses calls once it is closed, and may be closed twice', async () => {
  const store = await SqliteJobStore.open({ path: join(await newDirectory(), 'jobs.sqlite') })

  await store[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()

  await expect(store.unfinished()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
})

test('answers the calls that were made before it was closed', async () => {
  const store = await SqliteJobStore.open({ path: join(await newDirectory(), 'jobs.sqlite') })

  const unfinished = store.unfinished()
  await store[Symbol.asyncDispose]()

  expect(await unfinished).toEqual([])
})
