import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMisbehavingProvider, type MisbehavingProvider } from '@flatfhir/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../src/run-cli.ts'
import { bufferIo } from './buffer-io.ts'

let directory: string
let provider: MisbehavingProvider
let exports = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-requests-'))
  provider = await startMisbehavingProvider()
})

afterAll(async () => {
  await provider.close()
  await rm(directory, { recursive: true })
})

interface Sent {
  readonly code: number
  readonly err: string
  readonly kickOff: MisbehavingProvider['requests'][number] | undefined
}

/** Runs an export into a new directory. */
async function send(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const before = provider.requests.length
  const io = bufferIo({ env, cwd: directory })
  exports += 1
  const out = join(directory, `out-${exports}`)
  const code = await runCli(['export', provider.url, '--out', out, '--quiet', ...args], io)
  const kickOff = provider.requests.slice(before).find(({ path }) => path.includes('$export'))
  return { code, err: io.err(), kickOff }
}

function queryOf({ kickOff }: Sent): readonly (readonly [string, string])[] {
  return [...new URL(kickOff?.path ?? '', provider.origin).searchParams]
}

interface Parameters {
  readonly parameter?: readonly Readonly<Record<string, unknown>>[]
}

function bodyOf({ kickOff }: Sent): Parameters['parameter'] {
  return (JSON.parse(kickOff?.body ?? '{}') as Parameters).parameter
}

const SINCE = '2026-01-31T08:00:00.000Z'

describe('every kick-off parameter is a flag, by the name of the IG as well', () => {
  test.each([
    [['--type', 'Patient,Condition'], [['_type', 'Patient,Condition']]],
    [['--_type', 'Patient', '--type', 'Device'], [['_type', 'Device,Patient']]],
    [['--since', SINCE], [['_since', SINCE]]],
    [
      ['--_since', SINCE, '--_until', SINCE],
      [
        ['_since', SINCE],
        ['_until', SINCE],
      ],
    ],
    [['--elements', 'id,Patient.birthDate'], [['_elements', 'id,Patient.birthDate']]],
    [['--_elements', 'id'], [['_elements', 'id']]],
    [
      ['--type-filter', 'Observation?code=1,2', '--_typeFilter', 'Patient?active=true'],
      [
        ['_typeFilter', 'Observation?code=1,2'],
        ['_typeFilter', 'Patient?active=true'],
      ],
    ],
    [
      ['--includeAssociatedData', 'A', '--include-associated-data', 'B'],
      [['includeAssociatedData', 'A,B']],
    ],
    [['--organizeOutputBy', 'Patient'], [['organizeOutputBy', 'Patient']]],
    [['--allowPartialManifests'], [['allowPartialManifests', 'true']]],
    [['--_outputFormat', 'ndjson'], [['_outputFormat', 'ndjson']]],
    [['--param', '_tag=a=b', '--param', '_tag=c'], [['_tag', 'a=b,c']]],
  ])('%j', async (args, expected) => {
    const sent = await send(['--system', ...args])

    expect(sent).toMatchObject({ code: 0, err: '' })
    expect(sent.kickOff?.path).toMatch(/^\/fhir\/\$export\?/)
    expect(queryOf(sent)).toEqual(expected)
  })

  test('of variables, those with commas take one value in each line', async () => {
    const sent = await send(['--system'], {
      FLATFHIR_TYPE_FILTER: 'Observation?code=1,2\nPatient?active=true\n',
      FLATFHIR_TYPE: 'Patient,Observation',
    })

    expect(sent.err).toContain('FLATFHIR_TYPE_FILTER')
    const clean = await send(['--system'], {
      FLATFHIR_TYPE_FILTER: 'Observation?code=1,2\nPatient?active=true',
    })
    expect(queryOf(clean)).toHaveLength(2)
  })
})

