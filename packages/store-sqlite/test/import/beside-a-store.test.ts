import { importResources, SqliteResourceStore } from '@flatfhir/store-sqlite'
import { readExport } from '@flatfhir/testkit'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { importFixture, line } from './import-fixture.ts'

const COUNT = 12_000
const FILLER = `,"note":[{"text":"${'x'.repeat(900)}"}]`

function observations(round: number): string {
  const lines = Array.from({ length: COUNT }, (_, n) =>
    line(
      'Observation',
      `o${n}`,
      `,"subject":{"reference":"Patient/p${n % 50}"},"round":${round}${FILLER}`,
    ),
  )
  return `${lines.join('\n')}\n`
}

test('an open store writes, takes snapshots and exports while an import runs', async () => {
  const fixture = await importFixture()
  await fixture.write('o.ndjson', observations(1))
  await using store = await SqliteResourceStore.open({ directory: fixture.directory })
  const snapshotMs: number[] = []
  const written: string[] = []
  const state = { isImporting: true }
  const importing = fixture.run().finally(() => {
    state.isImporting = false
  })

  const seen: string[] = []
  let sinceMs: number | undefined
  for (let isLast = false; !isLast;) {
    isLast = !state.isImporting
    const id = `w${written.length}`
    const body = Buffer.from(line('Patient', id))
    const [result] = await store.write([{ kind: 'update', type: 'Patient', id, body }])
    expect(result?.state).toBe('created')
    written.push(`Patient/${id}`)
    const startedAt = performance.now()
    const snapshot = await store.takeSnapshot()
    snapshotMs.push(performance.now() - startedAt)
    const query = { level: 'system', ...(sinceMs !== undefined && { sinceMs }) } as const
    const exported = await readExport(store, query, { snapshot, maxPartitionBytes: 1e9 })
    seen.push(...exported.lines.map(({ name }) => name))
    sinceMs = snapshot.transactionTime.getTime()
  }
  const { summary } = await importing

  expect(summary.created).toBe(COUNT)
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toHaveLength(COUNT + written.length)
  // A transaction of an import is a few thousand resources; the machine may be busy with others.
  expect(Math.max(...snapshotMs)).toBeLessThan(5000)
})

test('an import that is aborted leaves the store in order, and the next one goes on', async () => {
  const fixture = await importFixture()
  await fixture.write('o.ndjson', observations(1))
  const controller = new AbortController()
  const { directory, folder } = fixture

  const importing = importResources({
    directory,
    paths: [folder],
    signal: controller.signal,
    onProgress: () => {
      controller.abort(new Error('enough'))
    },
  })

  await expect(importing).rejects.toThrow('enough')
  await using store = await SqliteResourceStore.open({ directory })
  const body = Buffer.from(line('Patient', 'after'))
  const written = await store.write([{ kind: 'update', type: 'Patient', id: 'after', body }])
  expect(written[0]?.state).toBe('created')
  const { summary } = await fixture.run()
  expect(summary.resources).toBe(COUNT)
  expect(summary.unchanged).toBeGreaterThan(0)
  expect((await fixture.contents()).byName.size).toBe(COUNT + 1)
})

test('an import that is aborted before it begins writes nothing', async () => {
  const fixture = await importFixture()
  await fixture.write('o.ndjson', line('Patient', 'p'))
  const { directory, folder } = fixture

  const importing = importResources({ directory, paths: [folder], signal: AbortSignal.abort() })

  await expect(importing).rejects.toThrow()
  expect((await fixture.contents()).lines).toEqual([])
})

test('an import that is killed again and again and begun anew ends as one that was not', async () => {
  const fixture = await importFixture()
  await fixture.write('o.ndjson', observations(1))
  const kills = Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 4)

  for (let kill = 0; kill < kills; kill += 1) {
    const child = startImport(fixture)
    // While the threads start, or once a transaction is done and the next begins.
    if (kill % 3 === 2) await once(child, 'spawn')
    else await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const { summary, problems } = await fixture.run()

  expect(problems).toEqual([])
  expect(summary.created + summary.unchanged).toBe(COUNT)
  const { lines, byName } = await fixture.contents()
  expect(lines).toHaveLength(COUNT)
  expect(byName.size).toBe(COUNT)
  expect(
    lines.every(({ resource }) => (resource['meta'] as { versionId: string }).versionId === '1'),
  ).toBe(true)
})

test('stores that are opened at once on a new directory, and an import, all come up', async () => {
  const fixture = await importFixture()
  await fixture.write('p.ndjson', line('Patient', 'p'))
  const { directory } = fixture

  const opening = [1, 2, 3].map(() => SqliteResourceStore.open({ directory }))
  const [{ summary }, ...stores] = await Promise.all([fixture.run(), ...opening])

  expect(summary.created).toBe(1)
  for (const store of stores) expect((await store.read('Patient', 'p')).state).toBe('found')
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
})

function startImport({ directory, folder }: { directory: string; folder: string }): ChildProcess {
  return fork(new URL('import-process.mjs', import.meta.url), [directory, folder], {
    execArgv: [],
    stdio: 'ignore',
  })
}
