import { BulkDataError } from '@flatfhir/protocol'

/** A server that asks nobody to log in answers this machine only. */
export class OpenServerNotLoopbackError extends BulkDataError {
  readonly code = 'OPEN_SERVER_NOT_LOOPBACK'
  readonly retryable = false

  constructor() {
    super('A server that asks nobody to log in listens on loopback addresses only', {
      nextStep: 'Listen on 127.0.0.1, ::1 or localhost, or configure authorization.',
    })
  }
}

/** Tokens and health data do not travel over a network in the clear. */
export class PlainHttpNotLoopbackError extends BulkDataError {
  readonly code = 'PLAIN_HTTP_NOT_LOOPBACK'
  readonly retryable = false

  constructor() {
    super('A server without TLS listens on loopback addresses only', {
      nextStep:
        'Give a certificate and its key, or say that a TLS proxy stands in front, or listen on 127.0.0.1.',
    })
  }
}

/**
 * Behind a proxy the public URL has to be told. It could be read from forwarded headers, but those
 * repeat what the sender says, and the `aud` of assertions is only worth something when it is fixed.
 */
export class BaseUrlRequiredError extends BulkDataError {
  readonly code = 'BASE_URL_REQUIRED'
  readonly retryable = false

  constructor() {
    super('A server behind a proxy has to be told its base URL', {
      nextStep: 'Give the FHIR base URL as clients see it, for example https://example.org/fhir.',
    })
  }
}

/** The certificate or its key cannot be used. */
export class TlsInvalidError extends BulkDataError {
  readonly code = 'TLS_INVALID'
  readonly retryable = false
  /** OpenSSL's own name of the failure. */
  readonly reason: string

  constructor(reason: string) {
    super(`The TLS certificate and key cannot be used: ${reason}`, {
      nextStep: 'Give a certificate chain in PEM, the server first, and the key that fits it.',
    })
    this.reason = reason
  }
}

/** The base URL is not an absolute http or https URL without query, fragment and credentials. */
export class BaseUrlInvalidError extends BulkDataError {
  readonly code = 'BASE_URL_INVALID'
  readonly retryable = false

  constructor(reason: string) {
    super(`The base URL cannot be used: ${reason}`, {
      nextStep: 'Give the FHIR base URL as clients see it, for example https://example.org/fhir.',
    })
  }
}

/** The address cannot be listened on. */
export class ListenFailedError extends BulkDataError {
  readonly code = 'LISTEN_FAILED'
  readonly retryable = false
  /** Node's own name of the failure, for example `EADDRINUSE`. */
  readonly reason: string

  constructor(reason: string, { host, port }: { readonly host: string; readonly port: number }) {
    super(`Cannot listen on ${host} port ${port}: ${reason}`, {
      nextStep: NEXT_STEPS.get(reason) ?? 'Choose another address or port.',
    })
    this.reason = reason
  }
}

const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'Stop what uses the port, or choose another port.'],
  ['EACCES', 'Choose a port above 1023.'],
  ['EADDRNOTAVAIL', 'Choose an address of this machine.'],
  ['ENOTFOUND', 'Choose an address of this machine.'],
])
