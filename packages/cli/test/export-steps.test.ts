import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
  type ProviderScript,
} from '@flatfhir/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess, flatfhir, type CommandResult } from './command-process.ts'

let directory: string
let provider: MisbehavingProvider | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-steps-'))
})

afterEach(async () => {
  await provider?.close()
  provider = undefined
  await rm(directory, { recursive: true })
})

const at = (...path: readonly string[]): string => join(directory, ...path)

async function start(script: ProviderScript): Promise<MisbehavingProvider> {
  provider = await startMisbehavingProvider(script)
  return provider
}

function ndjson(resourceType: string, count: number): string {
  return Array.from({ length: count }, (_, index) => {
    return `${JSON.stringify({ resourceType, id: `${index}`, text: 'é€😀'.repeat(20) })}\n`
  }).join('')
}

async function run(args: readonly string[]): Promise<CommandResult> {
  return inProcess(args, { cwd: directory })
}

function kickOffs({ requests }: MisbehavingProvider): number {
  return requests.filter(({ path }) => path.includes('$export')).length
}

const BUSY = { status: 202, headers: { 'x-progress': '40% done', 'retry-after': '1' } }
const GOOD = { type: 'Patient', content: ndjson('Patient', 5) }
const BAD = { type: 'Condition', content: `${ndjson('Condition', 2)}nonsense\n` }

const OBSERVATIONS = ndjson('Observation', 30_000)

describe('an export that is killed', () => {
  test.each(['the same command', '--resume'])('is gone on with by %s', async (how) => {
    const own = await start({
      files: [
        GOOD,
        {
          type: 'Observation',
          content: OBSERVATIONS,
          requests: [{ coding: 'identity', cutAfterBytes: 5_000_000, afterCut: 'hang' }],
          always: { coding: 'identity' },
        },
      ],
    })
    const command = ['export', own.url, '--system', '--out', at('out'), '--json']
    await using killed = new CommandProcess(command)
    await until(async () => {
      const { size } = await stat(at('out', 'Observation.000.ndjson.part'))
      return size > 1_000_000 && (await stat(at('out', 'Patient.000.ndjson'))).isFile()
    })

    killed.kill('SIGKILL')
    await killed.finished()
    const resumed = await flatfhir(
      how === '--resume' ? ['export', '--resume', at('out'), '--json'] : command,
    )

    expect(resumed.code).toBe(0)
    expect(resumed.err).toContain('{"event":"resumed","finishedFiles":1}')
    expect(JSON.parse(resumed.out)).toMatchObject({ verdict: 'complete', directory: at('out') })
    expect(kickOffs(own)).toBe(1)
    expect(own.requestsForFile(0)).toHaveLength(1)
    expect(own.requestsForFile(1).at(-1)?.headers['range']).toMatch(/^bytes=\d+-$/)
    const observations = await readFile(at('out', 'Observation.000.ndjson'), 'utf8')
    expect(observations === OBSERVATIONS).toBe(true)
  })
})

