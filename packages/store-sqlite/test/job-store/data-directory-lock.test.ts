import { lockDataDirectory } from '@flatfhir/store-sqlite'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let directory: string

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'flatfhir-lock-')), 'data')
})

afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true })
})

const HOLDER = `
  import { lockDataDirectory } from ${JSON.stringify(import.meta.resolve('@flatfhir/store-sqlite'))}
  const claim = await lockDataDirectory(process.argv[1])
  console.log('held')
  setInterval(() => claim, 60_000)
`

test('refuses a second claim until the first is given back', async () => {
  const first = await lockDataDirectory(directory)

  await expect(lockDataDirectory(directory)).rejects.toMatchObject({
    code: 'DATA_DIRECTORY_IN_USE',
    retryable: true,
  })
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()

  await using second = await lockDataDirectory(directory)
  expect(second).toBeDefined()
})

test('holds against another process, and is free once that was killed', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')

  await expect(lockDataDirectory(directory)).rejects.toMatchObject({
    code: 'DATA_DIRECTORY_IN_USE',
  })
  child.kill('SIGKILL')
  await once(child, 'exit')

  await using claim = await lockDataDirectory(directory)
  expect(claim).toBeDefined()
})

test('says what is wrong with a place that cannot be a data directory', async () => {
  await writeFile(directory, 'a file')

  await expect(lockDataDirectory(directory)).rejects.toMatchObject({
    code: 'STORE_FAILED',
    reason: 'EEXIST',
  })
})
