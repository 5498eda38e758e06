import { createSecureContext } from 'node:tls'
import { TlsInvalidError } from './listen-errors.ts'

/** What a server shows to prove who it is. */
export interface TlsCredentials {
  /** Certificate chain in PEM, the server's own first. */
  readonly cert: string | Uint8Array
  /** Private key in PEM, not encrypted. */
  readonly key: string | Uint8Array
}

/** TLS of a server that listens. */
export interface TlsOptions extends TlsCredentials {
  /** @defaultValue `'TLSv1.2'` */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** In the form that Node's servers take. */
export interface SecureServerOptions {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/**
 * Looks whether certificate and key can be read and fit together, before a server depends on it.
 *
 * @throws {@link TlsInvalidError}
 */
export function checkedTls({ cert, key, minVersion = 'TLSv1.2' }: TlsOptions): SecureServerOptions {
  const options = { cert: asPem(cert), key: asPem(key), minVersion }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new TlsInvalidError(reasonOf(error))
  }
  return options
}

function asPem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}

/** OpenSSL's codes say what is wrong without quoting anything. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  return 'UNREADABLE'
}
