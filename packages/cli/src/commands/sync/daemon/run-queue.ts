/** Something to run by itself, as far as others need the same. */
export interface QueuedRun {
  /** Runs of one name never overlap, and several that wait are one. */
  readonly name: string
  /** What it needs for itself, such as a source: no other run that needs the same goes on meanwhile. */
  readonly needs: readonly string[]
  /** Does it. Must not reject. */
  run(): Promise<void>
}

/** Runs what is due, in the order in which it became due, as far as it does not get in its own way. */
export class RunQueue {
  readonly #waiting = new Map<string, QueuedRun>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #inUse = new Set<string>()
  #closed = false

  /**
   * Has something run as soon as it can.
   *
   * @returns `false` when the same is waiting already, so that this time is not counted anew.
   */
  due(run: QueuedRun): boolean {
    if (this.#closed || this.#waiting.has(run.name)) return false
    this.#waiting.set(run.name, run)
    this.#startWhatCan()
    return true
  }

  isRunning(name: string): boolean {
    return this.#running.has(name)
  }

  /** Starts nothing more, and forgets what waits. */
  close(): void {
    this.#closed = true
    this.#waiting.clear()
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  #startWhatCan(): void {
    // Who waits longer comes first: what it needs is not given to a later one.
    const claimed = new Set(this.#inUse)
    for (const run of [...this.#waiting.values()]) {
      const needs = needsOf(run)
      if (needs.every((need) => !claimed.has(need))) this.#start(run, needs)
      for (const need of needs) claimed.add(need)
    }
  }

  #start(run: QueuedRun, needs: readonly string[]): void {
    this.#waiting.delete(run.name)
    for (const need of needs) this.#inUse.add(need)
    const ended = run.run().finally(() => {
      this.#running.delete(run.name)
      for (const need of needs) this.#inUse.delete(need)
      this.#startWhatCan()
    })
    this.#running.set(run.name, ended)
  }
}

function needsOf({ name, needs }: QueuedRun): readonly string[] {
  return [`run ${name}`, ...needs]
}
