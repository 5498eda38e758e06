import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess, flatfhir } from './command-process.ts'
import { SyncSource } from './sync-source.ts'

const EVERY_SECOND = '* * * * * *'

let source: SyncSource

beforeAll(async () => {
  source = await SyncSource.start(2)
})

afterAll(async () => {
  await source[Symbol.asyncDispose]()
})

async function change(file: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const changed = text.replace(from, to)
  if (changed === text) throw new Error(`${file} does not hold ${String(from)}`)
  await writeFile(file, changed)
}

interface LogLine {
  readonly time: string
  readonly event: string
  readonly connection?: string
}

function logOf(err: string): readonly LogLine[] {
  return err
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
}

test.concurrent(
  'the daemon follows schedules, outlives failures, reads files again, and ends when told',
  async ({ expect }) => {
    const good = await source.connect('good.toml', ['--system', '--schedule', EVERY_SECOND])
    const bad = await source.connect('bad.toml', ['--group', 'nobody', '--schedule', EVERY_SECOND])
    await using daemon = new CommandProcess(['sync', 'daemon', good, bad])
    const of = (event: string, name: string): string =>
      `"event":"${event}","connection":"[^"]*${name}\\.toml"[^\\n]*`

    await daemon.written(new RegExp(of('run-failed', 'bad') + 'REQUEST_REJECTED'))
    await daemon.written(
      new RegExp(`${of('run-committed', 'good')}\\n[^]*${of('run-committed', 'good')}\\n`),
    )
    await change(bad, '"nobody"', '"ten-percent"')
    await change(good, 'level = "system"', 'level = "galaxy"')
    daemon.kill('SIGHUP')
    await daemon.written(new RegExp(of('reload-failed', 'good') + 'CONNECTION_INVALID'))
    await daemon.written(new RegExp(`${of('reloaded', 'bad')}\\n[^]*${of('run-committed', 'bad')}`))
    daemon.kill('SIGTERM')

    const { code, err, out } = await daemon.finished()
    expect(code).toBe(143)
    expect(out).toBe('')
    const log = logOf(err)
    expect(log.at(0)).toMatchObject({ event: 'scheduled', connection: good })
    expect(log.some(({ event }) => event === 'stopping')).toBe(true)
    // Left alone after it failed, although its time came every second.
    const failures = log.filter(({ event }) => event === 'run-failed')
    expect(new Set(failures.map(({ connection }) => connection))).toEqual(new Set([bad]))
    const times = failures.map(({ time }) => Date.parse(time))
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(59_000)
    }
  },
)

test.concurrent('a run under way is left to the next start, at once', async ({ expect }) => {
  await using slow = await SyncSource.start(1, ['--minimum-in-progress', '10m'])
  const file = await slow.connect('slow.toml', ['--system', '--schedule', EVERY_SECOND])
  await using daemon = new CommandProcess(['sync', 'daemon', file, '--log', 'text'])
  await daemon.written(/slow\.toml: run started/)
  await slow.server.command.written(/serving/)
  await daemon.written(/is due again while it runs/)

  daemon.kill('SIGINT')

  const { code, err } = await daemon.finished()
  expect(code).toBe(130)
  expect(err).toMatch(/slow\.toml: interrupted; the next run goes on where it was$/m)
  expect(err.match(/run started/g)).toHaveLength(1)
})

test.concurrent(
  '--once runs each connection once, whatever its schedule, and tells what became of them',
  async ({ expect }) => {
    const one = await source.connect('one.toml', ['--patient', '--type', 'Patient'])
    const two = await source.connect('two.toml', ['--group', 'ten-percent'])
    const bad = await source.connect('once-bad.toml', ['--group', 'nobody'])

    const done = await flatfhir(['sync', 'daemon', one, two, '--once'])
    const failed = await inProcess(['sync', 'daemon', bad, one, '--once', '--quiet'])

    expect(done.code).toBe(0)
    const events = logOf(done.err).map(({ event, connection }) => [event, connection])
    expect(events).toEqual([
      ['run-started', one],
      ['run-committed', one],
      ['run-started', two],
      ['run-committed', two],
    ])
    expect(failed.code).toBe(1)
    expect(logOf(failed.err).map(({ event }) => event)).toEqual(['run-failed'])
  },
)

test.concurrent(
  'a connection without a schedule would never run, which is said at once',
  async ({ expect }) => {
    const file = await source.connect('never.toml', ['--system'])

    const { code, err } = await inProcess(['sync', 'daemon', file])

    expect(code).toBe(2)
    expect(err).toContain('sync.schedule: is missing, so the daemon would never run it')
  },
)
