import type { ClientKeys, RegisteredClient } from './registered-client.ts'

/**
 * The clients that may log in.
 *
 * Every implementation passes `clientRegistryContract` of the testkit package. Several processes may
 * use one registry; what one has written is seen by the others' next call.
 */
export interface ClientRegistry {
  /** @throws when a client of this id is there already, revoked or not. */
  add(client: RegisteredClient): Promise<void>

  /** Also finds revoked clients. */
  find(clientId: string): Promise<RegisteredClient | undefined>

  /** All clients, revoked ones too, in the order in which they were added. */
  list(): Promise<readonly RegisteredClient[]>

  /**
   * Ends a client for good, and in the same step deletes its access tokens.
   *
   * @returns `false` when there is no such client, or it was revoked before, whose time then stays.
   */
  revoke(clientId: string, at: Date): Promise<boolean>

  /**
   * Replaces the keys of a client. Its access tokens live on until they expire.
   *
   * @returns `false` when there is no such client, or it is revoked.
   */
  rotateKeys(clientId: string, keys: ClientKeys): Promise<boolean>
}
