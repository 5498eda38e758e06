import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { errorCodeOf } from '../jobs/errors.ts'
import type { OutputFileStoreModule } from '../output-file-store.ts'
import type { PartitionReaderModule } from '../resource-store.ts'
import type {
  FromPartitionWorker,
  PartitionResult,
  PartitionTask,
  PartitionWorkerOptions,
  ToPartitionWorker,
} from './messages.ts'
import { writePartition, type PartitionWriterContext } from './write-partition.ts'

/*
 * A worker thread that writes partitions, one at a time, while those before are flushed. Its reader and its file store stay open
 * between partitions; where opening them fails, the task fails and the next one tries again.
 */

const PROGRESS_INTERVAL_MS = 50
/** Of 19: exports take what processor time is left by those who wait for an answer. */
const NICENESS = 10

if (parentPort === null) throw new TypeError('This module is for worker threads')
// Linux alone has a priority for each thread; elsewhere this would slow the whole process.
if (process.platform === 'linux') setPriority(NICENESS)
const port = parentPort
// Started by WorkerThread alone, whose options were typed.
const options = workerData as PartitionWorkerOptions
let context: PartitionWriterContext | undefined

port.on('message', (message: ToPartitionWorker) => {
  if (message.kind === 'task') void carryOut(message.task)
  else void close()
})

async function carryOut(task: PartitionTask): Promise<void> {
  const result = await run(task)
  send({ kind: 'ended', taskId: task.taskId, result })
}

function send(message: FromPartitionWorker): void {
  port.postMessage(message)
}

async function run(task: PartitionTask): Promise<PartitionResult> {
  try {
    context ??= await open()
    const { taskId } = task
    return await writePartition(task, {
      ...context,
      onProgress: throttledProgress(taskId),
      onFlushing: () => {
        send({ kind: 'flushing', taskId })
      },
    })
  } catch (error) {
    return { kind: 'failed', errorCode: errorCodeOf(error) }
  }
}

async function open(): Promise<PartitionWriterContext> {
  const { readerModule, filesModule } = options
  const readers = (await import(readerModule.url)) as PartitionReaderModule
  const stores = (await import(filesModule.url)) as OutputFileStoreModule
  const store = await stores.openOutputFileStore(filesModule.options)
  const reader = await readers.openPartitionReader(readerModule.options)
  return { reader, store, options }
}

function throttledProgress(taskId: number): (bytes: number) => void {
  let lastAt = performance.now()
  return (bytes) => {
    const now = performance.now()
    if (now - lastAt < PROGRESS_INTERVAL_MS) return
    lastAt = now
    send({ kind: 'progress', taskId, bytes })
  }
}

async function close(): Promise<void> {
  try {
    await context?.reader[Symbol.asyncDispose]()
    await context?.store[Symbol.asyncDispose]()
  } finally {
    port.close()
  }
}
