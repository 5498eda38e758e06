import { Worker } from 'node:worker_threads'
import type { LineReport, LineRules } from './line-check.ts'

/** From the pool to a worker thread. */
export interface LineCheckRequest {
  readonly id: number
  readonly buffer: ArrayBuffer
  readonly length: number
  readonly rules: LineRules
}

/** From a worker thread to the pool. */
export interface LineCheckReply {
  readonly id: number
  readonly buffer: ArrayBuffer
  readonly report: LineReport
}

/** Size of the blocks that lines are handed over in. */
export const BLOCK_BYTES: number = 512 * 1024

const MAX_FREE_BLOCKS = 8

interface Pending {
  readonly resolve: (report: LineReport) => void
  readonly reject: (error: Error) => void
}

/**
 * Worker threads that check lines, and the blocks of memory that lines travel in.
 *
 * `JSON.parse` of every line is the dearest part of a download; here it runs beside the thread that
 * moves the bytes. A block changes hands without a copy and comes back to be filled again.
 */
export class LineCheckPool implements AsyncDisposable {
  readonly #size: number
  readonly #workers: PoolWorker[] = []
  readonly #free: ArrayBuffer[] = []
  #nextId = 0

  constructor(threads: number) {
    this.#size = threads
  }

  /** A block to fill: a used one where there is one, and of its own size only when it must be. */
  takeBlock(bytes: number = BLOCK_BYTES): Buffer {
    const used = bytes === BLOCK_BYTES ? this.#free.pop() : undefined
    return Buffer.from(used ?? new ArrayBuffer(bytes))
  }

  /** Gives a block back that was not sent to {@link check}. */
  returnBlock(block: Buffer): void {
    this.#recycle(block.buffer as ArrayBuffer)
  }

  /**
   * Checks whole lines in another thread.
   *
   * @param block - From {@link takeBlock}; not to be touched again.
   * @param length - Bytes of it that hold lines.
   */
  async check(block: Buffer, length: number, rules: LineRules): Promise<LineReport> {
    const id = this.#nextId
    this.#nextId += 1
    const buffer = block.buffer as ArrayBuffer
    return this.#leastBusy().check({ id, buffer, length, rules })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #leastBusy(): PoolWorker {
    let best: PoolWorker | undefined
    for (const worker of this.#workers) {
      if (best === undefined || worker.pending < best.pending) best = worker
    }
    // Threads are started when there is work for them: a small export needs one at most.
    if (best !== undefined && (best.pending === 0 || this.#workers.length === this.#size)) {
      return best
    }
    const started = new PoolWorker((buffer) => {
      this.#recycle(buffer)
    })
    this.#workers.push(started)
    return started
  }

  #recycle(buffer: ArrayBuffer): void {
    if (buffer.byteLength === BLOCK_BYTES && this.#free.length < MAX_FREE_BLOCKS) {
      this.#free.push(buffer)
    }
  }
}

class PoolWorker {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #failure: Error | undefined

  constructor(recycle: (buffer: ArrayBuffer) => void) {
    this.#worker = new Worker(new URL('./line-check-worker.js', import.meta.url), {
      // A small young generation keeps the garbage of JSON.parse from piling up.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
      execArgv: [],
    })
    this.#worker.on('message', ({ id, buffer, report }: LineCheckReply) => {
      recycle(buffer)
      this.#pending.get(id)?.resolve(report)
      this.#pending.delete(id)
    })
    this.#worker.on('error', (error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error('A verification thread failed'))
    })
    this.#worker.on('exit', () => {
      this.#fail(new Error('A verification thread ended'))
    })
  }

  get pending(): number {
    return this.#pending.size
  }

  async check(request: LineCheckRequest): Promise<LineReport> {
    if (this.#failure !== undefined) throw this.#failure
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject })
      this.#worker.postMessage(request, [request.buffer])
    })
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}
