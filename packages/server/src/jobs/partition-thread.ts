import { Worker } from 'node:worker_threads'
import type {
  FromPartitionWorker,
  PartitionResult,
  PartitionTask,
  PartitionWorkerOptions,
  ToPartitionWorker,
} from '../partition-worker/messages.ts'
import { errorCodeOf } from './errors.ts'

/** Whom a thread tells how far a task is. */
export interface TaskObserver {
  readonly onProgress: (bytes: number) => void
  /** From here on the thread can take another task. */
  readonly onFlushing: () => void
}

/** How a task ended, or that its thread was lost. */
export type ThreadResult =
  | PartitionResult
  | {
      readonly kind: 'lost'
      readonly errorCode: string
      /** Whether other tasks were lost with it, any of which may have been the cause. */
      readonly inCompany: boolean
    }

interface TaskUnderWay extends TaskObserver {
  readonly task: PartitionTask
  readonly resolve: (result: ThreadResult) => void
}

/** One worker thread that writes partitions, one at a time, and flushes those before meanwhile. */
export class PartitionThread {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  readonly #underWay = new Map<number, TaskUnderWay>()
  #lastTaskId = 0
  #lostCode: string | undefined
  #ended = false

  constructor(options: PartitionWorkerOptions) {
    // The compiled module: TypeScript rewrites import specifiers only.
    const url = new URL('../partition-worker/partition-worker.js', import.meta.url)
    this.#worker = new Worker(url, { workerData: options, name: 'flatfhir partition' })
    this.#worker.on('message', (message: FromPartitionWorker) => {
      this.#receive(message)
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

  /** Whether it has nothing to flush either. */
  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  /** Never rejects: what a thread that dies was doing is lost. */
  run(task: Omit<PartitionTask, 'taskId'>, observer: TaskObserver): Promise<ThreadResult> {
    this.#lastTaskId += 1
    const numbered: PartitionTask = { ...task, taskId: this.#lastTaskId }
    return new Promise((resolve) => {
      this.#underWay.set(numbered.taskId, { ...observer, task: numbered, resolve })
      this.#worker.ref()
      if (this.#ended) this.#lose()
      else this.#worker.postMessage({ kind: 'task', task: numbered } satisfies ToPartitionWorker)
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

  #receive(message: FromPartitionWorker): void {
    const underWay = this.#underWay.get(message.taskId)
    if (message.kind === 'progress') underWay?.onProgress(message.bytes)
    else if (message.kind === 'flushing') underWay?.onFlushing()
    else this.#finish(message.taskId, message.result)
  }

  #lose(): void {
    this.#ended = true
    const errorCode = this.#lostCode ?? 'WORKER_LOST'
    const inCompany = this.#underWay.size > 1
    for (const [taskId, { task }] of this.#underWay) {
      const aborted = task.abortFlag[0] === 1
      this.#finish(taskId, aborted ? { kind: 'aborted' } : { kind: 'lost', errorCode, inCompany })
    }
  }

  #finish(taskId: number, result: ThreadResult): void {
    const underWay = this.#underWay.get(taskId)
    this.#underWay.delete(taskId)
    // Idle, it lets the process end.
    if (this.#underWay.size === 0) this.#worker.unref()
    underWay?.resolve(result)
  }
}
