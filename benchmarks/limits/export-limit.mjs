// What an export cannot do without, and nothing else: read the bytes, hash them, perhaps compress
// them, write them, and flush them to the disk; on as many threads as there are cores.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { constants, deflateRawSync } from 'node:zlib'
import { secondsSince } from '../measure.mjs'

const CHUNK_BYTES = 768 * 1024

/** Threads that are kept between runs, as the product's are. */
export class ExportLimit {
  #threads = []

  /** @param {{ path: string, target: string, isGzip: boolean }} options `target`: prefix of the files written. */
  static async start({ path, target, isGzip }) {
    const limit = new ExportLimit()
    const { size } = statSync(path)
    const count = availableParallelism()
    for (let index = 0; index < count; index += 1) {
      const part = {
        from: Math.floor((size * index) / count),
        to: Math.floor((size * (index + 1)) / count),
      }
      const data = { path, target: `${target}-${index}`, isGzip, ...part }
      const thread = new Worker(fileURLToPath(import.meta.url), { workerData: data })
      await once(thread, 'online')
      limit.#threads.push(thread)
    }
    return limit
  }

  /** @returns {Promise<number>} seconds */
  async run() {
    const startedAt = performance.now()
    const done = this.#threads.map((thread) => once(thread, 'message'))
    for (const thread of this.#threads) thread.postMessage('go')
    await Promise.all(done)
    return secondsSince(startedAt)
  }

  async close() {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }
}

if (!isMainThread && parentPort !== null) {
  parentPort.on('message', () => {
    copy(workerData)
    parentPort.postMessage('done')
    rmSync(workerData.target)
  })
}

function copy({ path, target, from, to, isGzip }) {
  const input = openSync(path, 'r')
  const output = openSync(target, 'w')
  const hash = createHash('sha256')
  const storedHash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let at = from; at < to;) {
    const length = readSync(input, chunk, 0, Math.min(CHUNK_BYTES, to - at), at)
    at += length
    const bytes = chunk.subarray(0, length)
    hash.update(bytes)
    if (!isGzip) writeSync(output, bytes)
    else {
      const stored = compress(bytes)
      storedHash.update(stored)
      writeSync(output, stored)
    }
  }
  hash.digest()
  storedHash.digest()
  fsyncSync(output)
  closeSync(output)
  closeSync(input)
}

function compress(bytes) {
  return deflateRawSync(bytes, {
    level: constants.Z_BEST_SPEED,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: bytes.length >> 1 || 1024,
  })
}
