import type {
  PartitionResult,
  PartitionTask,
  PartitionWorkerOptions,
} from '../partition-worker/messages.ts'
import { FairQueue, type QueuedItem } from './fair-queue.ts'
import { PartitionThread, type ThreadResult } from './partition-thread.ts'
import { within } from './within.ts'

/** How the threads are run. */
export interface PartitionSchedulerOptions {
  readonly workers: number
  readonly workerOptions: PartitionWorkerOptions
  /** How long an aborted task may take to end before its thread is ended, in milliseconds. */
  readonly graceMs: number
  readonly onWorkerLost: (errorCode: string) => void
}

/** A partition that is to be written when its turn comes. */
export interface PartitionRequest {
  readonly clientId: string | undefined
  readonly jobId: string
  readonly estimatedBytes: number
  /** Called when it is the partition's turn. */
  readonly task: Omit<PartitionTask, 'abortFlag' | 'taskId'>
  /** Called before the work begins; `false` calls it off. */
  readonly begin: () => Promise<boolean>
  readonly onProgress: (bytes: number) => void
}

interface Waiting {
  readonly request: PartitionRequest
  readonly resolve: (result: PartitionResult) => void
  readonly reject: (error: unknown) => void
}

interface Running {
  readonly jobId: string
  readonly abortFlag: Int32Array
  thread: PartitionThread | undefined
  /** Whether nothing is left to be written, only to be flushed. */
  written: boolean
  /** Never rejects. */
  ended: Promise<void>
}

const NEVER = new Promise<void>(() => undefined)
/** Partitions that are begun while every thread writes, so that none waits for the job store. */
const BEGUN_AHEAD = 1

/**
 * Shares a few worker threads fairly between the partitions of all jobs. Threads start when they are
 * first needed, and one that dies is replaced.
 */
export class PartitionScheduler {
  readonly #options: PartitionSchedulerOptions
  readonly #queue = new FairQueue<Waiting>()
  readonly #idle: PartitionThread[] = []
  readonly #waitingForThread: (() => void)[] = []
  readonly #lost = new WeakSet<PartitionThread>()
  #busyThreads = 0
  /** Begun, and not yet written. */
  #unwritten = 0
  readonly #running = new Set<Running>()
  #stopped = false

  constructor(options: PartitionSchedulerOptions) {
    this.#options = options
  }

