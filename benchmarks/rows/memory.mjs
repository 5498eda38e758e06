// The most memory that the server ever has, at each size of the population.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { TENTH_GROUP } from '../data/dataset.mjs'
import { Child, startServer } from '../provider/child.mjs'
import { deleteExport, drain, kickOff, manifestOf } from '../provider/http-exports.mjs'

const GOAL_MB = 400
/** "Flat": what the garbage collector feels like doing makes this much of a difference. */
const FLAT_GOAL = 1.3
/** Two threads of the resource store, one of the job store. */
const STORE_THREADS = 3
const NOTE =
  'Most memory (VmHWM) of `flatfhir serve` in a system and a Group export and the download of every file, gzipped and not. Limit: a Node process with as many idle threads. The ratio is growth from the smallest size.'

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function memoryRows(bench) {
  if (!existsSync('/proc/self/status')) {
    bench.log('server memory: left out, there is no /proc on this system')
    return []
  }
  const limit = await idleMemory()
  const rows = []
  for (const size of bench.sizes) {
    const { label } = await bench.dataset(size)
    const directory = await bench.store(size)
    await bench.close()
    bench.log(`server memory, ${label}`)
    const value = await measure(directory)
    const ratio = value / (rows[0]?.value ?? value)
    const goal = `≤ ${GOAL_MB} MB, flat`
    const met = value <= GOAL_MB && ratio <= FLAT_GOAL
    const figures = { value, limit, ratio, ratioMeans: 'times', goal, met }
    rows.push({
      group: 'memory',
      name: `server memory, ${label}`,
      unit: 'MB',
      ...figures,
      note: NOTE,
    })
  }
  return rows
}

async function measure(directory) {
  const { child, fhirBaseUrl } = await startServer(directory)
  try {
    await exportAndDownload(`${fhirBaseUrl}/$export`)
    await exportAndDownload(`${fhirBaseUrl}/Group/${TENTH_GROUP}/$export`)
    return await child.memory('VmHWM')
  } finally {
    await child.stop()
  }
}

async function exportAndDownload(url) {
  const { statusUrl } = await kickOff(url)
  const { output } = await manifestOf(statusUrl)
  for (const file of output) {
    await drain(file.url, { headers: { 'accept-encoding': 'gzip' } })
    await drain(file.url)
  }
  await deleteExport(statusUrl)
}

async function idleMemory() {
  const threads = STORE_THREADS + availableParallelism()
  const url = new URL('../limits/idle-threads.mjs', import.meta.url)
  const child = await Child.startModule(url, String(threads))
  try {
    return await child.memory('VmHWM')
  } finally {
    await child.stop()
  }
}
