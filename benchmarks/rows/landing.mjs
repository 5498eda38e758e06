// How fast NDJSON lands in DuckDB and as Parquet, beside DuckDB's own reading of the same files.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { measureInTurn } from '../measure.mjs'
import { Child } from '../provider/child.mjs'

const MODULE = new URL('../landing/land.mjs', import.meta.url)
const GOAL_MEMORY_MB = 1000
const LIMIT =
  "Limit: DuckDB's own `read_ndjson_objects` of the same files into a table of one column."
const KINDS = {
  duckdb: {
    group: 'land-duckdb',
    name: 'NDJSON into DuckDB',
    goalPerSecond: 80_000,
    note: `Typed columns, the JSON text, bookkeeping; committed and flushed. ${LIMIT}`,
  },
  parquet: {
    group: 'land-parquet',
    name: 'NDJSON into Parquet',
    goalPerSecond: 150_000,
    note: `Typed columns and the JSON text, sorted by patient, zstd, hashed and flushed. ${LIMIT}`,
  },
}
const MEMORY_NOTE = 'Most memory (VmHWM) of the process that lands. Limit: the same of the limit.'

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export function landDuckDbRows(bench) {
  return landingRows(bench, 'duckdb')
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export function landParquetRows(bench) {
  return landingRows(bench, 'parquet')
}

async function landingRows(bench, kind) {
  if (!existsSync('/proc/self/status')) {
    bench.log(`${KINDS[kind].name}: left out, there is no /proc on this system`)
    return []
  }
  const speeds = []
  const memories = []
  for (const size of bench.sizes) {
    const dataset = await bench.dataset(size)
    bench.log(`${KINDS[kind].name}, ${dataset.label}`)
    const figures = await measure(bench, dataset, kind)
    speeds.push(speedRow(figures, { kind, dataset, isJudged: bench.goalsApply(dataset) }))
    memories.push(memoryRow(figures, { kind, dataset }))
  }
  return [...speeds, ...memories]
}

async function measure(bench, dataset, kind) {
  const target = join(bench.work, 'landed')
  const memory = { ours: 0, limit: 0 }
  const run = async (which, name) => {
    const child = await Child.startModule(MODULE, which, dataset.input, target)
    await child.stop()
    const figures = JSON.parse(child.firstLine)
    if (figures.resources !== dataset.resources) {
      throw new Error(`${figures.resources} resources instead of ${dataset.resources}`)
    }
    memory[name] = Math.max(memory[name], figures.memoryMb)
    await rm(target, { recursive: true, force: true })
    return figures.seconds
  }
  const measures = await measureInTurn(
    { ours: () => run(kind, 'ours'), limit: () => run('limit', 'limit') },
    { runs: bench.options.runs, warmUps: 0, budgetSeconds: 40 },
  )
  return { ...measures, memory }
}

function speedRow({ ours, limit }, { kind, dataset, isJudged }) {
  const { group, name, goalPerSecond, note } = KINDS[kind]
  const { resources, bytes, label } = dataset
  const value = resources / ours.median
  const reference = resources / limit.median
  return {
    ...{ group, name: `${name}, ${label}`, unit: 'resources/s', value },
    ...{ low: resources / ours.high, high: resources / ours.low },
    megabytesPerSecond: bytes / ours.median / 1e6,
    ...{ limit: reference, ratio: value / reference, note },
    ...(isJudged && {
      goal: `≥ ${goalPerSecond.toLocaleString('en-US')}`,
      met: value >= goalPerSecond,
    }),
  }
}

function memoryRow({ memory }, { kind, dataset }) {
  const { group, name } = KINDS[kind]
  return {
    ...{ group, name: `memory of ${name}, ${dataset.label}`, unit: 'MB' },
    ...{ value: memory.ours, limit: memory.limit },
    ...{ goal: `< ${GOAL_MEMORY_MB} MB`, met: memory.ours < GOAL_MEMORY_MB, note: MEMORY_NOTE },
  }
}
