import { errors } from 'undici'
import type { ConnectionFault } from '../errors.ts'

const FAULTS: Readonly<Record<string, ConnectionFault>> = {
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'idle-timeout',
  UND_ERR_BODY_TIMEOUT: 'idle-timeout',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'closed',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'certificate',
  CERT_NOT_YET_VALID: 'certificate',
  CERT_REVOKED: 'certificate',
  CERT_UNTRUSTED: 'certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate',
}

/**
 * Puts an error of the network into one of our words.
 *
 * @returns `undefined` for an error that is not the network's.
 */
export function connectionFault(error: unknown): ConnectionFault | undefined {
  for (const code of errorCodes(error)) {
    const fault = FAULTS[code]
    if (fault !== undefined) return fault
    if (code.startsWith('ERR_SSL_')) return 'tls'
    if (code.startsWith('HPE_')) return 'not-http'
  }
  if (error instanceof errors.HTTPParserError) return 'not-http'
  if (error instanceof errors.SocketError) return 'closed'
  return undefined
}

/** An error, its causes, and the errors of an AggregateError (one per address of the host). */
function errorCodes(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  const inner = error instanceof AggregateError ? (error.errors as readonly unknown[]) : []
  return [...own, ...[error.cause, ...inner].flatMap(errorCodes)]
}
