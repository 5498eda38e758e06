/** Closes what was opened, last first, whatever happens on the way. */
export class ClosingStack implements AsyncDisposable {
  readonly #closers: (() => PromiseLike<void>)[] = []

  /** Closes `opened` when the stack is closed, before everything that was added earlier. */
  use<T extends AsyncDisposable>(opened: T): T {
    this.defer(async () => opened[Symbol.asyncDispose]())
    return opened
  }

  /** Calls `close` when the stack is closed. */
  defer(close: () => PromiseLike<void>): void {
    this.#closers.push(close)
  }

  /** Throws the first error, after everything was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
