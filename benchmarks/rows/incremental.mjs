// What a sync costs after little has changed, beside the full run of the same warehouse.
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Child, startServer } from '../provider/child.mjs'
import { send } from '../provider/http-exports.mjs'

const MODULE = new URL('../landing/sync.mjs', import.meta.url)
/** One resource in a thousand changes. */
const CHANGED_EVERY = 1000
const EVERYBODY = 'bench-everybody'
const GOAL_SHARE = 0.02
const GOAL_PATIENTS = 3000
const LEVELS = [
  { level: 'system', group: '-', name: 'system' },
  { level: 'group', group: EVERYBODY, name: 'Group of everybody' },
]
const HEADERS = { 'content-type': 'application/fhir+json', accept: 'application/fhir+json' }
const PARTS = {
  seconds: {
    name: 'sync of 0.1 % changes',
    note: 'Kick-off over HTTP to commit in DuckDB, by a process of its own, without the overlap. At Group level the roster is exported first. Limit: the full run of the same warehouse.',
  },
  landingSeconds: {
    name: 'landing of 0.1 % changes',
    note: 'The part of the sync in which the warehouse is open: read, compare, commit. Limit: that of the full run.',
  },
  exportSeconds: {
    name: 'exports of 0.1 % changes',
    note: 'The part of the sync in which the exports run: the client asks for their status once a second, because `Retry-After` has no less. Limit: that of the full run.',
  },
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function incrementalRows(bench) {
  const rows = []
  for (const size of bench.sizes) {
    const dataset = await bench.dataset(size)
    const directory = await bench.store(size)
    await bench.close()
    bench.log(`incremental sync, ${dataset.label}`)
    const server = await startServer(directory)
    try {
      rows.push(...(await measure(bench, dataset, server.fhirBaseUrl)))
    } finally {
      await server.child.stop()
    }
  }
  return rows
}

async function measure(bench, dataset, url) {
  await makeGroup(url, join(dataset.input, 'Patient.ndjson'))
  const syncs = LEVELS.map((each) => ({ ...each, folder: join(bench.work, `sync-${each.level}`) }))
  const full = []
  for (const each of syncs) full.push(await sync(url, each, 'full'))
  const changed = await changeSome(url, dataset)
  const rows = []
  for (const [index, each] of syncs.entries()) {
    const delta = await sync(url, each, 'incremental')
    if (delta.written < changed * 0.9) {
      throw new Error(`${delta.written} changes were landed instead of ${changed}`)
    }
    rows.push(...rowsOf(bench, dataset, { each, delta, full: full[index] }))
    await rm(each.folder, { recursive: true, force: true })
  }
  return rows
}

async function sync(url, { level, group, folder }, kind) {
  const child = await Child.startModule(MODULE, url, level, group, folder)
  await child.stop()
  const figures = JSON.parse(child.firstLine)
  if (figures.kind !== kind) throw new Error(`The run was ${figures.kind} instead of ${kind}`)
  return figures
}

async function makeGroup(url, patients) {
  const member = []
  for await (const line of linesOf(patients)) {
    member.push({ entity: { reference: `Patient/${JSON.parse(line).id}` } })
  }
  const group = { resourceType: 'Group', id: EVERYBODY, type: 'person', actual: true, member }
  await put(url, group)
}

/** Spread over all files; Groups, which are large and no patient's, stay. @returns {Promise<number>} */
async function changeSome(url, { files }) {
  let line = 0
  let changed = 0
  for (const path of files.filter((each) => !each.endsWith('Group.ndjson'))) {
    for await (const text of linesOf(path)) {
      line += 1
      if (line % CHANGED_EVERY !== 0) continue
      await put(url, { ...JSON.parse(text), language: 'en-GB' })
      changed += 1
    }
  }
  return changed
}

async function put(url, resource) {
  const { resourceType, id } = resource
  const body = JSON.stringify(resource)
  const { status } = await send(`${url}/${resourceType}/${id}`, {
    method: 'PUT',
    headers: HEADERS,
    body,
  })
  if (status !== 200 && status !== 201) throw new Error(`A PUT was answered with ${status}`)
}

function linesOf(path) {
  return createInterface({ input: createReadStream(path), crlfDelay: Infinity })
}

function rowsOf(bench, dataset, { each, delta, full }) {
  return Object.entries(PARTS).map(([part, { name, note }]) => {
    const isJudged = part === 'seconds' && dataset.patients >= GOAL_PATIENTS
    const ratio = delta[part] / full[part]
    return {
      ...{ group: 'incremental', name: `${name}, ${each.name}, ${dataset.label}`, unit: 's' },
      ...{ value: delta[part], limit: full[part], ratio, note },
      ...(isJudged && { goal: `≤ ${GOAL_SHARE * 100} %`, met: ratio <= GOAL_SHARE }),
    }
  })
}
