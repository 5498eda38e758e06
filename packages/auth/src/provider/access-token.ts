import { createHash, randomBytes as nodeRandomBytes } from 'node:crypto'

/** Random bytes of a token: 256 bits. */
const TOKEN_BYTES = 32

/** Makes an opaque access token of 256 random bits, in base64url. */
export function newAccessToken(randomBytes: (size: number) => Buffer = nodeRandomBytes): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/**
 * What stores keep of a token. A plain SHA-256 is enough, because a token is random: there is
 * nothing to guess. Looking it up by the hash also makes the time of a comparison tell nothing.
 */
export function hashAccessToken(token: string): string {
  return createHash('sha256').update(token, 'ascii').digest('hex')
}