  /**
   * Waits for the partition's turn and writes it.
   *
   * @returns `aborted` also where the turn never came.
   * @throws What `begin` throws.
   */
  run(request: PartitionRequest): Promise<PartitionResult> {
    if (this.#stopped) return Promise.resolve({ kind: 'aborted' })
    return new Promise((resolve, reject) => {
      const { clientId, jobId, estimatedBytes } = request
      this.#queue.add({
        clientId,
        jobId,
        size: estimatedBytes,
        value: { request, resolve, reject },
      })
      // Not at once: the caller may be about to bring larger partitions, which go first.
      queueMicrotask(() => {
        this.#dispatch()
      })
    })
  }

  /** Calls off a job's partitions, waiting and running; resolves when none of them runs any more. */
  async abort(job: {
    readonly clientId: string | undefined
    readonly jobId: string
  }): Promise<void> {
    for (const waiting of this.#queue.remove(job)) waiting.resolve({ kind: 'aborted' })
    const running = [...this.#running].filter(({ jobId }) => jobId === job.jobId)
    await Promise.all(running.map((task) => this.#abortRunning(task)))
  }

  /** Begins nothing more; what runs may go on for the grace period. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const waiting of this.#queue.clear()) waiting.resolve({ kind: 'aborted' })
    const running = [...this.#running]
    await within(this.#options.graceMs, Promise.all(running.map(({ ended }) => ended)))
    await Promise.all(running.map((task) => this.#abortRunning(task)))
    await Promise.all(this.#idle.splice(0).map((thread) => this.#close(thread)))
  }

  #dispatch(): void {
    while (!this.#stopped && this.#unwritten < this.#options.workers + BEGUN_AHEAD) {
      const item = this.#queue.take()
      if (item === undefined) return
      this.#start(item)
    }
  }

  #start(item: QueuedItem<Waiting>): void {
    const { request, resolve, reject } = item.value
    const abortFlag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const running: Running = {
      abortFlag,
      jobId: request.jobId,
      thread: undefined,
      written: false,
      ended: NEVER,
    }
    this.#running.add(running)
    this.#unwritten += 1
    running.ended = this.#write(request, running)
      .finally(() => {
        this.#running.delete(running)
        this.#queue.ended(item)
        this.#noteWritten(running)
      })
      .then(resolve, reject)
  }

  /**
   * A task whose thread was lost together with others has perhaps done nothing wrong. It begins anew,
   * on a thread of its own, where a loss would be its own.
   */
  async #write(
    request: PartitionRequest,
    running: Running,
    alone = false,
  ): Promise<PartitionResult> {
    if (!(await request.begin())) return { kind: 'aborted' }
    await this.#takeTurn()
    if (this.#stopped || Atomics.load(running.abortFlag, 0) !== 0) {
      this.#endTurn()
      return { kind: 'aborted' }
    }
    const result = await this.#writeInThread(request, running, alone)
    if (result.kind !== 'lost') return result
    if (result.inCompany) return this.#write(request, running, true)
    return { kind: 'failed', errorCode: result.errorCode }
  }

  async #writeInThread(
    request: PartitionRequest,
    running: Running,
    alone: boolean,
  ): Promise<ThreadResult> {
    const thread = this.#takeThread(alone)
    running.thread = thread
    let isWriting = true
    const endWriting = (): void => {
      if (!isWriting) return
      isWriting = false
      if (thread.lostCode === undefined) this.#idle.push(thread)
      this.#endTurn()
      this.#noteWritten(running)
    }
    const { onProgress } = request
    const task = { ...request.task, abortFlag: running.abortFlag }
    const onFlushing = alone ? (): void => undefined : endWriting
    const result = await thread.run(task, { onProgress, onFlushing })
    running.thread = undefined
    if (result.kind === 'lost') this.#reportLost(thread, result.errorCode)
    endWriting()
    return result
  }

  /** Makes room for another one to be begun. */
  #noteWritten(running: Running): void {
    if (running.written) return
    running.written = true
    this.#unwritten -= 1
    this.#dispatch()
  }

  /** Once a thread, however many tasks were lost with it. */
  #reportLost(thread: PartitionThread, errorCode: string): void {
    if (this.#lost.has(thread)) return
    this.#lost.add(thread)
    this.#options.onWorkerLost(errorCode)
  }

  #takeThread(alone: boolean): PartitionThread {
    const living = this.#idle.filter(({ lostCode }) => lostCode === undefined)
    const index = living.findLastIndex((thread) => !alone || thread.isIdle)
    const [taken] = index === -1 ? [] : living.splice(index, 1)
    this.#idle.splice(0, Infinity, ...living)
    return taken ?? new PartitionThread(this.#options.workerOptions)
  }

  /** Resolves when a thread is free. */
  async #takeTurn(): Promise<void> {
    if (this.#busyThreads < this.#options.workers) {
      this.#busyThreads += 1
      return
    }
    await new Promise<void>((resolve) => {
      this.#waitingForThread.push(resolve)
    })
  }

  #endTurn(): void {
    const next = this.#waitingForThread.shift()
    if (next === undefined) this.#busyThreads -= 1
    else next()
  }

  async #close(thread: PartitionThread): Promise<void> {
    await within(this.#options.graceMs, thread.close())
    await thread.terminate()
  }

  async #abortRunning(running: Running): Promise<void> {
    Atomics.store(running.abortFlag, 0, 1)
    await within(this.#options.graceMs, running.ended)
    await running.thread?.terminate()
    await running.ended
  }
}
