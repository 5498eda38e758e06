// What `npm start` and `npm test` have in common. Uses nothing but Node: it runs before the install.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache')
const COMMAND = join(ROOT, 'packages', 'cli', 'dist', 'bin.js')

const SOAK_RUNS = '300'
const SOAK_TIMEOUT_MS = 6 * 60 * 60 * 1000
/** Each reads FLATFHIR_SOAK_RUNS: how many random histories, or moments of a kill. */
const SOAK_TESTS = [
  'packages/cli/test/sync/model/killed-commit.test.ts',
  'packages/cli/test/sync/model/sync-model.test.ts',
  'packages/client/test/killed-exports.test.ts',
  'packages/server/test/jobs/crash.test.ts',
  'packages/store-sqlite/test/import/beside-a-store.test.ts',
  'packages/store-sqlite/test/resource-store/contract.test.ts',
  'packages/store-sqlite/test/resource-store/write-clock.test.ts',
]

/** Runs the demo, with the given arguments, in this process. */
export async function start(args) {
  await prepareOrExit()
  console.log()
  const keep = process.stdin.isTTY && process.stdout.isTTY ? ['--keep'] : []
  process.argv.splice(1, process.argv.length, COMMAND, 'demo', ...keep, ...args)
  await import(pathToFileURL(COMMAND).href)
}

/** Runs every check; arguments go to vitest. The last line is "N passed, M failed". */
export async function test(args) {
  if (!(await prepare())) return finish({ passed: 0, failed: 1 })
  mkdirSync(CACHE, { recursive: true })
  const types = await step('types of the tests', () => checkTypesOfTests())
  const lint = await step('lint', () => lintEverything())
  const tests = await runTests(args)
  const failedSteps = [types, lint].filter((ok) => !ok).length
  finish({ passed: tests.passed, failed: tests.failed + failedSteps })
}

/** Runs, for as long as it takes, the tests that get better with more runs. */
export async function soak(args) {
  if (!(await prepare())) return finish({ passed: 0, failed: 1 })
  mkdirSync(CACHE, { recursive: true })
  process.env.FLATFHIR_SOAK_RUNS ??= SOAK_RUNS
  finish(await runTests([...SOAK_TESTS, `--testTimeout=${SOAK_TIMEOUT_MS}`, ...args]))
}

/** Builds, for what comes after in the same process. */
export async function build() {
  await prepareOrExit()
}

function finish({ passed, failed }) {
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`${passed} passed, ${failed} failed`)
}

async function prepareOrExit() {
  if (!(await prepare())) process.exit(1)
}

/** @returns {Promise<boolean>} whether the built command is there */
async function prepare() {
  const installed = await step('install', () => install())
  return installed && (await step('build', () => compile()))
}

/**
 * Says on one line what is being done, and how long it took; shows its output only when it failed.
 * @param {() => Promise<{ ok: boolean, output?: string, upToDate?: boolean }>} work
 */
async function step(name, work) {
  const startedAt = performance.now()
  process.stdout.write(`${name} … `)
  const { ok, output = '', upToDate = false } = await work()
  const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(ok ? (upToDate ? 'up to date' : seconds) : `failed after ${seconds}`)
  if (!ok) console.log(output.trimEnd())
  return ok
}

async function install() {
  if (isInstalled()) return { ok: true, upToDate: true }
  return run(...npm('ci', '--no-progress', '--loglevel=error'))
}

/** Whether everything that the lockfile asks for is what npm says it has installed. */
function isInstalled() {
  const record = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const wanted = readPackages(join(ROOT, 'package-lock.json'))
  const present = readPackages(record)
  return Object.entries(wanted)
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.optional && !entry.peer)
    .every(([path, entry]) => {
      const found = present[path]
      return (
        found !== undefined && found.version === entry.version && found.resolved === entry.resolved
      )
    })
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages
}

async function compile() {
  const tsc = [bin('typescript', 'bin', 'tsc'), '-b', '--locale', 'en']
  const { ok, output } = await run(process.execPath, [...tsc, '--verbose'])
  // Once more for the errors alone, which the first run has remembered.
  if (!ok) return run(process.execPath, tsc)
  await linkCommand()
  const states = output.split('\n').filter((line) => /Project '.*' is /.test(line))
  return { ok, upToDate: states.every((line) => line.includes('is up to date')) }
}

/** npm links a command only if its file is there, which before the first build it is not. */
async function linkCommand() {
  chmodSync(COMMAND, 0o755)
  if (existsSync(join(ROOT, 'node_modules', '.bin', 'flatfhir'))) return
  await run(...npm('rebuild', 'flatfhir', '--ignore-scripts', '--no-progress', '--loglevel=error'))
}

function checkTypesOfTests() {
  const record = join(CACHE, 'tests.tsbuildinfo')
  return run(process.execPath, [
    bin('typescript', 'bin', 'tsc'),
    ...['-p', 'tsconfig.tests.json', '--incremental', '--tsBuildInfoFile', record],
  ])
}

async function lintEverything() {
  const eslint = await run(process.execPath, [
    bin('eslint', 'bin', 'eslint.js'),
    ...['.', '--max-warnings', '0', '--cache', '--cache-strategy', 'content'],
    ...['--cache-location', join(CACHE, 'eslint.json')],
  ])
  const prettier = await run(process.execPath, [
    bin('prettier', 'bin', 'prettier.cjs'),
    ...['--check', '.', '--log-level', 'warn', '--cache', '--cache-strategy', 'content'],
    ...['--cache-location', join(CACHE, 'prettier.json')],
  ])
  return { ok: eslint.ok && prettier.ok, output: eslint.output + prettier.output }
}

async function runTests(args) {
  const results = join(CACHE, 'vitest-results.json')
  rmSync(results, { force: true })
  const { ok } = await run(
    process.execPath,
    [
      bin('vitest', 'vitest.mjs'),
      ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
      ...args,
    ],
    { stdio: 'inherit' },
  )
  const counted = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : {}
  const passed = counted.numPassedTests ?? 0
  // A file that does not load fails the run without a failed test.
  const failedFiles = (counted.testResults ?? []).filter(
    (file) =>
      file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed'),
  )
  const failed = (counted.numFailedTests ?? 0) + failedFiles.length
  return { passed, failed: ok ? failed : Math.max(1, failed) }
}

function bin(name, ...path) {
  return join(ROOT, 'node_modules', name, ...path)
}

/** The npm that runs this script, or the one on the PATH. */
function npm(...args) {
  const script = process.env.npm_execpath
  return script !== undefined && /npm-cli\.[cm]?js$/.test(script)
    ? [process.execPath, [script, ...args]]
    : ['npm', args, { shell: process.platform === 'win32' }]
}

/** @returns {Promise<{ ok: boolean, output: string }>} */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(command, args, { cwd: ROOT, ...options })
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}
