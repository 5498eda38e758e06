// How fast a file leaves the server, beside nginx with the same file.
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { measureInTurn } from '../measure.mjs'
import { startFileServer } from '../limits/static-file.mjs'
import { startServer } from '../provider/child.mjs'
import { deleteExport, kickOff, manifestOf, send } from '../provider/http-exports.mjs'

const run = promisify(execFile)
const GOAL = 0.9
const ROUNDS = 9
const MIN_BYTES = 200e6
const MAX_FETCHES = 20
const ACCEPT_GZIP = { 'accept-encoding': 'gzip' }
/** Without --compressed, which would spend the time on decompression. */
const CURL = [
  ...['-sS', '--fail', '-H', 'accept-encoding: gzip'],
  ...['-w', '%{size_download} %{time_total}\\n'],
]
/** One file a type, as large as it comes. */
const LARGE_FILES = ['--partition-size', '4GiB', '--max-file-size', '4GiB']

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function servedRows(bench) {
  if (!(await hasCurl())) {
    bench.log('file served: left out, there is no curl')
    return []
  }
  const size = bench.sizes.at(-1)
  const dataset = await bench.dataset(size)
  const directory = await bench.store(size)
  await bench.close()
  const rows = []
  for (const compression of ['none', 'gzip']) {
    bench.log(`file served (${compression}), ${dataset.label}`)
    const figures = await measureServed(bench, directory, compression)
    rows.push(servedRow(figures, { compression, isJudged: bench.goalsApply(dataset) }))
  }
  return rows
}

async function measureServed(bench, directory, compression) {
  const flags = [...LARGE_FILES, '--compression', compression]
  const { child, fhirBaseUrl } = await startServer(directory, flags)
  try {
    const { statusUrl } = await kickOff(`${fhirBaseUrl}/$export`)
    const { url, bytes } = await largestFile(await manifestOf(statusUrl))
    const path = join(bench.work, `served-${compression}`)
    await download(url, path)
    const other = await startFileServer(path, bench.work)
    try {
      const kinds = { ours: () => curl(url, bytes), limit: () => curl(other.url, bytes) }
      const measures = await measureInTurn(kinds, { runs: ROUNDS, warmUps: 2 })
      return { ...measures, bytes, other: other.name }
    } finally {
      await other.stop()
      await deleteExport(statusUrl)
    }
  } finally {
    await child.stop()
  }
}

function servedRow({ ours, limit, bytes, other }, { compression, isJudged }) {
  const ratio = ours.median / limit.median
  const stored = compression === 'gzip' ? ', stored gzipped,' : ''
  return {
    group: 'served',
    name: `file served${stored} beside ${other}`,
    unit: 'MB/s',
    value: ours.median,
    low: ours.low,
    high: ours.high,
    limit: limit.median,
    ratio,
    ...(isJudged && { goal: `≥ ${GOAL * 100} %`, met: ratio >= GOAL }),
    note: `Bytes on the wire, fetched in turn by curl -o /dev/null; the file${stored} has ${(bytes / 1e6).toFixed(0)} MB. Limit: ${other} with the same file.`,
  }
}

/** By what goes over the wire. */
async function largestFile({ output }) {
  let largest = { url: '', bytes: -1 }
  for (const { url } of output) {
    const { headers } = await send(url, { method: 'HEAD', headers: ACCEPT_GZIP })
    const bytes = Number(headers['content-length'])
    if (bytes > largest.bytes) largest = { url, bytes }
  }
  return largest
}

async function download(url, path) {
  const [response] = await once(get(url, { headers: ACCEPT_GZIP }), 'response')
  await pipeline(response, createWriteStream(path))
}

/** A small file is fetched several times on one connection. @returns {Promise<number>} MB/s */
async function curl(url, expectedBytes) {
  const times = Math.ceil(MIN_BYTES / Math.max(expectedBytes, MIN_BYTES / MAX_FETCHES))
  const fetches = Array.from({ length: times }, () => ['-o', '/dev/null', url]).flat()
  const { stdout } = await run('curl', [...CURL, ...fetches])
  let total = 0
  for (const line of stdout.trim().split('\n')) {
    const [bytes, seconds] = line.split(' ').map(Number)
    if (bytes !== expectedBytes) throw new Error(`${bytes} bytes instead of ${expectedBytes}`)
    total += seconds
  }
  return (times * expectedBytes) / total / 1e6
}

async function hasCurl() {
  return run('curl', ['--version']).then(
    () => true,
    () => false,
  )
}
