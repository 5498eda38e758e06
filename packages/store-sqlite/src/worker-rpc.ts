import { parentPort, Worker, workerData, type Transferable } from 'node:worker_threads'
import {
  describeError,
  reviveError,
  StoreClosedError,
  StoreWorkerLostError,
  type ErrorDescription,
} from './worker-errors.ts'

/*
 * Calls of functions in a worker thread, so that synchronous SQLite never blocks the thread that
 * answers HTTP.
 *
 * The worker's module calls `serveWorker` once; the parent gets hold of its functions with
 * `connectWorker`. Calls begin in the order in which they were made, and one that works
 * synchronously ends before the next begins. Arguments and results are structured-cloned; the
 * buffers of a result made by `transferred` are moved instead.
 */

/** A result whose buffers move to the caller instead of being copied. */
export class Transferred<Value> {
  readonly value: Value
  readonly transferList: readonly Transferable[]

  constructor(value: Value, transferList: readonly Transferable[]) {
    this.value = value
    this.transferList = transferList
  }
}

/** Marks buffers of a result to be moved; a `Buffer` of Node's pool must not be among them. */
export function transferred<Value>(
  value: Value,
  transferList: readonly Transferable[],
): Transferred<Value> {
  return new Transferred(value, transferList)
}

/** What a worker offers, and how it ends. */
export interface WorkerService<Handlers extends object> {
  /** Each property is a function that the parent may call, synchronous or not. */
  readonly handlers: Handlers
  /** Called once, after the last call was answered. */
  close(): void | Promise<void>
}

type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never
type Unwrapped<R> = R extends Transferred<infer V> ? V : R
type ResultOf<F> = F extends (...args: never[]) => infer R ? Unwrapped<Awaited<R>> : never

interface CallMessage {
  readonly kind: 'call'
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}
type ToWorker = CallMessage | { readonly kind: 'close' }
type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'not-opened'; readonly error: ErrorDescription }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ErrorDescription }

/**
 * Answers the parent's calls; for the module of a worker thread.
 *
 * @param open - Given the `options` of {@link connectWorker}, which throws what this throws.
 * @throws TypeError on a thread that is not a worker.
 */
export function serveWorker<Handlers extends object>(
  open: (options: unknown) => WorkerService<Handlers> | Promise<WorkerService<Handlers>>,
): void {
  if (parentPort === null) throw new TypeError('serveWorker is for worker threads')
  const port = parentPort
  const pending = new Set<Promise<void>>()
  const send = (message: FromWorker, transferList: readonly Transferable[] = []): void => {
    port.postMessage(message, transferList)
  }
  const opening = openService(open, send)
  port.on('message', (message: ToWorker) => {
    const work = opening.then(async (service) => {
      if (service === undefined) return
      if (message.kind === 'call') {
        await answer(service.handlers, message, send)
      } else {
        pending.delete(work)
        await Promise.all(pending)
        await service.close()
        send({ kind: 'closed' })
        port.close()
      }
    })
    pending.add(work)
    void work.finally(() => pending.delete(work))
  })
}

type Send = (message: FromWorker, transferList?: readonly Transferable[]) => void

async function openService<Handlers extends object>(
  open: (options: unknown) => WorkerService<Handlers> | Promise<WorkerService<Handlers>>,
  send: Send,
): Promise<WorkerService<Handlers> | undefined> {
  try {
    const service = await open(workerData)
    send({ kind: 'ready' })
    return service
  } catch (error) {
    send({ kind: 'not-opened', error: describeError(error) })
    return undefined
  }
}

async function answer(handlers: object, call: CallMessage, send: Send): Promise<void> {
  try {
    const handler = (handlers as Record<string, unknown>)[call.method]
    if (typeof handler !== 'function') throw new TypeError(`The worker has no ${call.method}`)
    const result: unknown = await Reflect.apply(handler, handlers, call.args)
    if (result instanceof Transferred) {
      send({ kind: 'result', id: call.id, value: result.value }, result.transferList)
    } else {
      send({ kind: 'result', id: call.id, value: result })
    }
  } catch (error) {
    send({ kind: 'error', id: call.id, error: describeError(error) })
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The parent's end of a worker thread, from {@link connectWorker}. Idle, it lets the process end. */
export class WorkerConnection<Handlers extends object> implements AsyncDisposable {
  readonly #worker: Worker
  readonly #pending = new Map<number, PendingCall>()
  #lastId = 0
  /** Why no more calls are taken. */
  #ended: Error | undefined
  #closing: Promise<void> | undefined
  #onClosed: () => void = () => undefined

  /** For {@link connectWorker}, which waits until the worker is ready. */
  constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: FromWorker) => {
      this.#receive(message)
    })
    worker.on('error', (error) => {
      const { name } = error
      this.#end(new StoreWorkerLostError(name))
    })
    worker.on('exit', (exitCode) => {
      this.#end(new StoreWorkerLostError(`exit code ${exitCode}`))
    })
    worker.unref()
  }

  /**
   * Calls a function of the worker.
   *
   * @throws What the function threw: flatfhir's own errors as such, all others as
   * {@link StoreFailedError} without their message. {@link StoreWorkerLostError} and
   * {@link StoreClosedError} when the worker is not there any more.
   */
  call<Method extends keyof Handlers & string>(
    method: Method,
    ...args: ArgumentsOf<Handlers[Method]>
  ): Promise<ResultOf<Handlers[Method]>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended)
        return
      }
      const id = (this.#lastId += 1)
      this.#worker.postMessage({ kind: 'call', id, method, args } satisfies ToWorker)
      // What the worker sends back is what the handler of this name returned.
      this.#pending.set(id, { resolve: resolve as PendingCall['resolve'], reject })
      this.#worker.ref()
    })
  }

  /** Lets the calls under way finish, closes the service, and ends the thread. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = new StoreClosedError()
      this.#worker.ref()
      await new Promise<void>((resolve) => {
        this.#onClosed = resolve
        this.#worker.postMessage({ kind: 'close' } satisfies ToWorker)
      })
    }
    await this.#worker.terminate()
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'closed') this.#onClosed()
    if (message.kind !== 'result' && message.kind !== 'error') return
    const call = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (this.#pending.size === 0 && this.#closing === undefined) this.#worker.unref()
    if (message.kind === 'result') call?.resolve(message.value)
    else call?.reject(reviveError(message.error))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const call of this.#pending.values()) call.reject(error)
    this.#pending.clear()
    this.#onClosed()
  }
}

/**
 * Starts a worker thread whose module calls {@link serveWorker}, and waits until it is ready.
 *
 * @param url - Of the compiled module: `new URL('./….js', import.meta.url)`.
 * @param options - Structured-cloneable; handed to the `open` of `serveWorker`.
 * @throws What `open` threw, as `WorkerConnection.call` does.
 */
export async function connectWorker<Handlers extends object>(
  url: URL,
  options: unknown,
): Promise<WorkerConnection<Handlers>> {
  const worker = new Worker(url, { workerData: options })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', (message: FromWorker) => {
      if (message.kind === 'not-opened') reject(reviveError(message.error))
      else resolve()
    })
    worker.once('error', (error) => {
      reject(new StoreWorkerLostError(error.name))
    })
    worker.once('exit', (exitCode) => {
      reject(new StoreWorkerLostError(`exit code ${exitCode}`))
    })
  }).catch(async (error: unknown) => {
    await worker.terminate()
    throw error
  })
  return new WorkerConnection<Handlers>(worker)
}
