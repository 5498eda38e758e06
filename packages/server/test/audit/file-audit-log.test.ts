import { verifyAuditLog, type AuditRecord, type ExclusiveLock } from '@flatfhir/server'
import { SqliteFileLock } from '@flatfhir/store-sqlite'
import type { AuditEvent } from 'fhir/r4.js'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  events,
  jobsDeleted,
  logFiles,
  logText,
  newDirectory,
  openLog,
  writeRecords,
} from './audit-fixture.ts'

const CHILD = fileURLToPath(new URL('append-child.mjs', import.meta.url))

function startChild(options: Readonly<Record<string, unknown>>): ChildProcess {
  const args = [CHILD, JSON.stringify(options)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

function idsOf(found: readonly AuditEvent[]): readonly (string | undefined)[] {
  return found.map(({ entity }) => entity?.[0]?.what?.identifier?.value)
}

async function expectWhole(directory: string): Promise<number> {
  const result = await verifyAuditLog(directory)
  if (!result.ok) throw new Error(JSON.stringify(result.fault))
  return result.events
}

test('goes on where it left off after a restart', async () => {
  await using directory = await newDirectory()

  await writeRecords(directory.path, jobsDeleted(3))
  await writeRecords(directory.path, jobsDeleted(2, 3))

  expect(await expectWhole(directory.path)).toBe(5)
  expect(idsOf(await events(directory.path))).toEqual(
    [0, 1, 2, 3, 4].map((n) => String(n).padStart(32, '0')),
  )
})

test('a record is in the file when the promise resolves', async () => {
  await using directory = await newDirectory()
  await using log = await openLog(directory.path)

  for (const record of jobsDeleted(5)) {
    await log.record(record)

    const jobId = record.name === 'job-deleted' ? record.jobId : ''
    expect(await logText(directory.path)).toContain(`${jobId}"`)
  }
})

test('records that arrive together are flushed together, in their order', async () => {
  await using directory = await newDirectory()
  const lock = await SqliteFileLock.open(join(directory.path, 'audit.lock'))
  let acquired = 0
  const counted: ExclusiveLock = {
    acquire: async () => {
      acquired += 1
      return lock.acquire()
    },
    [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
  }
  await using log = await openLog(directory.path, { lock: counted })

  await Promise.all(jobsDeleted(500).map((record) => log.record(record)))

  expect(acquired).toBeLessThan(10)
  const ids = idsOf(await events(directory.path))
  expect(ids).toEqual([...ids].sort())
  expect(await expectWhole(directory.path)).toBe(500)
})

test.skipIf(process.platform === 'win32')('is for the own account only', async () => {
  await using directory = await newDirectory()
  const path = join(directory.path, 'audit')
  await writeRecords(path, jobsDeleted(1))

  const [file = ''] = await logFiles(path)
  expect((await stat(path)).mode & 0o077).toBe(0)
  expect((await stat(join(path, file))).mode & 0o077).toBe(0)
})

describe('rotation', () => {
  test('begins a new file when one is full, and no file is larger than allowed', async () => {
    await using directory = await newDirectory()

    await writeRecords(directory.path, jobsDeleted(30), { maxFileBytes: 5000 })
    const together = await openLog(directory.path, { maxFileBytes: 5000 })
    await Promise.all(jobsDeleted(30, 30).map((record) => together.record(record)))
    await together[Symbol.asyncDispose]()

    const files = await logFiles(directory.path)
    expect(files.length).toBeGreaterThan(5)
    for (const name of files) {
      expect((await stat(join(directory.path, name))).size).toBeLessThanOrEqual(5000)
    }
    expect(await expectWhole(directory.path)).toBe(60)
  })

  test('gives an event that is larger than a file one of its own', async () => {
    await using directory = await newDirectory()

    await writeRecords(directory.path, jobsDeleted(3), { maxFileBytes: 1 })

    expect(await logFiles(directory.path)).toHaveLength(3)
    expect(await expectWhole(directory.path)).toBe(3)
  })

  test('begins a new file every UTC day, and keeps the order when the clock is set back', async () => {
    await using directory = await newDirectory()
    let now = new Date('2030-01-01T23:59:59.999Z')
    const options = { clock: () => now, maxFileBytes: 1500 }
    const log = await openLog(directory.path, options)
    const [first, second, third, fourth] = jobsDeleted(4) as [
      AuditRecord,
      AuditRecord,
      AuditRecord,
      AuditRecord,
    ]

    await log.record(first)
    now = new Date('2030-01-02T00:00:00.000Z')
    await log.record(second)
    now = new Date('2029-12-31T00:00:00.000Z')
    await log.record(third)
    await log[Symbol.asyncDispose]()
    await writeRecords(directory.path, [fourth], options)

    expect(await logFiles(directory.path)).toEqual([
      'audit-2030-01-01-0001.ndjson',
      'audit-2030-01-02-0001.ndjson',
      'audit-2030-01-02-0002.ndjson',
      'audit-2030-01-02-0003.ndjson',
    ])
    expect(await expectWhole(directory.path)).toBe(4)
  })
})

describe('a half-written line', () => {
  test('stays where it is, and the log goes on after an event that names it', async () => {
    await using directory = await newDirectory()
    await writeRecords(directory.path, jobsDeleted(3))
    const [file = ''] = await logFiles(directory.path)
    const path = join(directory.path, file)
    const { size } = await stat(path)
    await truncate(path, size - 100)
    expect(await verifyAuditLog(directory.path)).toEqual({
      ok: false,
      fault: { kind: 'torn-line', file, line: 3 },
    })

    await (await openLog(directory.path))[Symbol.asyncDispose]()

    expect((await stat(path)).size).toBe(size - 100)
    expect(await expectWhole(directory.path)).toBe(3)
    const [, next = ''] = await logFiles(directory.path)
    const recovered = JSON.parse(await readFile(join(directory.path, next), 'utf8')) as unknown
    expect(recovered).toMatchObject({
      subtype: [{ code: '110134' }, { code: 'log-recovered' }],
      entity: [{ what: { identifier: { value: file } } }],
    })

    await writeRecords(directory.path, jobsDeleted(2))
    expect(await expectWhole(directory.path)).toBe(5)
    await truncate(path, size - 101)
    expect((await verifyAuditLog(directory.path)).ok).toBe(false)
    await truncate(path, size - 100 - 1000)
    expect((await verifyAuditLog(directory.path)).ok).toBe(false)
  })

  test.each([1, 10, 5000, 100_000])('may be %i zeros, as after a power cut', async (count) => {
    await using directory = await newDirectory()
    await writeRecords(directory.path, jobsDeleted(3))
    const [file = ''] = await logFiles(directory.path)
    await appendFile(join(directory.path, file), Buffer.alloc(count))

    await writeRecords(directory.path, jobsDeleted(1))

    expect(await expectWhole(directory.path)).toBe(5)
  })

  test('of another process is found by a log that is open already', async () => {
    await using directory = await newDirectory()
    await using log = await openLog(directory.path)
    const [first, second, third] = jobsDeleted(3) as [AuditRecord, AuditRecord, AuditRecord]
    await log.record(first)
    const [file = ''] = await logFiles(directory.path)
    const line = await readFile(join(directory.path, file))
    await appendFile(join(directory.path, file), line.subarray(0, 300))

    await log.record(second)
    await log.record(third)

    expect(await logFiles(directory.path)).toHaveLength(2)
    expect(await expectWhole(directory.path)).toBe(4)
  })

  test('of a file that was being made is no part of the log', async () => {
    await using directory = await newDirectory()
    await writeRecords(directory.path, jobsDeleted(3))
    await writeFile(join(directory.path, 'audit-2030-01-01-0001.ndjson.0.part'), 'half')

    await writeRecords(directory.path, jobsDeleted(1))

    expect(await expectWhole(directory.path)).toBe(4)
    expect((await readdir(directory.path)).filter((name) => name.endsWith('.part'))).toEqual([])
  })
})

describe('refuses to go on', () => {
  test('after a last event that was changed', async () => {
    await using directory = await newDirectory()
    await writeRecords(directory.path, jobsDeleted(3))
    const [file = ''] = await logFiles(directory.path)
    const path = join(directory.path, file)
    await writeFile(path, (await readFile(path, 'utf8')).replace(/client"(?!.*\n.)/, 'other"'))

    await expect(openLog(directory.path)).rejects.toMatchObject({ code: 'AUDIT_LOG_DAMAGED' })
  })

  test.each([
    ['its end is cut', async (path: string) => truncate(path, (await stat(path)).size >> 1)],
    ['its file is removed', (path: string) => rm(path)],
  ])('when %s under its hands', async (_, damage) => {
    await using directory = await newDirectory()
    await using log = await openLog(directory.path)
    for (const record of jobsDeleted(4)) await log.record(record)
    const [file = ''] = await logFiles(directory.path)

    await damage(join(directory.path, file))

    const [record] = jobsDeleted(1) as [AuditRecord]
    await expect(log.record(record)).rejects.toMatchObject({ code: 'AUDIT_LOG_DAMAGED' })
    await expect(log.record(record)).rejects.toMatchObject({ code: 'AUDIT_LOG_DAMAGED' })
  })

  test('once it is closed', async () => {
    await using directory = await newDirectory()
    const log = await openLog(directory.path)
    const [record] = jobsDeleted(1) as [AuditRecord]
    const last = log.record(record)

    await log[Symbol.asyncDispose]()

    await last
    await expect(log.record(record)).rejects.toMatchObject({ reason: 'CLOSED' })
    expect(await expectWhole(directory.path)).toBe(1)
  })

  test('while the lock is not to be had, and goes on when it is', async () => {
    await using directory = await newDirectory()
    const path = join(directory.path, 'audit.lock')
    const lock = await SqliteFileLock.open(path, { timeoutMs: 20 })
    await using log = await openLog(directory.path, { lock })
    await using other = await SqliteFileLock.open(path)
    const [first, second] = jobsDeleted(2) as [AuditRecord, AuditRecord]

    const release = await other.acquire()
    await expect(log.record(first)).rejects.toMatchObject({
      code: 'AUDIT_LOG_FAILED',
      reason: 'SQLITE_BUSY',
    })
    release()
    await log.record(second)

    expect(await expectWhole(directory.path)).toBe(1)
  })
})

describe('several processes', () => {
  test('append to the same log at once', async () => {
    await using directory = await newDirectory()
    const options = { directory: directory.path, count: 60, maxFileBytes: 20_000 }
    const [one, two] = [
      startChild({ ...options, name: 'one', atOnce: 1 }),
      startChild({ ...options, name: 'two', atOnce: 20 }),
    ]
    await using log = await openLog(directory.path, { maxFileBytes: 20_000 })
    const exits = [once(one, 'exit'), once(two, 'exit')]
    for (const child of [one, two]) child.stdout?.resume()

    for (const record of jobsDeleted(30)) await log.record(record)

    for (const exit of exits) expect(await exit).toEqual([0, null])
    expect(await expectWhole(directory.path)).toBe(150)
    const ids = new Set(idsOf(await events(directory.path)))
    expect(ids.size).toBe(150)
  })

  test('that are killed leave a log in which everything acknowledged is', async () => {
    await using directory = await newDirectory()
    const acknowledged: string[] = []
    for (const run of [1, 2, 3, 4]) {
      const child = startChild({
        ...{ directory: directory.path, name: `run-${run}`, atOnce: 50, maxFileBytes: 30_000 },
      })
      if (child.stdout === null) throw new Error('No output')
      const lines = createInterface({ input: child.stdout })
      const exited = once(child, 'exit')
      let seen = 0
      for await (const line of lines) {
        acknowledged.push(line)
        seen += 1
        if (seen === run * 40) child.kill('SIGKILL')
      }
      await exited
    }

    await (await openLog(directory.path))[Symbol.asyncDispose]()

    await expectWhole(directory.path)
    const ids = new Set(idsOf(await events(directory.path)))
    expect(acknowledged.length).toBeGreaterThanOrEqual(400)
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
  })

  test('can be verified while they write', async () => {
    await using directory = await newDirectory()
    await using lock = await SqliteFileLock.open(join(directory.path, 'audit.lock'))
    const child = startChild({ directory: directory.path, name: 'writer', count: 300, atOnce: 10 })
    if (child.stdout === null) throw new Error('No output')
    const exited = once(child, 'exit')
    const printed = text(child.stdout)

    while (child.exitCode === null) {
      expect((await verifyAuditLog(directory.path, { lock })).ok).toBe(true)
    }
    await exited

    expect((await printed).trimEnd().split('\n')).toHaveLength(300)
    expect(await expectWhole(directory.path)).toBe(300)
  })
})
