import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess, flatfhir } from './command-process.ts'

let directory: string
let server: CommandProcess
let fhirBaseUrl: string

const at = (...path: readonly string[]): string => join(directory, ...path)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-end-to-end-'))
  const synth = await inProcess(['synth', '--patients', '6', '--seed', '3', '--out', at('in')])
  expect(synth).toMatchObject({ code: 0 })
  const imported = await inProcess(['import', at('in'), '--data', at('data')])
  expect(imported).toMatchObject({ code: 0 })
  server = new CommandProcess([
    ...['serve', '--auth', 'none', '--data', at('data'), '--port', '0', '--log-level', 'warn'],
    ...['--minimum-in-progress', '0'],
  ])
  const [, url] = await server.written(/serving (\S+)/)
  fhirBaseUrl = url ?? ''
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** The resource's text without `meta.versionId` and `meta.lastUpdated`, which the store sets. */
function withoutStamp(line: string): string {
  return line
    .replace(/"meta":\{"versionId":"[^"]*","lastUpdated":"[^"]*"(,|\})/, (_, end: string) =>
      end === ',' ? '"meta":{' : '"meta":{}',
    )
    .replace(/"meta":\{(.*?),?"versionId":"[^"]*","lastUpdated":"[^"]*"\}/, '"meta":{$1}')
    .replace(/,"meta":\{\}|"meta":\{\},/, '')
}

async function linesByFile(path: string): Promise<Map<string, string[]>> {
  const byType = new Map<string, string[]>()
  for (const name of (await readdir(path)).sort()) {
    const [type = ''] = name.split('.')
    if (!/^[A-Z].*\.ndjson(\.gz)?$/.test(name)) continue
    const bytes = await readFile(join(path, name))
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
    expect(text.endsWith('\n')).toBe(true)
    byType.set(type, [...(byType.get(type) ?? []), ...text.slice(0, -1).split('\n')])
  }
  return byType
}

describe('synth → import → serve → export', () => {
  test('the exported resources are the imported ones, byte for byte but for meta', async () => {
    const exported = await flatfhir(['export', fhirBaseUrl, '--system', '--out', at('system')])

    expect(exported.code).toBe(0)
    expect(exported.out).toMatch(/^complete: /m)
    const input = await linesByFile(at('in'))
    const output = await linesByFile(at('system'))
    expect([...output.keys()]).toEqual([...input.keys()])
    for (const [type, lines] of input) {
      const expected = lines.map(withoutStamp).sort()
      expect([type, output.get(type)?.map(withoutStamp).sort()]).toEqual([type, expected])
    }
  })

  test('a kept gzip export of some types by POST holds the same lines', async () => {
    const types = ['--type', 'Patient,Condition', '--_type', 'Encounter']
    const options = ['--gzip', '--method', 'POST', '--json', '--keep-export']

    const exported = await flatfhir([
      ...['export', fhirBaseUrl, '--patient', '--out', at('gzip')],
      ...[...types, ...options],
    ])

    expect(exported.code).toBe(0)
    const report = JSON.parse(exported.out) as {
      verdict: string
      deleted: boolean
      statusUrl: string
    }
    expect(report).toMatchObject({ verdict: 'complete', deleted: false })
    expect((await fetch(report.statusUrl)).status).toBe(200)
    const output = await linesByFile(at('gzip'))
    expect([...output.keys()].sort()).toEqual(['Condition', 'Encounter', 'Patient'])
    expect(output.get('Patient')).toHaveLength(6)
  })

  test('the same again changes nothing, and another export into the directory is refused', async () => {
    const before = await linesByFile(at('system'))

    const again = await inProcess(['export', fhirBaseUrl, '--system', '--out', at('system')])
    const other = await inProcess(['export', fhirBaseUrl, '--patient', '--out', at('system')])

    expect(again.code).toBe(0)
    expect(other.code).toBe(1)
    expect(other.err).toContain('[EXPORT_DIRECTORY_REFUSED]')
    expect(await linesByFile(at('system'))).toEqual(before)
  })

  test('an empty Group exports nothing, and an unknown one fails', async () => {
    const empty = await inProcess([
      ...['export', fhirBaseUrl, '--group', 'empty', '--out', at('empty'), '--json'],
    ])
    const unknown = await inProcess([
      ...['export', fhirBaseUrl, '--group', 'no-such-group', '--out', at('unknown')],
    ])

    expect(empty.code).toBe(0)
    expect(JSON.parse(empty.out)).toMatchObject({ verdict: 'complete', resources: 0 })
    expect(unknown.code).toBe(1)
    expect(unknown.err).toMatch(/^flatfhir: .*404.*\[REQUEST_REJECTED\]\n$/m)
  })

  test('options come from the environment and from a config file as well', async () => {
    const cwd = at('configured')
    await mkdir(cwd)
    await writeFile(
      join(cwd, 'flatfhir.toml'),
      `[export]\nurl = "${fhirBaseUrl}"\nsystem = true\ntype = ["Patient", "Device"]\nout = "out"\n`,
    )

    const exported = await flatfhir(['export', '--json'], {
      cwd,
      env: { FLATFHIR_TYPE: 'Patient', FLATFHIR_GROUP: 'ten-percent' },
    })

    expect(exported).toMatchObject({ code: 0 })
    expect([...(await linesByFile(join(cwd, 'out'))).keys()]).toEqual(['Patient'])
    expect((await linesByFile(join(cwd, 'out'))).get('Patient')).toHaveLength(1)
  })

  test('a second server on the same data directory is refused', async () => {
    const second = await inProcess(['serve', '--data', at('data'), '--port', '0'])

    expect(second.code).toBe(1)
    expect(second.err).toContain('[DATA_DIRECTORY_IN_USE]')
  })
})

