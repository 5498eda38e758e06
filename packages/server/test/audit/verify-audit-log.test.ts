import { verifyAuditLog, type AuditVerification } from '@flatfhir/server'
import fc from 'fast-check'
import { cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobsDeleted, logFiles, newDirectory, writeRecords } from './audit-fixture.ts'

const EVENTS = 40

let place: Awaited<ReturnType<typeof newDirectory>>
let original: string
let files: readonly string[]
let contents: readonly Buffer[]

beforeAll(async () => {
  place = await newDirectory()
  original = join(place.path, 'original')
  await writeRecords(original, jobsDeleted(EVENTS), { maxFileBytes: 10_000 })
  files = await logFiles(original)
  contents = await Promise.all(files.map((name) => readFile(join(original, name))))
})

afterAll(async () => {
  await place[Symbol.asyncDispose]()
})

/** Verifies a log of the same files with other contents. */
async function verifyChanged(changed: readonly Uint8Array[]): Promise<AuditVerification> {
  const directory = join(place.path, 'changed')
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory)
  for (const [n, content] of changed.entries()) {
    await writeFile(join(directory, files[n] ?? `audit-2099-01-01-000${n}.ndjson`), content)
  }
  return verifyAuditLog(directory)
}

function linesOf(content: Buffer): string[] {
  return content.toString('utf8').split(/(?<=\n)/)
}

test('a log that nobody touched is whole, and says where it ends', async () => {
  expect(files.length).toBeGreaterThan(2)

  expect(await verifyAuditLog(original)).toEqual({
    ok: true,
    events: EVENTS,
    files: files.length,
    head: { sequence: EVENTS, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  })
})

describe('finds', () => {
  const options = { numRuns: 120 }
  const file = fc.nat(1000).map((n) => n % files.length)

  test('every changed byte', async () => {
    await fc.assert(
      fc.asyncProperty(file, fc.nat(), fc.integer({ min: 1, max: 255 }), async (n, at, change) => {
        const changed = contents.map((content) => Buffer.from(content))
        const content = changed[n] ?? Buffer.alloc(0)
        const offset = at % content.length
        content.writeUInt8(content.readUInt8(offset) ^ change, offset)

        expect(await verifyChanged(changed)).toMatchObject({ ok: false, fault: { file: files[n] } })
      }),
      options,
    )
  })

  test('every removed and every inserted run of bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.nat(),
        fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.uint8Array({ minLength: 1 })),
        async (n, at, change) => {
          const content = contents[n] ?? Buffer.alloc(0)
          const offset = at % content.length
          const isEnd = n === files.length - 1 && typeof change === 'number'
          // The end of the newest file may be missing without a trace; see the anchor.
          fc.pre(!(isEnd && offset + change >= content.length))
          const changed = [...contents]
          changed[n] = Buffer.concat([
            content.subarray(0, offset),
            typeof change === 'number' ? content.subarray(offset + change) : change,
            ...(typeof change === 'number' ? [] : [content.subarray(offset)]),
          ])
          fc.pre(!changed[n].equals(content))

          expect((await verifyChanged(changed)).ok).toBe(false)
        },
      ),
      options,
    )
  })

  test('removed, repeated and reordered lines', async () => {
    const lines = contents.flatMap(linesOf)
    const join = (changed: readonly string[]): readonly Uint8Array[] => [
      Buffer.from(changed.join('')),
    ]
    const at = fc.nat(EVENTS - 1)
    await fc.assert(
      fc.asyncProperty(at, at, async (one, other) => {
        const [a = '', b = ''] = [lines[one], lines[other]]
        const results = [await verifyChanged(join(lines.toSpliced(other, 0, a)))]
        if (one < EVENTS - 1) results.push(await verifyChanged(join(lines.toSpliced(one, 1))))
        if (one !== other) {
          results.push(await verifyChanged(join(lines.with(one, b).with(other, a))))
        }

        for (const result of results) expect(result.ok).toBe(false)
      }),
      { numRuns: 50 },
    )
    expect((await verifyChanged(join(lines))).ok).toBe(true)
  })

  test('removed, swapped, copied and emptied files', async () => {
    for (let n = 0; n < files.length - 1; n += 1) {
      expect((await verifyChanged(contents.toSpliced(n, 1))).ok).toBe(false)
      const [one = Buffer.alloc(0), two = Buffer.alloc(0)] = contents.slice(n)
      expect((await verifyChanged(contents.with(n, two).with(n + 1, one))).ok).toBe(false)
      expect((await verifyChanged(contents.toSpliced(n, 0, one))).ok).toBe(false)
      expect(await verifyChanged(contents.with(n, Buffer.alloc(0)))).toMatchObject({
        fault: { kind: 'empty-file', file: files[n], line: 0 },
      })
    }
  })

  test('files that are none of the log', async () => {
    const directory = join(place.path, 'stranger')
    await cp(original, directory, { recursive: true })
    await writeFile(join(directory, 'audit-2026-1-1-1.ndjson'), '')

    expect(await verifyAuditLog(directory)).toMatchObject({
      fault: { kind: 'unexpected-file', file: 'audit-2026-1-1-1.ndjson' },
    })
  })

  test('a line that is longer than any event, without taking it into memory', async () => {
    const endless = Buffer.alloc(8 * 1024 * 1024, 'x')

    expect(await verifyChanged([...contents.slice(0, -1), endless])).toMatchObject({
      fault: { kind: 'malformed-line', line: 1 },
    })
  })

  test('the file and the line', async () => {
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = contents
    const lines = linesOf(second)
    const changed = lines.with(2, (lines[2] ?? '').replace('"client"', '"cl1ent"'))

    const result = await verifyChanged([first, Buffer.from(changed.join(''))])

    expect(result).toEqual({
      ok: false,
      fault: { kind: 'changed-line', file: files[1], line: 3 },
    })
  })
})

