/** One use of an assertion. */
export interface AssertionUse {
  readonly issuer: string
  readonly jti: string
  /** From then on nobody would take the assertion anyway, leeway included. */
  readonly expiresAt: Date
}

/**
 * Remembers which assertions were used, so that each is used once.
 *
 * Durable and atomic: of any number of calls for one assertion, in whatever processes and after
 * whatever crash, exactly one is answered `true`. Every implementation passes
 * `assertionReplayStoreContract` of the testkit package.
 */
export interface AssertionReplayStore {
  /**
   * @param now - An earlier use that has expired by then does not count.
   * @returns `true` when this is the first use, which is durable by then.
   */
  useOnce(use: AssertionUse, now: Date): Promise<boolean>

  /**
   * Forgets uses that have expired at `now`.
   *
   * @returns How many there were.
   */
  sweep(now: Date): Promise<number>
}