describe('import', () => {
  test('beside the running server: the same again changes nothing', async () => {
    const again = await inProcess(['import', at('in'), '--data', at('data'), '--json'])

    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toMatchObject({ created: 0, updated: 0, problems: 0 })
  })

  test('reports a bad line by file and number without its content, and takes the rest', async () => {
    const path = at('bad.ndjson.gz')
    const good = '{"resourceType":"Patient","id":"good-one"}'
    await writeFile(path, gzipSync(`${good}\n{"family": Smith}\n{"resourceType":"Patient"}\n`))

    const imported = await inProcess(['import', path, '--data', at('data-bad')])

    expect(imported.code).toBe(3)
    expect(imported.err).toMatch(/bad\.ndjson\.gz:2: /)
    expect(imported.err + imported.out).not.toContain('Smith')
    expect(imported.out).toContain('1 created')
  })

  test('a path that is not there is an error of one line', async () => {
    const imported = await inProcess(['import', at('nowhere'), '--data', at('data-bad')])

    expect(imported.code).toBe(1)
    expect(imported.err).toMatch(/^flatfhir: .*nowhere.*\[IMPORT_PATH\]\n$/)
  })
})

describe('serve', () => {
  test('refuses addresses that others could reach', async () => {
    const refused = await inProcess([
      ...['serve', '--auth', 'none', '--data', at('open'), '--host', '0.0.0.0'],
    ])

    expect(refused.code).toBe(2)
    expect(refused.err).toContain('[OPEN_SERVER_NOT_LOOPBACK]')
  })

  test('logs JSON lines on stderr, prints its URL as JSON, and stops on SIGTERM with 0', async () => {
    await using own = new CommandProcess(['serve', '--data', at('own'), '--port', '0', '--json'])
    const [, url] = await own.written(/\{"fhirBaseUrl":"([^"]+)"\}/)
    expect((await fetch(`${url ?? ''}/metadata`)).status).toBe(200)

    own.kill('SIGTERM')

    const { code, err } = await own.finished()
    expect(code).toBe(0)
    const messages = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string })
    expect(messages.at(-1)?.msg).toContain('stopping')
  })
})

describe('signals', () => {
  test('Ctrl-C in an export deletes it at the provider, and exits with 130', async () => {
    // The provider holds the status back long enough for the signal to come in between.
    await using slow = new CommandProcess([
      ...['serve', '--auth', 'none', '--data', at('slow')],
      ...['--port', '0', '--minimum-in-progress', '10m'],
    ])
    const [, url = ''] = await slow.written(/serving (\S+)/)
    await using pulling = new CommandProcess(['export', url, '--system', '--out', at('stopped')])
    const [, jobId = ''] = await slow.written(/"jobId":"([0-9a-f]{32})".*job-complete/)

    pulling.kill('SIGINT')

    const { code, err, out } = await pulling.finished()
    expect(code).toBe(130)
    expect(err).toMatch(/^flatfhir: Stopped by SIGINT\.$/m)
    expect(out).toBe('')
    await slow.written(new RegExp(`"jobId":"${jobId}".*job-deleted`))
  })

  test('a second signal ends a server at once that still waits for a client', async () => {
    await using own = new CommandProcess([
      ...['serve', '--auth', 'none', '--data', at('patient'), '--port', '0'],
    ])
    const [, url = ''] = await own.written(/serving (\S+)/)
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    socket.write(`POST /fhir/Patient HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 9\r\n\r\n{`)
    expect((await fetch(`${url}/metadata`)).status).toBe(200)

    own.kill('SIGTERM')
    await own.written(/"msg":"stopping/)
    const again = setInterval(() => {
      own.kill('SIGTERM')
    }, 100)

    expect((await own.finished()).code).toBe(143)
    clearInterval(again)
    socket.destroy()
  })

  test('SIGTERM in synth leaves no file behind, and exits with 143', async () => {
    await using writing = new CommandProcess([
      ...['synth', '--patients', '1000000', '--out', at('big'), '--json'],
    ])
    await writing.written(/synth-progress/)

    writing.kill('SIGTERM')

    expect((await writing.finished()).code).toBe(143)
    expect(await readdir(at('big'))).toEqual([])
  })
})
