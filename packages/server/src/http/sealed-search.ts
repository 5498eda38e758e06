import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { SearchQuery } from '../resource-store.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Puts a search, with the place where its next page begins, into an opaque text for a URL.
 *
 * The criteria of a search may be names of patients, and a URL ends up in logs of proxies; sealed
 * with AES-256-GCM they tell nobody anything and cannot be changed. The key lives as long as the
 * process: after a restart the links of open searches are refused, and the search begins again.
 */
export class SealedSearches {
  readonly #key = randomBytes(32)

  /**
   * @param owner - The client that may open it again; empty while nobody has to log in.
   * @returns Letters, digits, `-` and `_` only.
   */
  seal(query: SearchQuery, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(Buffer.from(owner))
    const sealed = Buffer.concat([cipher.update(JSON.stringify(query), 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  /** `undefined` for everything that {@link seal} of this very object did not make for the owner. */
  open(text: string, owner: string): SearchQuery | undefined {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(owner))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    try {
      const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES)
      const opened = Buffer.concat([decipher.update(sealed), decipher.final()])
      // The seal proves that it is what we wrote.
      return JSON.parse(opened.toString('utf8')) as SearchQuery
    } catch {
      return undefined
    }
  }
}