describe('step by step, as a scheduler does', () => {
  test('every step can be repeated, and says by its exit code where the export is', async () => {
    const own = await start({ files: [GOOD], status: [BUSY] })
    const begin = ['export', 'start', at('out'), '--url', own.url, '--system', '--json']
    const step = async (name: string): Promise<CommandResult> =>
      flatfhir(['export', name, at('out'), '--json'])

    const started = await flatfhir(begin)
    const again = await run(begin)
    const working = await step('status')
    const tooEarly = await run(['export', 'collect', at('out'), '--json'])

    expect([started.code, again.code, working.code, tooEarly.code]).toEqual([0, 0, 4, 4])
    expect(JSON.parse(started.out)).toMatchObject({
      state: 'in-progress',
      directory: at('out'),
      statusUrl: own.statusUrl,
    })
    expect(JSON.parse(working.out)).toMatchObject({ state: 'in-progress', percent: 40 })
    expect(JSON.parse(tooEarly.out)).toMatchObject({ state: 'in-progress' })

    await until(async () => (await step('status')).code === 0)
    const collected = await step('collect')
    const collectedAgain = await run(['export', 'collect', at('out'), '--json'])
    const done = await run(['export', 'status', at('out')])
    const cancelled = await run(['export', 'cancel', at('out'), '--json'])

    expect([collected.code, collectedAgain.code, done.code, cancelled.code]).toEqual([0, 0, 0, 0])
    expect(JSON.parse(collected.out)).toMatchObject({
      state: 'complete',
      report: { verdict: 'complete', deleted: true, resources: 5 },
    })
    expect(JSON.parse(collectedAgain.out)).toMatchObject({ state: 'complete' })
    expect(done.out).toMatch(/^complete: 1 file, all checked, in /)
    expect(kickOffs(own)).toBe(1)
    expect(own.requestsForFile(0)).toHaveLength(1)
    expect(own.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  test('an incomplete one is 3 everywhere, and the receipt says why', async () => {
    const own = await start({ files: [GOOD, BAD] })
    await run(['export', 'start', at('out'), '--url', own.url, '--system'])

    const collected = await run(['export', 'collect', at('out')])
    const status = await run(['export', 'status', at('out')])
    const receipt = await run(['receipt', at('out')])
    const markdown = await run(['receipt', at('out'), '--markdown'])
    const json = await run(['receipt', at('out'), '--json'])

    const codes = [collected, status, receipt, markdown, json].map(({ code }) => code)
    expect(codes).toEqual([3, 3, 3, 3, 3])
    expect(collected.err).toMatch(/error: Condition\.000\.ndjson:3: .*\[LINE_INVALID\]/)
    expect(status.out).toContain('incomplete: something is missing; flatfhir receipt out says what')
    expect(receipt.out).toMatch(/^Verdict: incomplete\n[^]*LINE_INVALID/)
    expect(markdown.out).toMatch(/^# Export receipt: incomplete\n/)
    expect(JSON.parse(json.out)).toEqual(
      JSON.parse(await readFile(at('out', 'receipt.json'), 'utf8')),
    )
    expect(receipt.out + markdown.out + json.out).not.toContain('nonsense')
  })

  test('a failed one is 1, with and without files', async () => {
    const own = await start({
      files: [{ ...GOOD, always: { answer: { status: 400 } } }],
    })
    await run(['export', 'start', at('out'), '--url', own.url, '--system'])

    const collected = await run(['export', 'collect', at('out')])
    const receipt = await run(['receipt', at('out')])

    expect([collected.code, receipt.code]).toEqual([1, 1])
    expect(receipt.out).toMatch(/^Verdict: failed\n/)
  })

  test('a cancelled one is gone at the provider, and nothing more will come', async () => {
    const own = await start({ files: [GOOD], status: [BUSY] })
    await run(['export', 'start', at('out'), '--url', own.url, '--system'])

    const cancelled = await flatfhir(['export', 'cancel', at('out'), '--json'])
    const again = await run(['export', 'cancel', at('out')])
    const status = await run(['export', 'status', at('out')])
    const collected = await run(['export', 'collect', at('out'), '--json'])

    expect([cancelled.code, again.code, status.code, collected.code]).toEqual([0, 0, 1, 1])
    expect(JSON.parse(cancelled.out)).toMatchObject({ state: 'ended', endReason: 'cancelled' })
    expect(status.out).toContain('ended: it was cancelled; nothing more will come')
    expect(own.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })

  test('a signal in a step leaves the export at the provider', async () => {
    const own = await start({
      files: [{ ...GOOD, requests: [{ cutAfterBytes: 10, afterCut: 'hang' }] }],
    })
    await run(['export', 'start', at('out'), '--url', own.url, '--system'])
    await using collecting = new CommandProcess(['export', 'collect', at('out')])
    await own.requested(({ path }) => path === '/files/0')

    collecting.kill('SIGTERM')

    expect((await collecting.finished()).code).toBe(143)
    expect(own.requests.some(({ method }) => method === 'DELETE')).toBe(false)
    expect(await run(['export', 'collect', at('out')])).toMatchObject({ code: 0 })
  })

  test.each(['status', 'collect', 'cancel'])(
    '%s wants an export, and leaves nothing',
    async (name) => {
      const { code, err } = await run(['export', name, at('nowhere')])

      expect(code).toBe(1)
      expect(err).toContain('[JOURNAL_INVALID]')
      await expect(access(at('nowhere'))).rejects.toThrow('ENOENT')
    },
  )

  test.each([
    [['export', 'start', 'http://127.0.0.1/fhir', '--url', 'x', '--system'], 'DIR is a URL'],
    [['export', 'start', 'dir', '--system'], '--url URL is missing'],
    [['export', 'start'], 'DIR is missing'],
    [['export', 'status', 'dir', '--type', 'Patient'], "Unknown option '--type'"],
    [['export', '--json', 'status', 'dir'], 'Too many arguments'],
    [['receipt'], 'DIR is missing'],
  ])('%j is a usage error', async (args, expected) => {
    const { code, err } = await run(args)

    expect(code).toBe(2)
    expect(err).toContain(expected)
  })

  test('one folder is for one process at a time', async () => {
    const own = await start({ status: [{ status: 200, instead: 'hang' }] })
    const command = ['export', own.url, '--system', '--out', at('out'), '--on-stop', 'keep']
    await using first = new CommandProcess(command)
    await own.requested(({ path }) => path === '/status/1')

    const second = await run(['export', 'status', at('out')])
    first.kill('SIGINT')

    expect(second.code).toBe(1)
    expect(second.err).toContain('Another export writes to this folder')
    expect((await first.finished()).code).toBe(130)
    expect(own.requests.some(({ method }) => method === 'DELETE')).toBe(false)
  })
})

test('a collected export needs neither login nor provider', async () => {
  const own = await start({ files: [GOOD] })
  const command = ['export', own.url, '--system', '--out', at('out')]
  expect(await run(command)).toMatchObject({ code: 0 })
  await own.close()
  provider = undefined
  const login = ['--client-id', 'me', '--key', at('no-such-key.json')]

  const again = await run([...command, ...login])
  const resumed = await run(['export', '--resume', at('out'), ...login])
  const other = await run([...command.slice(0, -1), at('other'), ...login])

  expect([again.code, resumed.code]).toEqual([0, 0])
  expect(again.out).toMatch(/^complete: 5 resources/m)
  expect(other).toMatchObject({ code: 1 })
  expect(other.err).toContain('[KEY_FILE]')
})

test('run folders: a finished run is followed by a new one, an unfinished one is gone on with', async () => {
  const own = await start({
    files: [GOOD],
    status: [{ status: 200 }, BUSY],
    kickOff: [{ status: 400 }],
  })
  const command = ['export', own.url, '--system', '--out', at('runs'), '--run-folders', 'weekly']

  const refused = await run(command)
  const unusable = await run(command)
  const other = await run([...command, '--type', 'Patient', '--json'])
  const another = await run([...command, '--type', 'Patient'])

  expect([refused.code, unusable.code, other.code, another.code]).toEqual([1, 1, 0, 0])
  expect(await readdir(at('runs'))).toEqual(['000.weekly', '001.weekly', '002.weekly'])
  expect(JSON.parse(other.out)).toMatchObject({ directory: at('runs', '001.weekly') })
  expect(await run([...command, '--run-folders', '../up'])).toMatchObject({ code: 2 })
})

test('run folders: what was begun with other options is left alone, with a warning', async () => {
  const own = await start({ files: [GOOD] })
  const begun = await run(['export', 'start', at('runs/000.weekly'), '--url', own.url, '--system'])
  expect(begun.code).toBe(0)

  const command = ['export', own.url, '--system', '--out', at('runs'), '--run-folders', 'weekly']
  const other = await run([...command, '--type', 'Patient'])

  expect(other.code).toBe(0)
  expect(other.err).toMatch(/^warning: .*000\.weekly holds another export that is not finished/m)
  expect(await readdir(at('runs'))).toEqual(['000.weekly', '001.weekly'])
})

describe('what goes wrong at the provider is told with a next step', () => {
  test.each<readonly [number, readonly string[], string]>([
    [400, [], "Check the parameters against the provider's documentation. [REQUEST_REJECTED]"],
    [401, [], 'The provider wants a login (HTTP 401). Register with the provider'],
    [403, [], 'ask the provider to grant the scopes or the Group. [REQUEST_REJECTED]'],
    [404, [], 'Check the FHIR base URL, the export level and the Group id. [REQUEST_REJECTED]'],
    [429, ['--max-throttles', '1'], 'run again later. [REQUEST_REJECTED]'],
    [500, [], 'The provider has a problem of its own'],
  ])('HTTP %i', async (status, args, expected) => {
    const own = await start({ kickOff: [{ status, body: { text: 'Smith' } }] })

    const { code, err } = await run(['export', own.url, '--system', '--out', at('out'), ...args])

    expect(code).toBe(1)
    expect(err).toContain(`HTTP ${status}`)
    expect(err).toContain(expected)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(err).not.toContain('Smith')
  })

  test('a 401 in a later step is one that wants a login as well', async () => {
    const own = await start({ status: [{ status: 401 }] })
    await run(['export', 'start', at('out'), '--url', own.url, '--system'])

    const { code, err } = await run(['export', 'status', at('out')])

    expect(code).toBe(1)
    expect(err).toContain('[LOGIN_NEEDED]')
  })

  test.each([
    ['http://no-such-host.invalid/fhir', 'The name of the host cannot be resolved'],
    ['http://127.0.0.1:1/fhir', 'The host refused the connection'],
    ['https://ORIGIN/fhir', 'No TLS connection could be made'],
  ])('%s', async (url, expected) => {
    const own = await start({})
    const origin = new URL(own.origin).host

    const { code, err } = await run([
      ...['export', url.replace('ORIGIN', origin), '--system', '--out', at('out')],
    ])

    expect(code).toBe(1)
    expect(err).toContain(expected)
    expect(err).toMatch(/Check .*\[PROVIDER_UNREACHABLE\]\n$/)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
  })
})

/** Waits until something holds; what throws does not hold yet. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('It never came to hold')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
