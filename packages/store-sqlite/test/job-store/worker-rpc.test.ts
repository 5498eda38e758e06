import { RequestInvalidError } from '@flatfhir/protocol'
import { afterEach, expect, test } from 'vitest'
import { connectWorker, type Transferred, type WorkerConnection } from '../../src/worker-rpc.ts'

interface Handlers {
  add(a: number, b: number): number
  addLater(a: number, b: number): Promise<number>
  size(bytes: Uint8Array): number
  make(size: number): Transferred<{ bytes: Uint8Array }>
  date(date: Date): Date
  throwOwn(): void
  throwForeign(): void
  throwProgrammer(): void
  exit(): void
  crash(): Promise<void>
}

const URL_OF_WORKER = new URL('./rpc-worker.mjs', import.meta.url)
const connections: WorkerConnection<Handlers>[] = []

async function connect(options: unknown = {}): Promise<WorkerConnection<Handlers>> {
  const connection = await connectWorker<Handlers>(URL_OF_WORKER, options)
  connections.push(connection)
  return connection
}

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()))
})

/** What a promise rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Every word of an error that could reach a log. */
function everyWordOf(error: unknown): string {
  return error instanceof Error
    ? `${error.stack ?? ''}${JSON.stringify(error, Object.getOwnPropertyNames(error))}`
    : ''
}

test('calls functions, synchronous or not, and hands results back', async () => {
  const worker = await connect()

  expect(await worker.call('add', 2, 3)).toBe(5)
  expect(await worker.call('addLater', 2, 3)).toBe(5)
  expect(await worker.call('date', new Date(7))).toEqual(new Date(7))
  expect(await worker.call('size', new Uint8Array(1_000_000))).toBe(1_000_000)
  const { bytes } = await worker.call('make', 1_000_000)
  expect([bytes.length, bytes[999_999]]).toEqual([1_000_000, 7])
})

test('answers a thousand calls at once, each with its own result', async () => {
  const worker = await connect()
  const numbers = Array.from({ length: 1000 }, (_, n) => n)

  const sums = await Promise.all(
    numbers.map((n) => worker.call(n % 2 === 0 ? 'add' : 'addLater', n, 1)),
  )

  expect(sums).toEqual(numbers.map((n) => n + 1))
})

test('carries errors of our own across as what they are', async () => {
  const worker = await connect()

  const error = await rejection(worker.call('throwOwn'))

  expect(error).toBeInstanceOf(RequestInvalidError)
  expect(error).toMatchObject({
    code: 'REQUEST_INVALID',
    issueType: 'not-found',
    message: 'No such thing',
    nextStep: 'Look elsewhere.',
    retryable: false,
  })
  expect(await worker.call('add', 1, 1)).toBe(2)
})

test('carries foreign errors across by their code, without their message', async () => {
  const worker = await connect()

  const error = await rejection(worker.call('throwForeign'))

  expect(error).toMatchObject({ code: 'STORE_FAILED', reason: 'EIO', isBulkDataError: true })
  expect(everyWordOf(error)).not.toContain('Smith')
})

test('carries mistakes of the programmer across', async () => {
  const worker = await connect()

  await expect(worker.call('throwProgrammer')).rejects.toThrow(new RangeError('Too far'))
  // @ts-expect-error: there is no such function.
  await expect(worker.call('missing')).rejects.toThrow(TypeError)
})

test.each(['exit', 'crash'] as const)(
  'rejects every call under way, and every later one, when the worker dies (%s)',
  async (how) => {
    const worker = await connect()

    const calls = [worker.call(how), worker.call(how)]
    const errors = await Promise.all(calls.map(rejection))
    errors.push(await rejection(worker.call('add', 1, 1)))

    for (const error of errors) {
      expect(error).toMatchObject({ code: 'STORE_WORKER_LOST' })
      expect(everyWordOf(error)).not.toContain('Smith')
    }
  },
)

test('finishes what it was asked before it closes, and refuses what comes later', async () => {
  const worker = await connect()

  const early = worker.call('addLater', 1, 2)
  const closing = worker.close()
  const late = rejection(worker.call('add', 1, 2))

  expect(await early).toBe(3)
  expect(await late).toMatchObject({ code: 'STORE_CLOSED' })
  await closing
  await worker.close()
})

test('throws what the worker threw when it was opened', async () => {
  const own = await rejection(connect({ refuse: 'own' }))
  const foreign = await rejection(connect({ refuse: 'foreign' }))

  expect(own).toMatchObject({ code: 'REQUEST_INVALID', nextStep: 'Go on.' })
  expect(foreign).toMatchObject({ code: 'STORE_FAILED', reason: 'Error' })
  expect(everyWordOf(foreign)).not.toContain('Smith')
})

test('throws when there is no such module', async () => {
  const url = new URL('./missing.mjs', import.meta.url)

  await expect(connectWorker(url, {})).rejects.toMatchObject({ code: 'STORE_WORKER_LOST' })
})
