import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { migrate, openDatabase, pause } from '../database.ts'
import { ResourceWriter } from '../resource-store/resource-writer.ts'
import { RESOURCE_MIGRATIONS } from '../resource-store/schema.ts'
import { describeError } from '../worker-errors.ts'
import { writesOf, type ImportBatch } from './import-batch.ts'
import type {
  BatchMessage,
  ImportCounts,
  WritingMessage,
  WritingOptions,
} from './import-messages.ts'

/** Time left between two transactions for other processes to take the write lock. */
const PAUSE_MS = 2
const CACHE_KIB = 192 * 1024

if (parentPort === null) throw new TypeError('This module is for worker threads')
serve(parentPort, workerData as WritingOptions)

function serve(parent: MessagePort, { path, ports }: WritingOptions): void {
  const tell = (message: WritingMessage): void => {
    parent.postMessage(message)
  }
  try {
    const database = openDatabase(path, { cacheKib: CACHE_KIB })
    migrate(database, RESOURCE_MIGRATIONS)
    // Whole transactions may be lost with the power, not half ones: the import is flushed at its end.
    database.exec('PRAGMA synchronous = NORMAL')
    const writer = new ResourceWriter(database)
    let open = ports.length
    for (const port of ports) {
      port.on('message', (message: BatchMessage) => {
        if (message.kind === 'batch') {
          take(message.batch, port)
          return
        }
        open -= 1
        if (open > 0) return
        // Flushes the log before it copies it, however far that gets.
        database.exec('PRAGMA wal_checkpoint(PASSIVE)')
        database.close()
        tell({ kind: 'done' })
        parent.close()
      })
    }

    function take(batch: ImportBatch, port: MessagePort): void {
      try {
        tell({ kind: 'written', counts: writeBatch(writer, batch) })
        port.postMessage('written')
        pause(PAUSE_MS)
      } catch (error) {
        tell({ kind: 'failed', error: describeError(error) })
      }
    }
  } catch (error) {
    tell({ kind: 'failed', error: describeError(error) })
  }
}

function writeBatch(writer: ResourceWriter, batch: ImportBatch): ImportCounts {
  const counts = { created: 0, updated: 0, unchanged: 0, deleted: 0, absent: 0 }
  writer.transaction(() => {
    for (const write of writesOf(batch)) {
      const effect =
        'put' in write ? writer.put(write.put) : writer.delete(write.delete.code, write.delete.id)
      counts[effect.state] += 1
    }
  })
  const { created, updated, unchanged, deleted } = counts
  return { created, updated, unchanged, deleted, bytes: batch.bytes.length }
}
