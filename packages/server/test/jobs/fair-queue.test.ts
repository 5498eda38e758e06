import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairQueue, type QueuedItem } from '../../src/jobs/fair-queue.ts'

/** Adds items named `client/job/size`. */
function queueOf(...names: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>()
  for (const name of names) queue.add(itemOf(name))
  return queue
}

function itemOf(name: string): QueuedItem<string> {
  const [clientId, jobId = '', size] = name.split('/')
  return { clientId, jobId, size: Number(size), value: name }
}

/** Takes everything, one at a time, as a single worker does. */
function takeAll(queue: FairQueue<string>): readonly string[] {
  const taken: string[] = []
  for (let item = queue.take(); item !== undefined; item = queue.take()) {
    taken.push(item.value)
    queue.ended(item)
  }
  return taken
}

test('hands out the largest of a job first, and of equals the one that came first', () => {
  expect(takeAll(queueOf('a/1/5', 'a/1/9', 'a/1/1', 'a/1/7'))).toEqual([
    'a/1/9',
    'a/1/7',
    'a/1/5',
    'a/1/1',
  ])
})

test('takes turns between clients, however many jobs one of them has', () => {
  const queue = queueOf('a/1/1', 'a/2/1', 'a/3/1', 'b/4/1', 'b/4/2')

  expect(takeAll(queue)).toEqual(['a/1/1', 'b/4/2', 'a/2/1', 'b/4/1', 'a/3/1'])
})

test('gives a newcomer the next turn while others have work running', () => {
  const queue = queueOf('a/1/3', 'a/1/2', 'a/1/1')
  queue.take()

  queue.add(itemOf('b/2/1'))

  expect(queue.take()?.value).toBe('b/2/1')
})

test('gives the next turn to the client with the fewest items running', () => {
  const queue = queueOf('a/1/4', 'a/1/3', 'b/2/4', 'b/2/3')
  const first = queue.take()
  const second = queue.take()
  if (first === undefined || second === undefined) throw new Error('Nothing to take')

  queue.ended(second)

  expect(queue.take()?.clientId).toBe(second.clientId)
})

test('removes what waits of one job and nothing else', () => {
  const queue = queueOf('a/1/1', 'a/1/2', 'a/2/1', 'b/1/1')

  expect(queue.remove({ clientId: 'a', jobId: '1' })).toEqual(['a/1/1', 'a/1/2'])
  expect(queue.remove({ clientId: 'a', jobId: '1' })).toEqual([])

  expect([...takeAll(queue)].sort()).toEqual(['a/2/1', 'b/1/1'])
})

test('can be cleared', () => {
  const queue = queueOf('a/1/1', 'a/2/1', 'b/1/1')

  expect([...queue.clear()].sort()).toEqual(['a/1/1', 'a/2/1', 'b/1/1'])

  expect(queue.take()).toBeUndefined()
})

test('hands out everything once, and lets no client wait for the rest of another', () => {
  const items = fc.array(
    fc.record({
      clientId: fc.constantFrom('a', 'b', 'c', undefined),
      jobId: fc.constantFrom('1', '2', '3'),
      size: fc.nat(5),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 4 }), (entries, workers) => {
      const queue = new FairQueue<number>()
      for (const [value, entry] of entries.entries()) queue.add({ ...entry, value })
      const clients = new Set(entries.map(({ clientId }) => clientId))

      const running: QueuedItem<number>[] = []
      const order: QueuedItem<number>[] = []
      for (let item = queue.take(); item !== undefined; item = queue.take()) {
        order.push(item)
        running.push(item)
        const oldest = running.length >= workers ? running.shift() : undefined
        if (oldest !== undefined) queue.ended(oldest)
      }

      expect(order.map(({ value }) => value).sort((a, b) => a - b)).toEqual([...entries.keys()])
      // Every client has its first turn before any client has a third.
      const firstTurns = order.slice(0, clients.size * 2)
      expect(new Set(firstTurns.map(({ clientId }) => clientId))).toEqual(clients)
    }),
  )
})
