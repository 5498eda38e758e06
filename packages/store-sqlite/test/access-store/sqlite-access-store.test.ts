import { SqliteAccessStore } from '@flatfhir/store-sqlite'
import {
  accessTokenStoreContract,
  assertionReplayStoreContract,
  clientRegistryContract,
} from '@flatfhir/testkit'
import { DatabaseSync } from '@photostructure/sqlite'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const directories: string[] = []

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-access-store-'))
  directories.push(directory)
  return directory
}

async function makePlace(): Promise<() => Promise<SqliteAccessStore>> {
  const directory = await newDirectory()
  return () => SqliteAccessStore.open({ directory })
}

afterAll(async () => {
  await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })))
})

clientRegistryContract('SqliteAccessStore', makePlace)
accessTokenStoreContract('SqliteAccessStore', makePlace)
assertionReplayStoreContract('SqliteAccessStore', makePlace)

/** Uses assertions 0 to 9 in a process of its own, which kills itself. */
async function useTenInAProcess(directory: string): Promise<readonly boolean[]> {
  const args = [join(import.meta.dirname, 'use-ten-assertions.mjs'), directory]
  const { stdout } = await promisify(execFile)(process.execPath, args).catch(
    (error: unknown) => error as { stdout: string },
  )
  return JSON.parse(stdout) as boolean[]
}

test('lets one of two racing processes use an assertion, and remembers it after both were killed', async () => {
  const directory = await newDirectory()

  const [first, second] = await Promise.all([
    useTenInAProcess(directory),
    useTenInAProcess(directory),
  ])

  expect(first).toHaveLength(10)
  expect(first.map((used, index) => used !== second[index])).toEqual(first.map(() => true))
  expect(await useTenInAProcess(directory)).toEqual(first.map(() => false))
})

test.skipIf(process.platform === 'win32')('keeps its files from everybody else', async () => {
  const directory = await newDirectory()

  await using store = await SqliteAccessStore.open({ directory })
  await store.tokens.sweep(new Date())

  for (const name of ['access.sqlite', 'access.sqlite-wal']) {
    expect((await stat(join(directory, name))).mode & 0o077).toBe(0)
  }
})

test('says what is wrong when the file is no database, without its content', async () => {
  const directory = await newDirectory()
  await writeFile(join(directory, 'access.sqlite'), 'secret '.repeat(1000))

  const opening = SqliteAccessStore.open({ directory })

  await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED', reason: 'SQLITE_NOTADB' })
})

test('waits for another process that is making the same new database', async () => {
  const directory = await newDirectory()
  const other = new DatabaseSync(join(directory, 'access.sqlite'))
  other.exec('CREATE TABLE begun (at); BEGIN IMMEDIATE; INSERT INTO begun VALUES (1)')

  const opening = SqliteAccessStore.open({ directory })
  const heldFor200Ms = once(AbortSignal.timeout(200), 'abort')
  const earlier = await Promise.race([opening, heldFor200Ms.then(() => 'still waiting')])
  other.exec('ROLLBACK; DROP TABLE begun')
  other.close()

  expect(earlier).toBe('still waiting')
  await using store = await opening
  expect(await store.clients.list()).toEqual([])
})
