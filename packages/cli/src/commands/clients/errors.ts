import { BulkDataError } from '@flatfhir/protocol'

/** No client of this id is registered, or it was revoked. */
export class ClientUnknownError extends BulkDataError {
  readonly code = 'CLIENT_UNKNOWN'
  readonly retryable = false

  constructor(problem: 'unknown' | 'revoked') {
    super(
      problem === 'unknown'
        ? 'No client with this id is registered'
        : 'The client was revoked before',
      { nextStep: 'See flatfhir clients list.' },
    )
  }
}

/** A file with a client's JWK Set cannot be read, or is not JSON. */
export class JwksFileError extends BulkDataError {
  readonly code = 'JWKS_FILE'
  readonly retryable = false

  constructor(path: string, problem: 'unreadable' | 'not-json') {
    super(`${path}: ${problem === 'unreadable' ? 'cannot be read' : 'is not JSON'}`, {
      nextStep: 'Give the public JWK Set that flatfhir keys show prints.',
    })
  }
}
