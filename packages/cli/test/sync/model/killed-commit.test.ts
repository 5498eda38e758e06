import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LandingFile } from '@flatfhir/client'
import { expect, onTestFinished, test } from 'vitest'
import { line, observation } from './scripted-source.ts'
import { readWarehouse, type Warehouse } from './warehouse.ts'

const CHILD = fileURLToPath(new URL('killed-commit.mjs', import.meta.url))
const COHORT = { source: 'https://example.org/fhir', cohort: 'patient' }
const KILLS = Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 4)
/** Longer than a commit takes here. */
const LONGEST_DELAY_MS = 40

/** What a run lands: everything there is, in files. */
interface State {
  readonly name: string
  readonly transactionTime: string
  readonly lines: readonly string[]
  readonly files: readonly LandingFile[]
}

async function makeState(
  directory: string,
  {
    name,
    prefix,
    hours,
  }: { readonly name: string; readonly prefix: string; readonly hours: number },
): Promise<State> {
  const ids = Array.from({ length: 400 }, (_, index) => `${index % 2 === 0 ? 'p' : prefix}${index}`)
  const patients = ids.map((id) => line(`Patient/${id}`, hours))
  const observations = ids.map((id) => observation(`${id}-o`, id, hours))
  const write = async (type: string, lines: readonly string[]): Promise<LandingFile> => {
    const path = join(directory, `${name}-${type}.ndjson`)
    const text = `${lines.join('\n')}\n`
    await writeFile(path, text)
    return { path, type, bytes: Buffer.byteLength(text), resources: lines.length }
  }
  const files = [await write('Patient', patients), await write('Observation', observations)]
  const transactionTime = new Date(Date.UTC(2026, 10, hours)).toISOString()
  return { name, transactionTime, lines: [...patients, ...observations].sort(), files }
}

/** Kills a process that lands at a moment after it began to commit. @returns what it said last. */
async function killWhileCommitting(path: string, states: readonly State[]): Promise<string> {
  const landed = states.map(({ name, files, transactionTime }) => ({
    name,
    files,
    transactionTime,
  }))
  const input = JSON.stringify({ path, cohort: COHORT, states: landed })
  const child = spawn(process.execPath, [CHILD, input], { stdio: ['ignore', 'pipe', 'inherit'] })
  const delayMs = Math.random() * LONGEST_DELAY_MS
  const turns = 1 + Math.floor(Math.random() * 3)
  let commits = 0
  let committed = ''
  const lines = createInterface(child.stdout)
  lines.on('line', (said) => {
    if (said !== 'committing') committed = said
    else commits += 1
    if (said === 'committing' && commits === turns) setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  const [exit] = await Promise.all([once(child, 'exit'), once(lines, 'close')])
  expect(exit).toEqual([null, 'SIGKILL'])
  return committed
}

function expectOneState(warehouse: Warehouse, states: readonly State[], committed: string): void {
  const { lastRun = '', transactionTimes, roster } = warehouse.cohorts.get('patient') ?? {}
  const numberOf = (run: string): number => Number(run.split('-')[1] ?? 0)
  expect(numberOf(lastRun)).toBeGreaterThanOrEqual(numberOf(committed))
  expect(numberOf(lastRun)).toBeLessThanOrEqual(numberOf(committed) + 1)
  const state = states.find(({ name }) => lastRun.startsWith(`${name}-`))
  expect([...warehouse.rows.values()].map(({ raw }) => raw).sort()).toEqual(state?.lines ?? [])
  expect(transactionTimes ?? []).toEqual(state === undefined ? [] : [state.transactionTime])
  expect(roster ?? []).toHaveLength(state === undefined ? 0 : 400)
}

test('data and state agree whenever a process is killed that commits', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-killed-commit-'))
  onTestFinished(async () => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'warehouse.duckdb')
  const states = [
    await makeState(directory, { name: 'odd', prefix: 'a', hours: 1 }),
    await makeState(directory, { name: 'even', prefix: 'b', hours: 2 }),
  ]
  let before = ''

  for (let kill = 0; kill < KILLS; kill += 1) {
    const committed = (await killWhileCommitting(path, states)) || before
    const warehouse = await readWarehouse(path)
    expectOneState(warehouse, states, committed)
    before = warehouse.cohorts.get('patient')?.lastRun ?? ''
  }
}, 300_000)
