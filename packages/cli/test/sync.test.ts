import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess, flatfhir } from './command-process.ts'
import { ask, SyncSource } from './sync-source.ts'

let source: SyncSource
let connection: string

beforeAll(async () => {
  source = await SyncSource.start(6)
  connection = await source.connect('ehr.toml', ['--system'])
})

afterAll(async () => {
  await source[Symbol.asyncDispose]()
})

const patient = (id: string, birthDate: string) =>
  ({ resourceType: 'Patient', id, birthDate }) as const

interface SyncJson {
  readonly result: string
  readonly cohorts: readonly {
    readonly cohort: string
    readonly result: string
    readonly error?: { readonly code: string }
    readonly runs: readonly {
      readonly kind: string
      readonly result: string
      readonly transactionTime: string
      readonly previousTransactionTime?: string
      readonly alarms: readonly { readonly code: string }[]
    }[]
  }[]
}

describe('one connection, run after run', () => {
  test('nothing is landed before the first run, and asking makes no database', async () => {
    const status = await inProcess(['sync', 'status', connection])
    const history = await inProcess(['sync', 'history', connection])

    expect(status).toMatchObject({ code: 0, out: `${connection}: nothing is landed yet\n` })
    expect(history).toMatchObject({ code: 0, out: 'there was no run yet\n' })
    expect((await inProcess(['query', source.at('ehr.duckdb'), 'SELECT 1'])).code).toBe(1)
  })

  test('the first run lands everything, and says so', async () => {
    const first = await flatfhir(['sync', 'run', connection])

    expect(first).toMatchObject({ code: 0 })
    expect(first.out).toMatch(/^system: full run \(the first run\), committed: [\d,]+ inserted, in/)
    expect(first.out).toMatch(/^ {2}export of everything: [\d,]+ resources in \d+ files/m)
    expect(first.out).toMatch(/^ {2}Patient +0 +6 +6 +0 +0 +0 +6$/m)
    expect(first.out).toMatch(/^ {2}watermark: none → \d{4}-/m)
    expect(await ask(source.at('ehr.duckdb'), 'SELECT count(*) AS n FROM patient')).toEqual([
      { n: 6 },
    ])
  })

  test('the next run lands what changed, and moves the watermark from where it was', async () => {
    await source.put(patient('sync-test', '1980-01-01'))
    await source.put(patient('sync-gone', '1980-01-02'))
    const before = await inProcess(['sync', 'run', connection, '--json'])
    await source.put(patient('sync-test', '1990-01-01'))
    await source.delete('Patient/sync-gone')

    const run = await inProcess(['sync', 'run', connection, '--json'])

    expect([before.code, run.code]).toEqual([0, 0])
    const [earlier] = (JSON.parse(before.out) as SyncJson).cohorts
    const [cohort] = (JSON.parse(run.out) as SyncJson).cohorts
    expect(cohort).toMatchObject({ cohort: 'system', result: 'committed' })
    expect(cohort?.runs).toMatchObject([
      {
        kind: 'incremental',
        result: 'committed',
        previousTransactionTime: earlier?.runs[0]?.transactionTime,
      },
    ])
    const sql = "SELECT id, birth_date FROM patient WHERE id LIKE 'sync-%'"
    expect(await ask(source.at('ehr.duckdb'), sql)).toEqual([
      { id: 'sync-test', birth_date: '1990-01-01' },
    ])
  })

  test('a full run compares everything, and finds that nothing has drifted', async () => {
    const full = await inProcess(['sync', 'run', connection, '--full'])

    expect(full.code).toBe(0)
    expect(full.out).toMatch(/^system: full run \(asked for\), committed: nothing changed/)
    expect(full.out).toMatch(/^ {2}reconciled: no drift in \d+ types$/m)
  })

  test('status and history tell of it, for people and as JSON', async () => {
    const status = await inProcess(['sync', 'status', connection])
    const history = await inProcess(['sync', 'history', connection])
    const latest = await inProcess(['sync', 'history', connection, '--limit', '1', '--json'])
    const machine = await inProcess(['sync', 'status', connection, '--json'])

    expect(status.out).toMatch(/^ {2}system: in step up to \d{4}-.* ago\)$/m)
    expect(status.out).toMatch(/^ {4}last run at .*: full run \(asked for\), committed/m)
    expect(status.out).toMatch(/^ {4}everything is compared again after \d{4}-/m)
    expect(history.out.trimEnd().split('\n')).toHaveLength(6)
    expect(history.out).toMatch(/system +incremental +committed/)
    expect(JSON.parse(latest.out)).toMatchObject([{ kind: 'full', cohort: 'system' }])
    expect(JSON.parse(machine.out)).toMatchObject([
      { connection, source: source.url, cohorts: [{ needsFullRun: false }] },
    ])
  })
})

