import { BulkDataError } from '@flatfhir/protocol'

/** Without an authorizer, the server answers this machine only. */
export class OpenServerNotLoopbackError extends BulkDataError {
  readonly code = 'OPEN_SERVER_NOT_LOOPBACK'
  readonly retryable = false

  constructor() {
    super('A server that asks nobody to log in listens on loopback addresses only', {
      nextStep: 'Listen on 127.0.0.1, ::1 or localhost, or configure authorization.',
    })
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
