/** What is kept of an access token: all but the token. */
export interface StoredAccessToken {
  /** SHA-256 of the token, lower-case hexadecimal; from `hashAccessToken`. */
  readonly hash: string
  readonly clientId: string
  /** What was granted: scopes separated by spaces. */
  readonly scopes: string
  readonly expiresAt: Date
}

/**
 * The access tokens that were issued.
 *
 * Every implementation passes `accessTokenStoreContract` of the testkit package.
 */
export interface AccessTokenStore {
  /** @throws when a token of this hash is there already. */
  save(token: StoredAccessToken): Promise<void>

  /** Finds a token whether or not it has expired: the caller compares. */
  find(hash: string): Promise<StoredAccessToken | undefined>

  /** @returns How many there were. */
  deleteOfClient(clientId: string): Promise<number>

  /**
   * Deletes tokens that have expired at `now`.
   *
   * @returns How many there were.
   */
  sweep(now: Date): Promise<number>
}