describe('an event that is known from elsewhere', () => {
  test('shows that the end of the log was cut', async () => {
    const whole = await verifyAuditLog(original)
    if (!whole.ok || whole.head === undefined) throw new Error('Not whole')
    const directory = join(place.path, 'cut')
    await cp(original, directory, { recursive: true })
    const [last = '', content = Buffer.alloc(0)] = [files.at(-1), contents.at(-1)]
    const lastLine =
      linesOf(content)
        .filter((line) => line !== '')
        .at(-1) ?? ''
    await truncate(join(directory, last), content.length - lastLine.length)

    // Without it, the log looks like a younger one: this is the limit of a chain.
    expect(await verifyAuditLog(directory)).toMatchObject({ ok: true, events: EVENTS - 1 })
    expect(await verifyAuditLog(directory, { anchor: whole.head })).toEqual({
      ok: false,
      fault: { kind: 'anchor-missing', file: last, line: 0 },
    })
    expect((await verifyAuditLog(original, { anchor: whole.head })).ok).toBe(true)
  })

  test('shows that the log was written anew', async () => {
    const directory = join(place.path, 'forged')
    await writeRecords(directory, jobsDeleted(EVENTS, 1), { maxFileBytes: 10_000 })
    const whole = await verifyAuditLog(original)
    if (!whole.ok || whole.head === undefined) throw new Error('Not whole')

    expect(await verifyAuditLog(directory, { anchor: whole.head })).toMatchObject({
      fault: { kind: 'anchor-differs' },
    })
  })

  test('lets older files be archived', async () => {
    const archive = join(place.path, 'archive')
    const rest = join(place.path, 'rest')
    await cp(original, rest, { recursive: true })
    await mkdir(archive)
    await rename(join(rest, files[0] ?? ''), join(archive, files[0] ?? ''))

    const archived = await verifyAuditLog(archive)
    if (!archived.ok || archived.head === undefined) throw new Error('Not whole')
    const result = await verifyAuditLog(rest, { start: archived.head })

    expect(result).toMatchObject({ ok: true, events: EVENTS - archived.events })
    expect((await verifyAuditLog(rest)).ok).toBe(false)
  })
})

test('says what cannot be read', async () => {
  await expect(verifyAuditLog(join(place.path, 'missing'))).rejects.toMatchObject({
    code: 'AUDIT_LOG_FAILED',
    reason: 'ENOENT',
  })
})
