import { Worker } from 'node:worker_threads'
import type {
  FromPartitionWorker,
  PartitionResult,
  PartitionTask,
  PartitionWorkerOptions,
  ToPartitionWorker,
} from '../partition-worker/messages.ts'
import { errorCodeOf } from './errors.ts'

interface TaskUnderWay {
  readonly task: PartitionTask
  readonly onProgress: (bytes: number) => void
  readonly resolve: (result: PartitionResult) => void
}

/** One worker thread that writes partitions, one at a time. */
export class PartitionThread {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #underWay: TaskUnderWay | undefined
  #lostCode: string | undefined
  #ended = false

  constructor(options: PartitionWorkerOptions) {
    // The compiled module: TypeScript rewrites import specifiers only.
    const url = new URL('../partition-worker/partition-worker.js', import.meta.url)
    this.#worker = new Worker(url, { workerData: options, name: 'flatfhir partition' })
    this.#worker.on('message', (message: FromPartitionWorker) => {
      if (message.kind === 'progress') this.#underWay?.onProgress(message.bytes)
      else this.#finish(message)
    })
    this.#worker.on('error', (error) => {
      this.#lostCode = errorCodeOf(error)
    })
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#lose()
        resolve()
      })
    })
  }

  /** Why the thread ended by itself; `undefined` while it lives. */
  get lostCode(): string | undefined {
    return this.#ended ? (this.#lostCode ?? 'WORKER_LOST') : undefined
  }

  /** Never rejects: a thread that dies has failed its task. */
  run(task: PartitionTask, onProgress: (bytes: number) => void): Promise<PartitionResult> {
    return new Promise((resolve) => {
      this.#underWay = { task, onProgress, resolve }
      this.#worker.ref()
      if (this.#ended) this.#lose()
      else this.#worker.postMessage({ kind: 'task', task } satisfies ToPartitionWorker)
    })
  }

  /** Asks the thread to end after what it is doing. */
  async close(): Promise<void> {
    this.#worker.ref()
    if (!this.#ended) this.#worker.postMessage({ kind: 'close' } satisfies ToPartitionWorker)
    await this.#exited
  }

  /** Ends the thread at once, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #lose(): void {
    this.#ended = true
    const aborted = this.#underWay?.task.abortFlag[0] === 1
    this.#finish(
      aborted
        ? { kind: 'aborted' }
        : { kind: 'failed', errorCode: this.#lostCode ?? 'WORKER_LOST' },
    )
  }

  #finish(result: PartitionResult): void {
    const underWay = this.#underWay
    this.#underWay = undefined
    // Idle, it lets the process end.
    this.#worker.unref()
    underWay?.resolve(result)
  }
}
