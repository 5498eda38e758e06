/** Something that waits for a worker. */
export interface QueuedItem<Value> {
  /** Turns are shared between clients first; `undefined` is one client as well. */
  readonly clientId: string | undefined
  /** Within a client, turns are shared between jobs. */
  readonly jobId: string
  /** Within a job, the largest goes first, so that no worker is left with it at the end. */
  readonly size: number
  readonly value: Value
}

/**
 * Decides whose turn it is: the client, and among its jobs the job, that has the fewest items
 * running; among equals the one that was served longest ago. So a small job waits for the end of at
 * most one item, however much work another client has brought.
 */
export class FairQueue<Value> {
  readonly #clients = new Map<string | undefined, Client<Value>>()
  #turn = 0

  add(item: QueuedItem<Value>): void {
    const client = getOrInsert(this.#clients, item.clientId, newClient<Value>)
    const job = getOrInsert(client.jobs, item.jobId, newJob<Value>)
    job.waiting.splice(placeOf(item.size, job.waiting), 0, item)
  }

  /** Hands out the next item, which counts as running until {@link FairQueue.ended}. */
  take(): QueuedItem<Value> | undefined {
    const client = nextOf(this.#clients, hasWaitingJob)
    const job = client && nextOf(client.jobs, hasWaitingItem)
    const item = job?.waiting.pop()
    if (client === undefined || job === undefined || item === undefined) return undefined
    this.#turn += 1
    for (const party of [client, job]) {
      party.running += 1
      party.servedAt = this.#turn
    }
    return item
  }

  /** An item that {@link FairQueue.take} handed out runs no more. */
  ended(item: QueuedItem<Value>): void {
    const client = this.#clients.get(item.clientId)
    const job = client?.jobs.get(item.jobId)
    if (client === undefined || job === undefined) return
    client.running -= 1
    job.running -= 1
    this.#forgetIdle(item)
  }

  /** Takes all waiting items of a job out of the queue. */
  remove({ clientId, jobId }: Pick<QueuedItem<Value>, 'clientId' | 'jobId'>): readonly Value[] {
    const waiting = this.#clients.get(clientId)?.jobs.get(jobId)?.waiting.splice(0) ?? []
    this.#forgetIdle({ clientId, jobId })
    return waiting.map((item) => item.value)
  }

  /** Takes everything that waits out of the queue. */
  clear(): readonly Value[] {
    const parties = [...this.#clients].flatMap(([clientId, { jobs }]) =>
      [...jobs.keys()].map((jobId) => ({ clientId, jobId })),
    )
    return parties.flatMap((party) => this.remove(party))
  }

  #forgetIdle({ clientId, jobId }: Pick<QueuedItem<Value>, 'clientId' | 'jobId'>): void {
    const client = this.#clients.get(clientId)
    const job = client?.jobs.get(jobId)
    if (client === undefined || job === undefined) return
    if (job.running === 0 && job.waiting.length === 0) client.jobs.delete(jobId)
    if (client.jobs.size === 0) this.#clients.delete(clientId)
  }
}

interface Party {
  running: number
  /** The turn in which it was served last; 0 if it never was. */
  servedAt: number
}

interface QueuedJob<Value> extends Party {
  /** From the smallest to the largest. */
  readonly waiting: QueuedItem<Value>[]
}

interface Client<Value> extends Party {
  readonly jobs: Map<string, QueuedJob<Value>>
}

/** Where an item of this size belongs; a job may have many thousands, so by halving. */
function placeOf(size: number, waiting: readonly { readonly size: number }[]): number {
  let from = 0
  let to = waiting.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((waiting[middle]?.size ?? 0) < size) from = middle + 1
    else to = middle
  }
  return from
}

function newClient<Value>(): Client<Value> {
  return { running: 0, servedAt: 0, jobs: new Map() }
}

function newJob<Value>(): QueuedJob<Value> {
  return { running: 0, servedAt: 0, waiting: [] }
}

function hasWaitingItem<Value>(job: QueuedJob<Value>): boolean {
  return job.waiting.length > 0
}

function hasWaitingJob<Value>(client: Client<Value>): boolean {
  for (const job of client.jobs.values()) if (hasWaitingItem(job)) return true
  return false
}

function nextOf<Key, P extends Party>(
  parties: ReadonlyMap<Key, P>,
  waits: (party: P) => boolean,
): P | undefined {
  let next: P | undefined
  for (const party of parties.values()) {
    if (!waits(party)) continue
    if (next === undefined || goesBefore(party, next)) next = party
  }
  return next
}

function goesBefore(a: Party, b: Party): boolean {
  return a.running === b.running ? a.servedAt < b.servedAt : a.running < b.running
}

function getOrInsert<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const made = make()
  map.set(key, made)
  return made
}
