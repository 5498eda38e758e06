// A Group of a million members: what importing, finding and changing it costs.
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { importResources, SqliteResourceStore } from '@flatfhir/store-sqlite'

const MEMBERS = 1_000_000
const CHANGED = 100
const IMPORT_GOAL_SECONDS = 60
const KICK_OFF_GOAL_MS = 200
/** Consecutive numbers times this are spread over all ids, as random ids are. */
const SPREAD = 2_654_435_761

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function rosterRows(bench) {
  bench.log(`a Group of ${MEMBERS} members`)
  const directory = join(bench.work, 'roster')
  await mkdir(directory, { recursive: true })
  const path = join(directory, 'group.ndjson')
  await writeGroup(path)
  const { seconds } = await importResources({ directory, paths: [path] })
  const store = await SqliteResourceStore.open({ directory })
  const { found, changed } = await measured(store).finally(() => store[Symbol.asyncDispose]())
  return [
    row('Import of a Group of 1,000,000 members', 's', {
      value: seconds,
      limit: IMPORT_GOAL_SECONDS,
    }),
    row('Looking for that Group at kick-off', 'ms', { value: found, limit: KICK_OFF_GOAL_MS }),
    row(`Adding ${CHANGED} members to it`, 'ms', { value: changed }),
  ]
}

async function measured(store) {
  const found = await milliseconds(() => store.head('Group', 'roster'))
  const add = Array.from({ length: CHANGED }, (_, index) => element(`new-${index}`))
  const changed = await milliseconds(() =>
    store.changeMembers({ groupId: 'roster', add, remove: [] }),
  )
  return { found, changed }
}

async function writeGroup(path) {
  const file = createWriteStream(path)
  file.write('{"resourceType":"Group","id":"roster","type":"person","actual":true,"member":[')
  for (let index = 0; index < MEMBERS; index += 1) {
    const id = ((index * SPREAD) % 2 ** 32).toString(16).padStart(32, '0')
    if (!file.write(`${index === 0 ? '' : ','}${element(id)}`)) await once(file, 'drain')
  }
  file.end(']}\n')
  await once(file, 'finish')
}

function element(id) {
  return JSON.stringify({ entity: { reference: `Patient/${id}` } })
}

async function milliseconds(work) {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function row(name, unit, { value, limit }) {
  return {
    group: 'roster',
    name,
    unit,
    value,
    low: value,
    high: value,
    ...(limit !== undefined && { goal: `≤ ${limit} ${unit}`, met: value <= limit }),
  }
}
