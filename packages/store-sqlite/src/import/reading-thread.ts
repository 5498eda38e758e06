import { once } from 'node:events'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { FileImporter } from './file-importer.ts'
import { transferList } from './import-batch.ts'
import type {
  BatchMessage,
  ReadingMessage,
  ReadingOptions,
  ReadingRequest,
} from './import-messages.ts'

/** Batches that may be on their way at once; with it, memory is bounded. */
const MAX_BATCHES_UNDER_WAY = 2

if (parentPort === null) throw new TypeError('This module is for worker threads')
serve(parentPort, workerData as ReadingOptions)

function serve(parent: MessagePort, { batches, maxLineBytes }: ReadingOptions): void {
  let underWay = 0
  batches.on('message', () => {
    underWay -= 1
  })
  const send = async (message: BatchMessage): Promise<void> => {
    while (underWay >= MAX_BATCHES_UNDER_WAY) await once(batches, 'message')
    underWay += 1
    batches.postMessage(message, message.kind === 'batch' ? transferList(message.batch) : [])
  }
  const tell = (message: ReadingMessage): void => {
    parent.postMessage(message)
  }
  const report: (problem: Extract<ReadingMessage, { kind: 'problem' }>['problem']) => void = (
    problem,
  ) => {
    tell({ kind: 'problem', problem })
  }
  const importer = new FileImporter({ send, report }, maxLineBytes)
  parent.on('message', (request: ReadingRequest) => {
    void carryOut(request).catch((error: unknown) => {
      // Ends the thread with the error, which the parent sees.
      queueMicrotask(() => {
        throw error
      })
    })
  })

  async function carryOut(request: ReadingRequest): Promise<void> {
    if (request.kind === 'read') {
      await importer.read(request.source)
      tell({ kind: 'file-read' })
      return
    }
    await importer.flush()
    batches.postMessage({ kind: 'end' } satisfies BatchMessage)
    while (underWay > 0) await once(batches, 'message')
    batches.close()
    parent.close()
  }
}
