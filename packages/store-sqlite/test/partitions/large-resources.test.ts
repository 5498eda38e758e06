import { SqliteResourceStore } from '@flatfhir/store-sqlite'
import { openReader } from '@flatfhir/testkit'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'

const MIB = 1024 * 1024

function operation(
  id: string,
  bytes: number,
): { kind: 'update'; type: 'Basic'; id: string; body: Uint8Array } {
  const body = Buffer.from(`{"resourceType":"Basic","id":"${id}","a":"${'x'.repeat(bytes)}"}`)
  return { kind: 'update', type: 'Basic', id, body }
}

test('blocks stay small beside a resource of 20 MiB, which is exported whole', async () => {
  await using store = await SqliteResourceStore.open({ directory: await temporaryDirectory() })
  const small = Array.from({ length: 2000 }, (_, n) => operation(`s${n}`, 500 + (n % 7) * 100))
  const middle = Array.from({ length: 60 }, (_, n) => operation(`m${n}`, 60_000))
  const large = operation('large', 20 * MIB)
  const results = await store.write([...small.slice(0, 900), large, ...middle, ...small.slice(900)])
  const stored = results[900]
  const snapshot = await store.takeSnapshot()
  const query = { level: 'system' } as const
  const partitions = await store.planExport(query, snapshot, { maxPartitionBytes: MIB })
  await using reader = await openReader(store)

  const sizes: number[] = []
  let resourceCount = 0
  let largeDigest = ''
  for (const partition of partitions) {
    for await (const block of reader.read({ query, snapshot, partition })) {
      resourceCount += block.resourceCount
      if (block.bytes.length > 20 * MIB) {
        expect(block.resourceCount).toBe(1)
        largeDigest = createHash('sha256').update(block.bytes.subarray(0, -1)).digest('hex')
      } else {
        sizes.push(block.bytes.length)
      }
    }
  }

  expect(resourceCount).toBe(2061)
  expect(Math.max(...sizes)).toBeLessThan(8 * MIB)
  expect(stored !== undefined && 'resource' in stored && digest(stored.resource.body)).toBe(
    largeDigest,
  )
})

test('a plan cuts a type into partitions by its bytes', async () => {
  await using store = await SqliteResourceStore.open({ directory: await temporaryDirectory() })
  const resources = Array.from({ length: 10_000 }, (_, n) => operation(`s${n}`, 100))
  await store.write(resources)
  const snapshot = await store.takeSnapshot()

  const plan = (maxPartitionBytes: number): ReturnType<typeof store.planExport> =>
    store.planExport({ level: 'system' }, snapshot, { maxPartitionBytes })

  expect(await plan(100 * MIB)).toHaveLength(1)
  const cut = await plan(MIB / 2)
  expect(cut.length).toBeGreaterThan(1)
  expect(await plan(MIB / 2)).toEqual(cut)
  expect(JSON.parse(JSON.stringify(cut))).toEqual(cut)
})

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
