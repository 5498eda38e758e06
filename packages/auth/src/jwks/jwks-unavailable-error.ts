import { BulkDataError } from '@flatfhir/protocol'

/** Why a JWKS URL gave no keys. */
export type JwksUnavailableFault =
  | 'url-refused'
  | 'address-refused'
  | 'unknown-host'
  | 'unreachable'
  | 'too-slow'
  | 'too-large'
  | 'redirected'
  | 'not-ok'
  | 'not-json'
  | 'too-often'

const FAULTS: Readonly<Record<JwksUnavailableFault, readonly [string, string]>> = {
  'url-refused': ['The JWKS URL may not be used', 'Register an https URL without credentials.'],
  'address-refused': [
    'The JWKS URL leads to an address that may not be reached',
    'Host the JWK Set at a public address, or let the operator allow private ones.',
  ],
  'unknown-host': ['The host of the JWKS URL cannot be resolved', 'Check the URL and the DNS.'],
  unreachable: ['The JWKS URL cannot be reached', 'Check the server and its certificate.'],
  'too-slow': ['The JWKS URL did not answer in time', 'Check the server behind the URL.'],
  'too-large': ['The JWK Set is too large', 'Publish only the keys that this client signs with.'],
  redirected: ['The JWKS URL redirects', 'Register the URL that it redirects to.'],
  'not-ok': ['The JWKS URL answered with an error', 'Check the server behind the URL.'],
  'not-json': ['The JWKS URL did not answer with JSON', 'Check the URL.'],
  'too-often': ['The JWKS URL was asked too often', 'Try again in a minute.'],
}

const LASTING: readonly JwksUnavailableFault[] = ['url-refused', 'address-refused', 'redirected']

/** A JWKS URL gave no keys. Neither the URL nor what it answered is in the message. */
export class JwksUnavailableError extends BulkDataError {
  readonly code = 'JWKS_UNAVAILABLE'
  readonly retryable: boolean
  readonly fault: JwksUnavailableFault

  constructor(fault: JwksUnavailableFault) {
    const [message, nextStep] = FAULTS[fault]
    super(message, { nextStep })
    this.fault = fault
    this.retryable = !LASTING.includes(fault)
  }
}
