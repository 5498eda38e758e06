import { BulkDataError } from '@flatfhir/protocol'

/** A connection file cannot be read, is not TOML or JSON, or holds a key or value that it may not. */
export class ConnectionInvalidError extends BulkDataError {
  readonly code = 'CONNECTION_INVALID'
  readonly retryable = false

  constructor(message: string, nextStep?: string) {
    super(message, nextStep === undefined ? {} : { nextStep })
  }
}

/** A connection file is not written, because there is something in its place. */
export class ConnectionExistsError extends BulkDataError {
  readonly code = 'CONNECTION_EXISTS'
  readonly retryable = false

  constructor(path: string) {
    super(`${path} exists, and is not overwritten`, {
      nextStep: 'Change it by hand, or name another file.',
    })
  }
}

/** The environment variable that a connection names for a secret is not set. */
export class SecretVariableMissingError extends BulkDataError {
  readonly code = 'SECRET_VARIABLE_MISSING'
  readonly retryable = false

  constructor(variable: string, fileName: string) {
    super(`${fileName}: the environment variable ${variable}, which holds the secret, is not set`, {
      nextStep: 'Set it where this command runs.',
    })
  }
}
