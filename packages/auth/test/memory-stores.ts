import type { AccessTokenStore, StoredAccessToken } from '../src/provider/access-token-store.ts'
import type { AssertionReplayStore } from '../src/provider/assertion-replay-store.ts'
import type { ClientRegistry } from '../src/provider/client-registry.ts'
import type { ClientKeys, RegisteredClient } from '../src/provider/registered-client.ts'

/** The three stores in memory. */
export class MemoryStores {
  readonly #clients = new Map<string, RegisteredClient>()
  readonly stored = new Map<string, StoredAccessToken>()
  readonly used = new Map<string, Date>()

  readonly clients: ClientRegistry = {
    add: async (client) => {
      this.#clients.set(client.clientId, client)
    },
    find: async (clientId) => this.#clients.get(clientId),
    list: async () => [...this.#clients.values()],
    revoke: async (clientId, revokedAt) => this.#change(clientId, { revokedAt }),
    rotateKeys: async (clientId, keys: ClientKeys) => this.#change(clientId, { keys }),
  }

  readonly tokens: AccessTokenStore = {
    save: async (token) => {
      this.stored.set(token.hash, token)
    },
    find: async (hash) => this.stored.get(hash),
    deleteOfClient: async () => 0,
    sweep: async (now) => {
      for (const { hash, expiresAt } of this.stored.values()) {
        if (expiresAt <= now) this.stored.delete(hash)
      }
      return 0
    },
  }

  readonly replays: AssertionReplayStore = {
    useOnce: async ({ issuer, jti, expiresAt }, now) => {
      const key = JSON.stringify([issuer, jti])
      const before = this.used.get(key)
      if (before !== undefined && before > now) return false
      this.used.set(key, expiresAt)
      return true
    },
    sweep: async (now) => {
      for (const [key, expiresAt] of this.used) if (expiresAt <= now) this.used.delete(key)
      return 0
    },
  }

  #change(clientId: string, changes: Partial<RegisteredClient>): boolean {
    const client = this.#clients.get(clientId)
    if (client?.revokedAt !== undefined || client === undefined) return false
    this.#clients.set(clientId, { ...client, ...changes })
    return true
  }
}
