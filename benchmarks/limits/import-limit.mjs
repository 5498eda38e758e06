// What an import cannot do without, and nothing else: parse each line, and insert its bytes into
// SQLite; one thread for each, with the store's own settings of the database.
import { once } from 'node:events'
import { closeSync, openSync, readSync } from 'node:fs'
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { secondsSince } from '../measure.mjs'

const CHUNK_BYTES = 4 * 1024 * 1024
const MAX_CHUNKS_UNDER_WAY = 2
const LINE_FEED = 0x0a

/**
 * @param {{ files: readonly string[], database: string }} options
 * @returns {Promise<number>} seconds
 */
export async function runImportLimit({ files, database }) {
  const startedAt = performance.now()
  const { port1, port2 } = new MessageChannel()
  const writer = start({ role: 'write', database, port: port1 })
  const reader = start({ role: 'read', files, port: port2 })
  await Promise.all([once(writer, 'exit'), once(reader, 'exit')])
  return secondsSince(startedAt)
}

function start(data) {
  return new Worker(fileURLToPath(import.meta.url), { workerData: data, transferList: [data.port] })
}

if (!isMainThread && parentPort !== null) {
  if (workerData.role === 'write') write(workerData)
  else if (workerData.role === 'read') await read(workerData)
}

async function read({ files, port }) {
  let underWay = 0
  port.on('message', () => {
    underWay -= 1
  })
  for (const path of files) {
    for (const lines of parsedBlocks(path)) {
      while (underWay >= MAX_CHUNKS_UNDER_WAY) await once(port, 'message')
      underWay += 1
      port.postMessage(lines, [lines.buffer])
    }
  }
  while (underWay > 0) await once(port, 'message')
  port.close()
}

/** Blocks of whole lines, each line parsed. */
function* parsedBlocks(path) {
  const file = openSync(path, 'r')
  let rest = new Uint8Array(0)
  for (;;) {
    const chunk = Buffer.from(new ArrayBuffer(Math.max(CHUNK_BYTES, 2 * rest.length)))
    chunk.set(rest)
    const end = rest.length + readSync(file, chunk, rest.length, chunk.length - rest.length, null)
    if (end === rest.length) break
    const lines = chunk.lastIndexOf(LINE_FEED, end - 1) + 1
    parseLines(chunk.subarray(0, lines))
    rest = Uint8Array.from(chunk.subarray(lines, end))
    if (lines > 0) yield new Uint8Array(chunk.buffer, 0, lines)
  }
  closeSync(file)
}

function parseLines(lines) {
  let start = 0
  for (let end = lines.indexOf(LINE_FEED); end !== -1; end = lines.indexOf(LINE_FEED, start)) {
    JSON.parse(lines.toString('utf8', start, end))
    start = end + 1
  }
}

function write({ database: path, port }) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA page_size = 16384')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA wal_autocheckpoint = 4096')
  database.exec('CREATE TABLE resource (key INTEGER PRIMARY KEY, body BLOB)')
  const insert = database.prepare('INSERT INTO resource (body) VALUES (?)')
  port.on('message', (lines) => {
    database.exec('BEGIN IMMEDIATE')
    insertLines(insert, lines)
    database.exec('COMMIT')
    port.postMessage('written')
  })
  port.on('close', () => {
    database.close()
  })
}

function insertLines(insert, lines) {
  let start = 0
  for (let end = lines.indexOf(LINE_FEED); end !== -1; end = lines.indexOf(LINE_FEED, start)) {
    insert.run(lines.subarray(start, end))
    start = end + 1
  }
}
