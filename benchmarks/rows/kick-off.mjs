// How long a client waits for its kick-off to be accepted while the server is busy exporting.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../measure.mjs'
import { Child, startServer } from '../provider/child.mjs'
import { deleteExport, isInProgress, kickOff, send } from '../provider/http-exports.mjs'

const SAMPLES = 200
const MAX_SECONDS = 60
const PAUSE_MS = 10
const GOAL_MS = 50
const NOTE =
  'Kick-offs of small exports over HTTP while a system export keeps every core busy. Limit: a bare node:http server that flushes 4 KiB to the same disk before it answers, asked in turn at the same time.'

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function kickOffRows(bench) {
  const size = bench.sizes.at(-1)
  const dataset = await bench.dataset(size)
  const directory = await bench.store(size)
  await bench.close()
  bench.log(`kick-off latency, ${dataset.label}`)
  const server = await startServer(directory)
  const flushModule = new URL('../limits/flush-server.mjs', import.meta.url)
  const flushServer = await Child.startModule(flushModule, join(bench.work, 'flushed'))
  try {
    const samples = await sample(server.fhirBaseUrl, flushServer.firstLine)
    return [50, 99].map((percent) =>
      latencyRow(samples, { percent, label: dataset.label, isJudged: bench.goalsApply(dataset) }),
    )
  } finally {
    await server.child.stop()
    await flushServer.stop()
  }
}

async function sample(fhirBaseUrl, flushUrl) {
  const ours = []
  const limit = []
  const load = new Load(fhirBaseUrl)
  const deadline = performance.now() + MAX_SECONDS * 1000
  while (ours.length < SAMPLES && performance.now() < deadline) {
    await load.keepUp()
    const { statusUrl, seconds } = await kickOff(`${fhirBaseUrl}/$export?_type=Organization`)
    const flush = await send(flushUrl)
    // Only what was answered while the large export ran counts.
    if (await load.isRunning()) {
      ours.push(seconds * 1000)
      limit.push(flush.seconds * 1000)
    }
    await deleteExport(statusUrl)
    await delay(PAUSE_MS)
  }
  await load.stop()
  if (ours.length === 0) throw new Error('The export was over before a kick-off was answered')
  return { ours, limit }
}

/** One large export after the other. */
class Load {
  #fhirBaseUrl
  #statusUrl

  constructor(fhirBaseUrl) {
    this.#fhirBaseUrl = fhirBaseUrl
  }

  async keepUp() {
    if (await this.isRunning()) return
    await this.stop()
    this.#statusUrl = (await kickOff(`${this.#fhirBaseUrl}/$export`)).statusUrl
  }

  async isRunning() {
    return this.#statusUrl !== undefined && (await isInProgress(this.#statusUrl))
  }

  async stop() {
    if (this.#statusUrl !== undefined) await deleteExport(this.#statusUrl)
    this.#statusUrl = undefined
  }
}

function latencyRow({ ours, limit }, { percent, label, isJudged }) {
  const value = percentile(ours, percent)
  const bound = percentile(limit, percent)
  return {
    group: 'kick-off',
    name: `kick-off while an export runs, p${percent} of ${ours.length}, ${label}`,
    unit: 'ms',
    value,
    low: Math.min(...ours),
    high: Math.max(...ours),
    limit: bound,
    ratio: value / bound,
    ratioMeans: 'times',
    ...(isJudged && percent === 99 && { goal: `≤ ${GOAL_MS} ms`, met: value <= GOAL_MS }),
    note: NOTE,
  }
}
