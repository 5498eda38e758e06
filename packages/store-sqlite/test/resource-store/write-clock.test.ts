import { readResourceText } from '@flatfhir/protocol'
import fc from 'fast-check'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { migrate, openDatabase } from '../../src/database.ts'
import { typeCode } from '../../src/resource-store/keys.ts'
import { indexResource } from '../../src/resource-store/resource-index.ts'
import { ResourceWriter } from '../../src/resource-store/resource-writer.ts'
import { RESOURCE_MIGRATIONS } from '../../src/resource-store/schema.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const PATIENT = typeCode('Patient')
const NOON = Date.UTC(2026, 0, 1, 12)

/** Two writers on two connections, with one clock that the test sets. */
async function twoWriters(): Promise<{
  clock: { now: number }
  writers: readonly [ResourceWriter, ResourceWriter]
  close: () => void
}> {
  const path = join(await temporaryDirectory(), 'resources.sqlite')
  const clock = { now: NOON }
  const databases = [openDatabase(path), openDatabase(path)] as const
  migrate(databases[0], RESOURCE_MIGRATIONS)
  const [first, second] = databases.map((database) => new ResourceWriter(database, () => clock.now))
  if (first === undefined || second === undefined) throw new TypeError('Two databases make two')
  const close = (): void => {
    for (const database of databases) database.close()
  }
  return { clock, writers: [first, second], close }
}

let number = 0

/** Writes a new Patient and returns its instant. */
function write(writer: ResourceWriter): number {
  number += 1
  const text = Buffer.from(`{"resourceType":"Patient","id":"p${number}"}`)
  const resource = indexResource(readResourceText(text), `p${number}`)
  writer.transaction(() => writer.put(resource))
  const row = writer.current(PATIENT, resource.id)
  if (row === undefined) throw new TypeError('The writer wrote nothing')
  return writer.writtenAt(row).getTime()
}

test('a write in the millisecond of a snapshot is stamped later than it', async () => {
  const { writers, close } = await twoWriters()

  expect(write(writers[0])).toBe(NOON)
  expect(writers[0].takeSnapshot().transactionTime.getTime()).toBe(NOON)
  expect(write(writers[1])).toBe(NOON + 1)
  close()
})

test('writes and snapshots never go back with the machine’s clock', async () => {
  const { clock, writers, close } = await twoWriters()
  const written = write(writers[0])
  clock.now -= 60_000

  const { transactionTime } = writers[1].takeSnapshot()

  expect(transactionTime.getTime()).toBe(written)
  expect(write(writers[1])).toBe(written + 1)
  close()
})

test('a snapshot parts the writes before it from those after it, whatever the clock does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          step: fc.integer({ min: -5, max: 5 }),
          writer: fc.constantFrom(0, 1),
          isSnapshot: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      async (steps) => {
        const { clock, writers, close } = await twoWriters()
        let lastWrite = 0
        let lastSnapshot = 0
        for (const { step, writer, isSnapshot } of steps) {
          clock.now += step
          if (isSnapshot) {
            lastSnapshot = writers[writer].takeSnapshot().transactionTime.getTime()
            expect(lastSnapshot).toBeGreaterThanOrEqual(lastWrite)
          } else {
            const written = write(writers[writer])
            expect(written).toBeGreaterThan(lastSnapshot)
            expect(written).toBeGreaterThanOrEqual(lastWrite)
            lastWrite = written
          }
        }
        close()
      },
    ),
    { numRuns: Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 15) },
  )
})

test('a transaction that fails leaves nothing, and the next one counts on from before it', async () => {
  const { writers, close } = await twoWriters()
  const [writer] = writers
  write(writer)
  const before = writer.takeSnapshot()
  const text = Buffer.from(
    '{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/x"}}',
  )
  const resource = indexResource(readResourceText(text), 'o')

  expect(() =>
    writer.transaction(() => {
      writer.put(resource)
      throw new RangeError('on purpose')
    }),
  ).toThrow('on purpose')

  expect(writer.current(typeCode('Observation'), 'o')).toBeUndefined()
  expect(writer.takeSnapshot().position).toBe(before.position)
  writer.transaction(() => writer.put(resource))
  expect(writer.current(typeCode('Observation'), 'o')?.version).toBe(1)
  close()
})
