import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConnection } from '../src/connection/read-connection.ts'
import { inProcess } from './buffer-io.ts'

let cwd: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'flatfhir-sync-init-'))
})

afterEach(async () => {
  await rm(cwd, { recursive: true })
})

const URL = 'https://ehr.example.org/fhir'

test('a new connection is one that the other commands take, and explains every key', async () => {
  const init = await inProcess(
    [
      ...['sync', 'init', 'etc.toml', '--url', URL, '--group', 'a,b', '--group', 'c'],
      ...['--type', 'Patient', '--client-id', 'me', '--key', 'keys/k.json'],
      ...['--parquet', 'lake', '--schedule', '@daily'],
    ],
    { cwd },
  )

  expect(init).toMatchObject({ code: 0, err: '' })
  expect(init.out).toBe('wrote etc.toml; look it through, then: flatfhir sync run etc.toml\n')
  expect(await readConnection('etc.toml', cwd)).toMatchObject({
    source: { url: URL },
    login: { clientId: 'me', key: join(cwd, 'keys', 'k.json') },
    data: { level: 'group', groups: ['a', 'b', 'c'], types: ['Patient'] },
    sinks: { duckdb: undefined, parquet: join(cwd, 'lake') },
    sync: { schedule: '@daily' },
  })
  const text = await readFile(join(cwd, 'etc.toml'), 'utf8')
  expect(text).toContain('# overlap = "1h"')
  expect(text).toContain('key = "keys/k.json"')
})

test('every commented key can be taken as it stands', async () => {
  await inProcess(['sync', 'init', 'x.toml', '--url', URL, '--system'], { cwd })
  const text = await readFile(join(cwd, 'x.toml'), 'utf8')
  const isKey = /^# ([a-z-]+ = )/gm
  const alternatives =
    /^# (groups|private-key-variable|client-secret-file|client-secret-variable) = /gm

  await writeFile(join(cwd, 'x.toml'), text.replace(alternatives, '## $1 =').replace(isKey, '$1'))

  const connection = await readConnection('x.toml', cwd)
  expect(connection).toMatchObject({
    source: { headers: ['Epic-Client-ID:my-client'] },
    login: { clientId: 'my-client', kid: 'key-2026' },
    sync: { timeZone: 'America/New_York', overlap: 3_600_000 },
    alarms: { shrink: 0.2 },
  })
})

test('without a sink it is a database beside the file; JSON where the name says so', async () => {
  const init = await inProcess(['sync', 'init', 'x.json', '--url', URL, '--patient', '--json'], {
    cwd,
  })

  expect(init.code).toBe(0)
  expect(JSON.parse(init.out)).toEqual({ connection: join(cwd, 'x.json'), level: 'patient' })
  expect(await readConnection('x.json', cwd)).toMatchObject({
    data: { level: 'patient' },
    sinks: { duckdb: join(cwd, 'x.duckdb') },
  })
})

test('a file that is there stays as it is', async () => {
  await writeFile(join(cwd, 'mine.toml'), 'mine')

  const init = await inProcess(['sync', 'init', 'mine.toml', '--url', URL, '--system'], { cwd })

  expect(init.code).toBe(2)
  expect(init.err).toBe(
    'flatfhir: mine.toml exists, and is not overwritten. Change it by hand, or name another file. [CONNECTION_EXISTS]\n',
  )
  expect(await readFile(join(cwd, 'mine.toml'), 'utf8')).toBe('mine')
})

test.each([
  [['--system', '--group', 'a'], '--system and --group exclude each other'],
  [[], 'What to keep in step is missing'],
  [['--patient', 'p1'], '--patient takes no ids here'],
  [['--system', '--client-id', 'me'], 'login.client-id: a login needs a key'],
  [['--system', '--schedule', 'now'], 'sync.schedule: is no cron expression'],
  [['--system', '--type', 'Patent'], 'is not a resource type'],
])('%j writes nothing', async (args, expected) => {
  const init = await inProcess(['sync', 'init', 'x.toml', '--url', URL, ...args], { cwd })

  expect(init.code).toBe(2)
  expect(init.err).toContain(expected)
  await expect(readFile(join(cwd, 'x.toml'))).rejects.toMatchObject({ code: 'ENOENT' })
})