describe('--patient', () => {
  test('alone is the level', async () => {
    const sent = await send(['--patient'])

    expect(sent.kickOff).toMatchObject({ method: 'GET', path: '/fhir/Patient/$export' })
  })

  test('with ids, also from a file, is the parameter too, by POST, and also for a Group', async () => {
    const file = join(directory, 'ids.txt')
    await writeFile(file, 'c\r\n\nPatient/d\na\n')
    const args = ['--patient', 'a,b', '--patient', `@${file}`]

    const all = await send(args)
    const ofGroup = await send([...args, '--group', 'g1'])

    const references = ['Patient/a', 'Patient/b', 'Patient/c', 'Patient/d']
    const expected = references.map((reference) => ({
      name: 'patient',
      valueReference: { reference },
    }))
    expect(all.kickOff).toMatchObject({ method: 'POST', path: '/fhir/Patient/$export' })
    expect(bodyOf(all)).toEqual(expected)
    expect(ofGroup.kickOff).toMatchObject({ method: 'POST', path: '/fhir/Group/g1/$export' })
    expect(bodyOf(ofGroup)).toEqual(expected)
  })

  test('in a config file is relative to that file', async () => {
    const config = join(directory, 'config.json')
    await writeFile(join(directory, 'listed.txt'), 'x1\n')
    await writeFile(config, JSON.stringify({ export: { patient: ['@listed.txt', 'x2'] } }))

    const sent = await send(['--config', config])

    expect(bodyOf(sent)).toHaveLength(2)
  })

  test.each([
    [['--patient', 'a', '--patient'], '--patient: expected no value'],
    [['--patient', 'http://x/fhir'], 'write the URL before the flag'],
    [['--patient', 'secret id'], 'one of the values is not an id'],
    [['--patient', '@nowhere.txt'], 'nowhere.txt: the ids of patients cannot be read'],
    [['--patient', '@bad.txt'], 'bad.txt: line 2 is not the id of a patient'],
    [['--patient', '@empty.txt'], 'empty.txt: there is no id of a patient in it'],
    [['--patient', 'a', '--system'], 'Ids of patients do not go with --system'],
    [['--patient', '--group', 'g'], 'exclude each other'],
    [['--patient', 'a', '--method', 'GET'], 'list of patients'],
  ])('%j is a usage error that repeats no id', async (args, expected) => {
    await writeFile(join(directory, 'bad.txt'), 'a\nsecret id\n')
    await writeFile(join(directory, 'empty.txt'), '\n')
    const inDirectory = args.map((arg) => arg.replace(/^@/, `@${directory}/`))

    const sent = await send(inDirectory)

    expect(sent.code).toBe(2)
    expect(sent.err).toContain(expected)
    expect(sent.err).not.toContain('secret')
    expect(sent.kickOff).toBeUndefined()
  })
})

describe('headers', () => {
  test('go to the provider, and what they hold is told to nobody', async () => {
    const out = join(directory, 'with-headers')
    const io = bufferIo()

    await runCli(
      [
        ...['export', provider.url, '--system', '--out', out, '--verbose'],
        ...['--header', 'Epic-Client-ID: the-secret:one', '--header', 'X-Other:2'],
      ],
      io,
    )

    const { headers } = provider.requests.at(-1) ?? {}
    expect(headers).toMatchObject({ 'epic-client-id': 'the-secret:one', 'x-other': '2' })
    const kept = await Promise.all(
      ['receipt.json', 'log.ndjson', '.flatfhir/journal.ndjson'].map(async (name) =>
        readFile(join(out, name), 'utf8'),
      ),
    )
    expect(io.out() + io.err() + kept.join('')).not.toContain('the-secret')
  })

  test.each([
    ['Authorization: Bearer the-secret', 'would put a credential on the command line'],
    ['cookie:the-secret', 'would put a credential on the command line'],
    ['Prefer: the-secret', 'flatfhir sets Prefer itself'],
    ['the-secret', 'expected NAME:VALUE'],
    ['X: the-secret\u0007', 'expected NAME:VALUE'],
  ])('%j is a usage error that does not repeat it', async (header, expected) => {
    const sent = await send(['--system', '--header', header])

    expect(sent.code).toBe(2)
    expect(sent.err).toContain(expected)
    expect(sent.err).not.toContain('the-secret')
  })
})

test('edition, vendor, method and preferences shape the request', async () => {
  const sent = await send([
    ...['--group', 'g1', '--edition', 'stu4', '--profile', 'epic', '--type', 'Patient'],
    ...['--lenient', '--separate-export-status', '--max-retry-after', '1s'],
  ])

  expect(sent.kickOff).toMatchObject({
    method: 'POST',
    path: '/fhir/Group/g1/$export',
    headers: { prefer: 'respond-async, separate-export-status, handling=lenient' },
  })
  expect(bodyOf(sent)).toEqual([{ name: '_type', valueString: 'Patient' }])
})

test.each([
  [['--system', '--gzip', '--compact', '1MB'], 'exclude each other'],
  [['--system', '--vendor', 'acme'], '--vendor: expected one of auto, generic, flatfhir, epic'],
  [['--system', '--param', 'x'], '--param: expected NAME=VALUE'],
  [['--system', '--param', '_type=Patient'], 'vendor parameter'],
  [['--resume', 'x'], 'does not go with --resume'],
])('%j is a usage error', async (args, expected) => {
  const sent = await send(args)

  expect(sent.code).toBe(2)
  expect(sent.err).toContain(expected)
})
