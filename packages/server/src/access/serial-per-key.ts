/** Does one thing at a time for each key, in the order of the calls. */
export class SerialPerKey {
  readonly #last = new Map<string, Promise<unknown>>()

  /** @throws whatever `work` throws; the next one begins all the same. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const running = before.then(work)
    const settled = running.catch(() => undefined)
    this.#last.set(key, settled)
    try {
      return await running
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }
}
