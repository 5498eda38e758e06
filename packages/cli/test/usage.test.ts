import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StoppedBySignalError } from '../src/errors.ts'
import { runCli } from '../src/run-cli.ts'
import { bufferIo } from './buffer-io.ts'

test.each([
  [[], 'Name a command'],
  [['exprt'], "Unknown command 'exprt'. Did you mean export?"],
  [['export', 'http://x', '--outt', 'y'], "Unknown option '--outt'. Did you mean --out?"],
  [['export', 'http://x'], '--out DIR is missing'],
  [['export', '--out', 'y'], 'URL is missing'],
  [['export', 'http://x', '--out', 'y'], 'What to export is missing. Name --system, --patient or'],
  [['export', 'http://x', '--out', 'y', '--system', '--patient'], 'exclude each other'],
  [['export', 'http://x', '--out', 'y', '--system', '--since', 'now'], '--since: expected an inst'],
  [['export', 'http://x', '--out', 'y', '--system', '--type', 'Patent'], '"Patent" is not a resou'],
  [
    ['export', 'http://x', '--out', 'y', '--since', '2026-01-01T00:00:00Z', '--_since', 'x'],
    'are the same flag',
  ],
  [['export', 'ftp://x', '--out', 'y', '--system'], '[EXPORT_OPTIONS_INVALID]'],
  [['synth', '--patients', '0', '--out', 'y'], '--patients: expected a whole number from 1'],
  [['serve', '--data', 'd', '--auth', 'basic'], '--auth: expected one of smart, none'],
  [['keys'], 'Name a command. See flatfhir keys --help.'],
  [['keys', 'creat'], "Unknown command 'creat'. Did you mean create? See flatfhir keys --help."],
  [['keys', 'create', 'f', '--algo', 'x'], "Unknown option '--algo'. Did you mean --alg?"],
  [['keys', 'create', 'f', '--alg', 'HS384'], '--alg: expected one or several of ES384, RS384'],
  [['clients', 'revoke', '--data', 'd'], 'ID is missing'],
  [
    ['clients', 'add', '--data', 'd', '--name', 'n', '--scope', 's'],
    'keys of the client are missing',
  ],
  [['audit', 'verify', '--data', 'nowhere'], 'there is no audit log in it'],
  [['serve', '--data', 'd', 'extra'], "Too many arguments for 'serve'"],
  [['import', '--data', 'd'], 'PATH is missing'],
  [
    ['synth', '--patients', '1', '--out', 'y', '--config', 'nowhere.toml'],
    'nowhere.toml: there is',
  ],
])('%j is a usage error of one line', async (argv, expected) => {
  const io = bufferIo()

  const exitCode = await runCli(argv, io)

  expect(io.err()).toContain(expected)
  expect(io.err().trimEnd().split('\n')).toHaveLength(1)
  expect(exitCode).toBe(2)
  expect(io.out()).toBe('')
})

test('--version prints the version', async () => {
  const io = bufferIo()

  expect(await runCli(['--version'], io)).toBe(0)

  expect(io.out()).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})

test('--json says what failed as JSON on stdout too', async () => {
  const io = bufferIo()

  const exitCode = await runCli(['synth', '--patients', 'x', '--out', 'y', '--json'], io)

  expect(exitCode).toBe(2)
  expect(JSON.parse(io.out())).toMatchObject({ error: { code: 'USAGE' } })
})

test('--verbose adds the stack', async () => {
  const io = bufferIo()

  await runCli(['synth', '--verbose'], io)

  expect(io.err()).toMatch(/is missing[^]*\n\s+at /)
})

test('an unknown key of flatfhir.toml stops every command', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'flatfhir-usage-'))
  await writeFile(join(cwd, 'flatfhir.toml'), '[serve]\nprot = 1\n')
  const io = bufferIo({ cwd })

  const exitCode = await runCli(['synth', '--patients', '1', '--out', join(cwd, 'out')], io)

  expect(exitCode).toBe(2)
  expect(io.err()).toContain('flatfhir.toml: unknown key "serve.prot"')
  await rm(cwd, { recursive: true })
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s gives the exit code %i', async (signalName, expected) => {
  const io = bufferIo({ signal: AbortSignal.abort(new StoppedBySignalError(signalName)) })

  expect(await runCli(['synth', '--patients', '1', '--out', 'never'], io)).toBe(expected)

  expect(io.err()).toBe(`flatfhir: Stopped by ${signalName}.\n`)
})
