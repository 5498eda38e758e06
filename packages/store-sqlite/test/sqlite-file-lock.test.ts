import { SqliteFileLock } from '@flatfhir/store-sqlite'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BUSY = { code: 'STORE_FAILED', reason: 'SQLITE_BUSY' }

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-lock-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

test('has one holder at a time, who is not always the same', async () => {
  const path = join(directory, 'made', 'shared.lock')
  const locks = await Promise.all([1, 2, 3].map(() => SqliteFileLock.open(path)))
  let holders = 0
  let turns = 0

  await Promise.all(
    [...locks, ...locks].map(async (lock) => {
      for (let turn = 0; turn < 10; turn += 1) {
        const release = await lock.acquire()
        holders += 1
        expect(holders).toBe(1)
        await stat(path)
        holders -= 1
        turns += 1
        release()
      }
    }),
  )

  expect(turns).toBe(60)
  for (const lock of locks) await lock[Symbol.asyncDispose]()
})

test('gives up waiting in time', async () => {
  const path = join(directory, 'busy.lock')
  await using holder = await SqliteFileLock.open(path)
  await using waiter = await SqliteFileLock.open(path, { timeoutMs: 10 })
  const release = await holder.acquire()

  await expect(waiter.acquire()).rejects.toMatchObject(BUSY)

  release()
  ;(await waiter.acquire())()
})

test('is free again when its holder is closed or killed', async () => {
  const path = join(directory, 'killed.lock')
  const held = `
    import { SqliteFileLock } from '@flatfhir/store-sqlite'
    const lock = await SqliteFileLock.open(${JSON.stringify(path)})
    await lock.acquire()
    console.log('held')
    setInterval(() => lock, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', held], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  })
  await once(child.stdout, 'data')
  await using lock = await SqliteFileLock.open(path, { timeoutMs: 10 })
  await expect(lock.acquire()).rejects.toMatchObject(BUSY)

  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited

  await lock.acquire()
  await lock[Symbol.asyncDispose]()
  await using next = await SqliteFileLock.open(path, { timeoutMs: 10 })
  ;(await next.acquire())()
})

test('says why it cannot be opened', async () => {
  const file = join(directory, 'a file')
  await writeFile(file, '')

  await expect(SqliteFileLock.open(join(file, 'x.lock'))).rejects.toMatchObject({
    code: 'STORE_FAILED',
    reason: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
  })
})
