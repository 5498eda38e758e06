import { BulkDataError } from '@flatfhir/protocol'

/** The data directory holds encrypted exports, and the server was given no key. */
export class EncryptionKeyMissingError extends BulkDataError {
  readonly code = 'ENCRYPTION_KEY_MISSING'
  readonly retryable = false

  constructor() {
    super('The data directory holds exports that are encrypted, and no key is given', {
      nextStep: 'Give --encryption-key-file.',
    })
  }
}
