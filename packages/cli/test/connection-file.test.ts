import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONNECTION_TABLES } from '../src/connection/connection-keys.ts'
import { connectionJson, connectionToml } from '../src/connection/connection-text.ts'
import type { Connection } from '../src/connection/connection.ts'
import { ConnectionInvalidError } from '../src/connection/errors.ts'
import { nearestWord } from '../src/connection/nearest-word.ts'
import { parseConnection, readConnection } from '../src/connection/read-connection.ts'

const MINIMAL = `
[source]
url = "https://ehr.example.org/fhir"
[data]
level = "system"
[sinks]
duckdb = "w.duckdb"
`

function parse(text: string, name = 'etc/ehr.toml'): Connection {
  return parseConnection(text, { name, cwd: '/srv' })
}

function faultOf(text: string, name?: string): ConnectionInvalidError {
  try {
    parse(text, name)
  } catch (error) {
    if (error instanceof ConnectionInvalidError) return error
    throw error
  }
  throw new Error('the file was taken')
}

describe('a connection file', () => {
  test('has a default for everything but url, level and a sink', () => {
    expect(parse(MINIMAL)).toMatchObject({
      path: '/srv/etc/ehr.toml',
      name: 'etc/ehr.toml',
      source: { url: 'https://ehr.example.org/fhir', vendor: 'auto', edition: 'auto' },
      data: { level: 'system', groups: undefined, types: undefined },
      sinks: { duckdb: '/srv/etc/w.duckdb', parquet: undefined },
      sync: { schedule: undefined, overlap: 3_600_000, reconcile: 28 * 86_400_000 },
      alarms: { sinceIgnored: 0.2, shrink: 0.2 },
      workDirectory: '/srv/etc/ehr.toml.sync',
    })
  })

  test('says everything, in TOML and in JSON', () => {
    const tables = {
      source: {
        url: 'http://127.0.0.1:1/fhir',
        vendor: 'epic',
        edition: 'stu2',
        headers: { 'Epic-Client-ID': 'me' },
      },
      login: { clientId: 'me', key: '../keys/k.json', kid: 'k1', scope: 'system/*.rs' },
      data: {
        level: 'group',
        groups: ['a', 'b'],
        types: ['Patient', 'Observation'],
        typeFilters: ['Observation?code=a,b'],
      },
      sinks: { duckdb: '/var/w.duckdb', parquet: 'lake' },
      sync: {
        schedule: '*/5 * * * *',
        timeZone: 'Europe/Berlin',
        overlap: '90m',
        reconcile: 'never',
        workDirectory: 'work',
      },
      alarms: { sinceIgnored: '5%', shrink: 12.5 },
    }

    const fromToml = parse(connectionToml(tables))

    expect(fromToml).toMatchObject({
      source: { vendor: 'epic', edition: 'stu2', headers: ['Epic-Client-ID:me'] },
      login: { clientId: 'me', key: '/srv/keys/k.json', kid: 'k1', scope: 'system/*.rs' },
      data: { groups: ['a', 'b'], typeFilters: ['Observation?code=a,b'] },
      sinks: { duckdb: '/var/w.duckdb', parquet: '/srv/etc/lake' },
      sync: { schedule: '*/5 * * * *', overlap: 5_400_000, reconcile: 'never' },
      alarms: { sinceIgnored: 0.05, shrink: 0.125 },
      workDirectory: '/srv/etc/work',
    })
    expect(parse(connectionJson(tables), 'etc/ehr.json')).toEqual({
      ...fromToml,
      path: '/srv/etc/ehr.json',
      name: 'etc/ehr.json',
    })
  })

  test.each([
    ['[source]\nurl = 1', 'etc/ehr.toml:2: source.url: expected a text'],
    [`${MINIMAL}[sync]\nschedul = "@daily"`, 'ehr.toml:9: sync.schedul: there is no such key'],
    [`url = "x"\n${MINIMAL}`, 'etc/ehr.toml:1: url: there is no such key'],
    [
      `${MINIMAL}[sync]\n\noverlap = "1"`,
      'ehr.toml:10: sync.overlap: expected a duration from 0 to',
    ],
    [`${MINIMAL}[sync]\nschedule = "99 * * * *"`, 'ehr.toml:9: sync.schedule: is no cron'],
    [`${MINIMAL}[sync]\nschedule = "0 0 31 2 *"`, 'sync.schedule: is no cron'],
    [`${MINIMAL}[sync]\ntime-zone = "Mars/Base"`, 'sync.time-zone: there is no such time zone'],
    [`${MINIMAL}[alarms]\nshrink = "120%"`, 'alarms.shrink: expected a share in percent'],
    [`${MINIMAL}[login]\nclient-id = "me"`, 'ehr.toml:9: login.client-id: a login needs a key'],
    [`${MINIMAL}[login]\nkey = "k"`, 'ehr.toml:9: login.key: a login needs a client id'],
    [
      `${MINIMAL}[login]\nclient-id = "me"\nkey = "k"\nclient-secret-file = "s"`,
      'ehr.toml:11: login.client-secret-file: does not go with key',
    ],
    [MINIMAL.replace('"system"', '"everything"'), 'data.level: expected one of system, patient'],
    [MINIMAL.replace('"system"', '"group"'), 'ehr.toml:4: data.groups: the level group needs ids'],
    [MINIMAL.replace('"system"', '"group"\ngroups = ["a/b"]'), 'ehr.toml:6: data.groups: one of'],
    [MINIMAL.replace('"system"', '"system"\ngroups = ["a"]'), 'do not go with the level system'],
    [MINIMAL.replace('"system"', '"system"\ntypes = ["Patent"]'), 'types: the first is not a res'],
    [MINIMAL.replace('"system"', '"system"\ntype-filters = ["x"]'), 'filters: the first is no se'],
    [MINIMAL.replace('duckdb = "w.duckdb"', ''), 'ehr.toml:6: sinks: it is not said where to land'],
    [MINIMAL.replace('https:', 'ftp:'), 'ehr.toml:3: source.url: expected an http or https URL'],
    [MINIMAL.replace('//ehr', '//me:pw@ehr'), 'source.url: it holds a user name or password'],
    [`${MINIMAL}[source.headers]\nAuthorization = "Bearer x"`, 'source.headers: Authorization'],
    ['[source]\nurl = = 1', 'etc/ehr.toml:2: is not TOML'],
    ['{\n"source": {\n"url": x\n}}', 'etc/ehr.toml:3: is not JSON'],
    ['{\n"source": {\n"url": "x",\n}}', 'etc/ehr.toml:4: is not JSON'],
    ['{\n"source": {\n"url": "http://x/",\n"urls": ""}}', 'toml:4: source.urls: there is no such'],
  ])('%j is refused by file, line and key', (text, expected) => {
    expect(faultOf(text).message).toContain(expected)
  })

  test.each([
    [`${MINIMAL}[sync]\nschedul = "x"`, 'Did you mean sync.schedule?'],
    [`${MINIMAL}[sync]\nworkdirectory = "x"`, 'Did you mean sync.work-directory?'],
    [`${MINIMAL}[snc]\nx = 1`, 'Did you mean [sync]?'],
    ['url = "x"', 'It belongs in the table [source].'],
    [`${MINIMAL}[sync]\ntypes = []`, 'It belongs in the table [data].'],
    ['leval = "system"', 'Did you mean data.level?'],
    [
      `${MINIMAL}[alarms]\nqqqqqqqq = 1`,
      'Keys of [alarms] are since-ignored, shrink, shrink-rows.',
    ],
    ['zzzzzzzzzzzz = 1', 'Tables are source, login, data, sinks, sync, alarms.'],
  ])('%j is answered with the key that was meant', (text, expected) => {
    expect(faultOf(text).nextStep).toBe(expected)
  })

  test.each(['client-secret', 'private-key', 'password', 'token'])(
    'holds no secrets: %s is refused without being repeated',
    (key) => {
      const error = faultOf(`${MINIMAL}[login]\n${key} = "hunter2"`)

      expect(error.message).toContain(`login.${key}: a connection file holds no secrets`)
      expect(error.nextStep).toContain('login.client-secret-file')
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2')
    },
  )

  test('never repeats a value, whatever is wrong with it', () => {
    const places = Object.entries(CONNECTION_TABLES).flatMap(([table, { keys }]) =>
      Object.keys(keys).map((key) => [table, key] as const),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.oneof(fc.stringMatching(/^[a-z0-9 ]{6,20}$/), fc.integer(), fc.boolean()),
        ([table, key], value) => {
          const secret = `zq${String(value)}zq`
          const tables = { [table]: { [key]: typeof value === 'string' ? secret : [[value]] } }
          try {
            parse(connectionToml(tables))
          } catch (error) {
            expect(error).toBeInstanceOf(ConnectionInvalidError)
            expect(String(error)).not.toContain(secret)
          }
        },
      ),
    )
  })

  test('that is not there is answered with how to make one', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'flatfhir-connection-'))

    await expect(readConnection('ehr.toml', cwd)).rejects.toMatchObject({
      message: 'ehr.toml: there is no such file',
      nextStep: 'Make it: flatfhir sync init ehr.toml --url URL --system',
    })
    await writeFile(join(cwd, 'ehr.toml'), `\uFEFF${MINIMAL}`)
    expect((await readConnection('ehr.toml', cwd)).sinks.duckdb).toBe(join(cwd, 'w.duckdb'))
    await rm(cwd, { recursive: true })
  })
})

test('the nearest word is one that could have been meant', () => {
  const words = ['types', 'type-filters', 'groups']

  expect(nearestWord('type', words)).toBe('types')
  expect(nearestWord('typefilter', words)).toBe('type-filters')
  expect(nearestWord('GROUPS', words)).toBe('groups')
  expect(nearestWord('nonsense', words)).toBeUndefined()
  expect(nearestWord('x', [])).toBeUndefined()
})