test.concurrent(
  'an alarm stops the run before its commit with 3; accepted, it commits with 0',
  async ({ expect }) => {
    const ids = Array.from({ length: 40 }, (_, index) => `shrink-${index}`)
    for (const id of ids) {
      await source.put({ resourceType: 'Basic', id, code: { text: 'x' } })
    }
    const file = await source.connect('shrink.toml', ['--system', '--type', 'Basic'])
    expect((await inProcess(['sync', 'run', file])).code).toBe(0)
    for (const id of ids.slice(10)) await source.delete(`Basic/${id}`)
    const count = async (): Promise<unknown> =>
      ask(source.at('shrink.duckdb'), 'SELECT count(*) AS n FROM basic')

    const stopped = await flatfhir(['sync', 'run', file])

    expect(stopped.code).toBe(3)
    expect(stopped.err).toMatch(/^stopped: system, Basic: .*--accept SUSPICIOUS_SHRINK/m)
    expect(stopped.out).toContain('stopped by SUSPICIOUS_SHRINK')
    expect(stopped.out).toMatch(/watermark: \S+, not moved$/m)
    expect(await count()).toEqual([{ n: 40 }])

    const accepted = await inProcess(['sync', 'run', file, '--accept', 'SUSPICIOUS_SHRINK'])
    expect(accepted.code).toBe(0)
    expect(accepted.err).toMatch(/^warning: system, Basic: .*Accepted\./m)
    expect(await count()).toEqual([{ n: 10 }])
    const history = await inProcess(['sync', 'history', file])
    expect(history.out).toContain('SUSPICIOUS_SHRINK')
  },
)

test.concurrent(
  'a Group that fails does not keep the others from being synced, and the code is 1',
  async ({ expect }) => {
    const file = await source.connect('groups.toml', ['--group', 'no-such-group,ten-percent'])

    const run = await inProcess(['sync', 'run', file, '--json'])

    expect(run.code).toBe(1)
    const { result, cohorts } = JSON.parse(run.out) as SyncJson
    expect(result).toBe('failed')
    expect(cohorts).toMatchObject([
      { cohort: 'group/no-such-group', result: 'failed', error: { code: 'REQUEST_REJECTED' } },
      { cohort: 'group/ten-percent', result: 'committed', runs: [{ kind: 'full' }] },
    ])
    expect(run.err).toMatch(/^flatfhir: group\/no-such-group: .*404.*\[REQUEST_REJECTED\]$/m)
  },
)

test.concurrent('Ctrl-C leaves a run that the same command goes on with', async ({ expect }) => {
  await using slow = await SyncSource.start(1, ['--minimum-in-progress', '10m'])
  const file = await slow.connect('slow.toml', ['--patient', '--parquet', slow.at('lake')])
  await using running = new CommandProcess(['sync', 'run', file, '--json'])
  await running.written(/"event":"status-progress"/)

  running.kill('SIGINT')

  const { code, err, out } = await running.finished()
  expect(code).toBe(130)
  expect(err).toMatch(/^\{"event":"interrupted","resumable":true\}$/m)
  expect(out).toBe('')
  const status = await inProcess(['sync', 'status', file])
  expect(status.out).toMatch(/patient: never in step$/m)
  expect(status.out).toMatch(/a full run of \S+ is not finished/)
})

test.concurrent(
  'a provider that wants a login is told as such; a variable that is not set is too',
  async ({ expect }) => {
    await using smart = await SyncSource.start(1, ['--auth', 'smart'])
    const file = await smart.connect('smart.toml', ['--system'])
    const refused = await inProcess(['sync', 'run', file])
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(
        '[login]\n',
        '[login]\nclient-id = "me"\nclient-secret-variable = "NO_SUCH_VARIABLE"\n',
      ),
    )
    const unset = await inProcess(['sync', 'run', file])

    expect(refused).toMatchObject({ code: 1 })
    expect(refused.err).toContain('[LOGIN_NEEDED]')
    expect(unset).toMatchObject({ code: 1 })
    expect(unset.err).toContain('NO_SUCH_VARIABLE, which holds the secret, is not set')
  },
)

test.each([
  [['sync', 'run', 'nowhere.toml'], 'nowhere.toml: there is no such file'],
  [['sync', 'run'], 'FILE is missing'],
  [['sync', 'run', 'x', '--accept', 'ALL'], '--accept: expected one or several of EXPORT_INC'],
  [['sync', 'daemon', 'a', 'a'], 'A connection is named twice'],
  [['load', 'x'], 'Where to land is missing'],
  [['query', 'x', 'SELECT 1', '--csv', '--json'], '--csv and --json exclude each other'],
  [['query', 'x', '-'], 'There is no query on stdin'],
])('%j is a usage error', async (args, expected) => {
  const { code, err } = await inProcess(args)

  expect(code).toBe(2)
  expect(err).toContain(expected)
})
