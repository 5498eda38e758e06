// How fast the client brings an export to disk, beside curl, sha256sum and wc in a row.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { cutFiles } from '../data/cut-files.mjs'
import { startFileServer } from '../limits/static-file.mjs'
import { measureInTurn, secondsSince } from '../measure.mjs'
import { Child } from '../provider/child.mjs'

const run = promisify(execFile)
const GOAL_MB_PER_SECOND = 250
const GOAL_FILES_PER_SECOND = 1000
const GOAL_MEMORY_MB = 150
const GOAL_FIRST_FILE_MS = 1000
/** "Flat": what the garbage collector feels like doing makes this much of a difference. */
const FLAT_GOAL = 1.3
const SMALL_FILE_LINES = 200
const BASELINE =
  '`curl -o`, `sha256sum` and `wc -l` in a row, on the same files from the same server.'
const NOTE = `Kick-off to receipt: every line checked and counted, references resolved, every file hashed, flushed and journaled. Limit: ${BASELINE} They check no line, and flush nothing.`
const MEMORY_NOTE =
  'Most memory (VmHWM) of the process that downloads. The ratio is growth from the smallest size.'
const FIRST_NOTE =
  'From the first page of the manifest to the start of the first body; slowest run.'

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function downloadRows(bench) {
  if (!(await canMeasure(bench))) return []
  const speeds = []
  const memories = []
  for (const size of bench.sizes) {
    const dataset = await bench.dataset(size)
    bench.log(`download, ${dataset.label}`)
    const figures = await measureDownload(bench, dataset.files)
    const name = `download, ${dataset.label}`
    const isJudged = bench.goalsApply(dataset)
    speeds.push(speedRow(figures, { name, isJudged }))
    memories.push(memoryRow(figures, { dataset, first: memories[0]?.value }))
    if (size === bench.sizes.at(-1)) memories.push(firstFileRow(figures, dataset))
  }
  return [...speeds, ...memories]
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function smallDownloadRows(bench) {
  if (!(await canMeasure(bench))) return []
  const dataset = await bench.dataset(bench.sizes.at(-1))
  const directory = join(bench.work, 'small-files')
  await cutFiles(dataset.files, { lines: SMALL_FILE_LINES, directory })
  const names = await readdir(directory)
  bench.log(`download, ${names.length} small files`)
  const figures = await measureDownload(
    bench,
    names.map((each) => join(directory, each)),
  )
  await rm(directory, { recursive: true, force: true })
  const files = names.length
  const [value, low, high] = spread(files, figures.ours)
  const limit = files / figures.limit.median
  const met = value >= GOAL_FILES_PER_SECOND
  const goal = `≥ ${GOAL_FILES_PER_SECOND.toLocaleString('en-US')}`
  return [
    {
      group: 'download-small',
      name: `download, ${files.toLocaleString('en-US')} files of ${SMALL_FILE_LINES} lines`,
      unit: 'files/s',
      ...{ value, low, high, limit, ratio: value / limit },
      megabytesPerSecond: figures.bytes / figures.ours.median / 1e6,
      ...(bench.goalsApply(dataset) && { goal, met }),
      note: NOTE,
    },
  ]
}

function speedRow({ ours, limit, bytes }, { name, isJudged }) {
  const [value, low, high] = spread(bytes / 1e6, ours)
  const reference = bytes / 1e6 / limit.median
  const met = value >= GOAL_MB_PER_SECOND && value > reference
  return {
    ...{ group: 'download', name, unit: 'MB/s' },
    ...{ value, low, high, limit: reference, ratio: value / reference },
    ...(isJudged && { goal: `≥ ${GOAL_MB_PER_SECOND}, and > 100 %`, met }),
    note: NOTE,
  }
}

function memoryRow({ memoryMb: value }, { dataset, first = value }) {
  const ratio = value / first
  return {
    ...{ group: 'download', name: `client memory, ${dataset.label}`, unit: 'MB' },
    ...{ value, ratio, ratioMeans: 'times' },
    goal: `≤ ${GOAL_MEMORY_MB} MB, flat`,
    met: value <= GOAL_MEMORY_MB && ratio <= FLAT_GOAL,
    note: MEMORY_NOTE,
  }
}

function firstFileRow({ firstFileMs: value }, { label }) {
  return {
    ...{ group: 'download', name: `first byte after the manifest, ${label}`, unit: 'ms', value },
    goal: `≤ ${GOAL_FIRST_FILE_MS}`,
    met: value <= GOAL_FIRST_FILE_MS,
    note: FIRST_NOTE,
  }
}

/** What seconds mean for an amount of work. */
function spread(amount, { median, low, high }) {
  return [amount / median, amount / high, amount / low]
}

/** All files lie in one folder. */
async function measureDownload(bench, files) {
  const [first = ''] = files
  const folder = join(first, '..')
  const target = join(bench.work, 'downloaded')
  const server = await startFileServer(first, bench.work)
  const module = new URL('../provider/plain-provider.mjs', import.meta.url)
  const provider = await Child.startModule(module, folder, server.url)
  try {
    const bytes = await totalBytes(files)
    const most = { memoryMb: 0, firstFileMs: 0 }
    const kinds = {
      ours: async () => {
        const figures = await download(provider.firstLine, target)
        if (figures.bytes !== bytes || figures.files !== files.length) {
          throw new Error(`${figures.bytes} bytes instead of ${bytes}`)
        }
        most.memoryMb = Math.max(most.memoryMb, figures.memoryMb)
        most.firstFileMs = Math.max(most.firstFileMs, figures.firstFileMs)
        return figures.seconds
      },
      limit: () => commandsInARow(files, { url: server.url, target }),
    }
    const { runs } = bench.options
    const measures = await measureInTurn(kinds, { runs, budgetSeconds: 60 })
    return { ...measures, ...most, bytes }
  } finally {
    await provider.stop()
    await server.stop()
    await rm(target, { recursive: true, force: true })
  }
}

async function download(url, target) {
  await rm(target, { recursive: true, force: true })
  const module = new URL('../provider/download-client.mjs', import.meta.url)
  const client = await Child.startModule(module, url, target)
  await client.stop()
  return JSON.parse(client.firstLine)
}

/** @returns {Promise<number>} Seconds. */
async function commandsInARow(files, { url, target }) {
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  const names = files.map((path) => basename(path))
  const requests = names.map(
    (name) => `url = "${new URL(name, url).href}"\noutput = "${join(target, name)}"\n`,
  )
  const configuration = join(target, 'requests')
  await writeFile(configuration, requests.join(''))
  const each = ['.', '-name', '*.ndjson', '-exec']
  const options = { cwd: target, maxBuffer: 64 * 1024 * 1024 }
  const startedAt = performance.now()
  await run('curl', ['-sS', '--fail', '-K', configuration], options)
  await run('find', [...each, 'sha256sum', '{}', '+'], options)
  await run('find', [...each, 'wc', '-l', '{}', '+'], options)
  return secondsSince(startedAt)
}

async function totalBytes(files) {
  let bytes = 0
  for (const path of files) bytes += (await stat(path)).size
  return bytes
}

async function canMeasure(bench) {
  const has = async (command) =>
    run(command, ['--version']).then(
      () => true,
      () => false,
    )
  const commands = await Promise.all(['curl', 'sha256sum', 'wc', 'find'].map(has))
  if (commands.every(Boolean) && existsSync('/proc/self/status')) return true
  bench.log('download: left out, it needs curl, sha256sum, wc, find and /proc')
  return false
}
