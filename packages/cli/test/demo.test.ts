import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { CommandProcess, flatfhir } from './command-process.ts'
import { ask } from './sync-source.ts'

interface Temporary extends AsyncDisposable {
  readonly path: string
}

async function temporaryDirectory(): Promise<Temporary> {
  const path = await mkdtemp(join(tmpdir(), 'flatfhir-demo-test-'))
  return { path, [Symbol.asyncDispose]: async () => rm(path, { recursive: true }) }
}

// Much of a demo is waiting for its own server.
test.concurrent(
  'the demo exports at every level, checks its delta, and leaves nothing behind',
  async ({ expect }) => {
    await using directory = await temporaryDirectory()
    const { path: temporary } = directory
    const demo = await flatfhir(['demo', '--patients', '5', '--quiet'], {
      env: { TMPDIR: temporary },
    })

    expect(demo.code).toBe(0)
    for (const level of ['system', 'patient', 'group']) {
      expect(demo.out).toMatch(
        new RegExp(`^ {2}${level} .*every line, count, size and SHA-256$`, 'm'),
      )
    }
    expect(demo.out).toMatch(/updated \(1 Group, 5 Observation, \d Patient\), 4 deleted \(/)
    expect(demo.out).toContain('exactly what was changed')
    expect(demo.out).toMatch(/^ {2}login +without a token refused \(401\); logged in by SMART/m)
    expect(demo.out).toMatch(/^ {2}first sync +[\d,]+ resources of 1 patient into DuckDB, as of /m)
    expect(demo.out).toMatch(/^ {2}next sync +1 joined \([\d,]+ rows\), 1 left \([\d,]+ rows\), /m)
    expect(demo.out).toMatch(/^ {2}reconcile +everything exported and compared: /m)
    expect(demo.out).toMatch(/^ {4}display +patients +active$/m)
    expect(demo.out).toMatch(/^Everything checked in .*, with SMART on: /m)
    expect(demo.err).toBe('')
    expect(await readdir(temporary)).toEqual([])
  },
)

test.concurrent(
  'with --keep the server goes on until Ctrl-C, the files stay, and all is JSON if asked',
  async ({ expect }) => {
    await using directory = await temporaryDirectory()
    const { path: temporary } = directory
    await using demo = new CommandProcess(
      ['demo', '--patients', '2', '--keep', '--json', '--data', join(temporary, 'kept')],
      {},
    )
    const [text] = await demo.written(/^\{"population".*\}$/m)
    const result = JSON.parse(text) as {
      fhirBaseUrl: string
      delta: { resources: number; deleted: number }
      changes: { updated: number; deleted: number }
      exports: readonly { verdict: string }[]
      sync: {
        duckdb: string
        connection: string
        first: { kind: string; inserted: number }
        next: { kind: string }
        reconciled: { kind: string; inserted: number; updated: number }
      }
    }
    expect(result.delta).toEqual({
      resources: result.changes.updated,
      deleted: result.changes.deleted,
    })
    expect(result.exports.map(({ verdict }) => verdict)).toEqual([
      'complete',
      'complete',
      'complete',
    ])
    expect((await fetch(`${result.fhirBaseUrl}/metadata`)).status).toBe(200)

    expect(result.sync).toMatchObject({
      duckdb: join(temporary, 'kept', 'warehouse.duckdb'),
      first: { kind: 'full' },
      next: { kind: 'incremental' },
      reconciled: { kind: 'full', inserted: 0, updated: 0 },
    })
    const again = await flatfhir(['sync', 'run', result.sync.connection, '--json'])
    expect(again.code).toBe(0)
    expect(await ask(result.sync.duckdb, 'SELECT count(*) AS n FROM sync.runs')).toEqual([{ n: 4 }])

    demo.kill('SIGINT')

    expect((await demo.finished()).code).toBe(0)
    expect(existsSync(join(temporary, 'kept', 'exports', 'system', 'Patient.000.ndjson'))).toBe(
      true,
    )
  },
)

test.concurrent('Ctrl-C in the middle stops it, and leaves nothing behind', async ({ expect }) => {
  await using directory = await temporaryDirectory()
  const { path: temporary } = directory
  await using demo = new CommandProcess(['demo', '--patients', '20'], {
    env: { TMPDIR: temporary },
  })
  await demo.written(/server {2}/)

  demo.kill('SIGINT')

  expect((await demo.finished()).code).toBe(130)
  expect(await readdir(temporary)).toEqual([])
})

test.concurrent(
  'a reader that goes away ends it, and leaves nothing behind',
  async ({ expect }) => {
    await using directory = await temporaryDirectory()
    const { path: temporary } = directory
    await using demo = new CommandProcess(['demo', '--patients', '5'], {
      env: { TMPDIR: temporary },
    })
    await demo.written(/flatfhir demo/)

    demo.stopReading()

    expect((await demo.finished()).code).toBe(143)
    expect(await readdir(temporary)).toEqual([])
  },
)

test.concurrent('the demo does not touch a directory that holds something', async ({ expect }) => {
  await using directory = await temporaryDirectory()
  const { path: temporary } = directory
  await writeFile(join(temporary, 'mine'), '')

  const demo = await flatfhir(['demo', '--patients', '1', '--data', temporary])

  expect(demo.code).toBe(2)
  expect(demo.err).toContain('is not empty')
})
