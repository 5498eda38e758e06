import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { migrate, openDatabase } from '../database.ts'
import { ResourceWriter } from '../resource-store/resource-writer.ts'
import { RESOURCE_MIGRATIONS } from '../resource-store/schema.ts'
import { describeError } from '../worker-errors.ts'
import { BatchWriter } from './batch-writer.ts'
import type { BatchMessage, WritingMessage, WritingOptions } from './import-messages.ts'

const CACHE_KIB = 128 * 1024
/** The log is copied back every so many pages: 256 MiB. */
const CHECKPOINT_PAGES = 16_384

if (parentPort === null) throw new TypeError('This module is for worker threads')
serve(parentPort, workerData as WritingOptions)

function serve(parent: MessagePort, options: WritingOptions): void {
  const tell = (message: WritingMessage): void => {
    parent.postMessage(message)
  }
  try {
    const database = openDatabase(options.path, { cacheKib: CACHE_KIB })
    migrate(database, RESOURCE_MIGRATIONS)
    // Rosters of any size are gathered in temporary tables.
    database.exec('PRAGMA temp_store = FILE')
    // Whole transactions may be lost with the power, not half ones: the import is flushed at its end.
    database.exec('PRAGMA synchronous = NORMAL')
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    const writer = new BatchWriter(new ResourceWriter(database), (counts) => {
      tell({ kind: 'written', counts })
    })
    takeBatches(options.ports, writer, {
      onEnd: () => {
        // Flushes the log before it copies it, however far that gets.
        database.exec('PRAGMA wal_checkpoint(PASSIVE)')
        database.close()
        tell({ kind: 'done' })
        parent.close()
      },
      onFailure: (error) => {
        tell({ kind: 'failed', error: describeError(error) })
      },
    })
  } catch (error) {
    tell({ kind: 'failed', error: describeError(error) })
  }
}

function takeBatches(
  ports: readonly MessagePort[],
  writer: BatchWriter,
  { onEnd, onFailure }: { onEnd: () => void; onFailure: (error: unknown) => void },
): void {
  let open = ports.length
  for (const port of ports) {
    port.on('message', (message: BatchMessage) => {
      try {
        open -= writer.take(message, port)
        if (open === 0) onEnd()
      } catch (error) {
        onFailure(error)
      }
    })
  }
}
