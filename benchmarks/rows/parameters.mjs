// What kick-off parameters cost: those that look at every resource, and how early files can be had.
import { setTimeout as delay } from 'node:timers/promises'
import { measureInTurn, secondsSince, summarize } from '../measure.mjs'
import { startServer } from '../provider/child.mjs'
import { deleteExport, drain, kickOff, send } from '../provider/http-exports.mjs'

const SCAN_GOAL = 60_000
const FIRST_FILE_GOAL_SECONDS = 3
const POLL_MS = 20
const FIRST_FILE_RUNS = 3

const TYPE_FILTER = {
  type: 'Observation',
  anyOf: ['category=laboratory&date=ge2015-01-01', 'category=vital-signs&status=final'],
  origin: 'type-filter',
}
const TYPE_FILTER_NOTE =
  'Observations scanned a second: every one is parsed and asked about two searches of two parameters each. Limit: the same export without a filter. Plain files; the data is what is written.'
const ELEMENTS_NOTE =
  'Resources of all types scanned a second, with the elements `subject`, `code` and `meta`. Limit: the same export with all elements. Plain files; the data is what is written.'
const FIRST_FILE_NOTE =
  'From the kick-off of a system export with allowPartialManifests, over HTTP, until the first file has been fetched in full; ratio: to the time until the export is complete.'

/** @typedef {import('../report.mjs').Row} Row */

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export const typeFilterRows = (bench) =>
  scanRows(bench, {
    group: 'type-filter',
    name: '_typeFilter',
    query: { level: 'system', types: ['Observation'], restrictions: [TYPE_FILTER] },
    plain: { level: 'system', types: ['Observation'] },
    note: TYPE_FILTER_NOTE,
  })

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export const elementsRows = (bench) =>
  scanRows(bench, {
    group: 'elements',
    name: '_elements',
    query: {
      level: 'system',
      elements: [{ element: 'subject' }, { element: 'code' }, { element: 'meta' }],
    },
    plain: { level: 'system' },
    note: ELEMENTS_NOTE,
  })

async function scanRows(bench, { group, name, query, plain, note }) {
  const rows = []
  for (const size of bench.sizes) {
    const dataset = await bench.dataset(size)
    const runner = await bench.runner(size, 'none')
    bench.log(`${name}, ${dataset.label}`)
    const scanned = (await runner.run(plain)).resources
    let bytes = 0
    const kinds = {
      ours: async () => {
        const figures = await runner.run(query)
        if (figures.resources === 0) throw new Error(`${name} leaves nothing`)
        bytes = figures.bytes
        return figures.seconds
      },
      limit: async () => (await runner.run(plain)).seconds,
    }
    const { ours, limit } = await measureInTurn(kinds, { runs: bench.options.runs })
    const value = scanned / ours.median
    rows.push({
      ...{ group, name: `${name}, ${dataset.label}`, unit: 'resources/s', value },
      low: scanned / ours.high,
      high: scanned / ours.low,
      megabytesPerSecond: bytes / ours.median / 1e6,
      limit: scanned / limit.median,
      ratio: limit.median / ours.median,
      ...(bench.goalsApply(dataset) && {
        goal: `≥ ${SCAN_GOAL.toLocaleString('en-US')}`,
        met: value >= SCAN_GOAL,
      }),
      note,
    })
  }
  return rows
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export async function partialManifestRows(bench) {
  const size = bench.sizes.at(-1)
  const dataset = await bench.dataset(size)
  const directory = await bench.store(size)
  await bench.close()
  bench.log(`partial manifest, ${dataset.label}`)
  const { child, fhirBaseUrl } = await startServer(directory)
  const first = []
  const whole = []
  try {
    for (let run = 0; run < FIRST_FILE_RUNS; run += 1) {
      const seconds = await timePartial(fhirBaseUrl)
      first.push(seconds.first)
      whole.push(seconds.whole)
    }
  } finally {
    await child.stop()
  }
  const { median, low, high } = summarize(first)
  return [
    {
      ...{ group: 'partial-manifest', name: `first file of an export, ${dataset.label}` },
      ...{ unit: 's', value: median, low, high },
      limit: summarize(whole).median,
      ratio: median / summarize(whole).median,
      goal: `≤ ${FIRST_FILE_GOAL_SECONDS} s`,
      met: high <= FIRST_FILE_GOAL_SECONDS,
      note: FIRST_FILE_NOTE,
    },
  ]
}

async function timePartial(fhirBaseUrl) {
  const startedAt = performance.now()
  const { statusUrl } = await kickOff(`${fhirBaseUrl}/$export?allowPartialManifests=true`)
  let first
  for (;;) {
    const { status, text } = await send(statusUrl)
    if (status !== 200 && status !== 202) throw new Error(`The status was answered with ${status}`)
    const url = first === undefined && text !== '' ? JSON.parse(text).output[0]?.url : undefined
    if (url !== undefined) {
      await drain(url)
      first = secondsSince(startedAt)
    }
    if (status === 200) break
    await delay(POLL_MS)
  }
  const whole = secondsSince(startedAt)
  await deleteExport(statusUrl)
  return { first, whole }
}
