/**
 * Lets one holder at a time write, among processes too. Who dies while he holds it has let go of it:
 * the operating system sees to that.
 */
export interface ExclusiveLock extends AsyncDisposable {
  /**
   * Waits until nobody else holds the lock, then holds it.
   *
   * @returns how to let go.
   * @throws when it cannot be had, or not within a time that the implementation sets.
   */
  acquire(): Promise<() => void>
}
