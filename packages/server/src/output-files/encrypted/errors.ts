import { BulkDataError } from '@flatfhir/protocol'

/** Why the text of a key file is no key. */
export type EncryptionKeyFault = 'unreadable' | 'wrong-length' | 'weak'

/** The file that should hold the encryption key does not; nothing of its content is in the message. */
export class EncryptionKeyInvalidError extends BulkDataError {
  readonly code = 'ENCRYPTION_KEY_INVALID'
  readonly retryable = false
  readonly fault: EncryptionKeyFault

  constructor(fault: EncryptionKeyFault, message: string) {
    super(message, {
      nextStep:
        'Make a key with: openssl rand -base64 32 > FILE && chmod 600 FILE, and keep a copy in a safe place.',
    })
    this.fault = fault
  }
}

/** Files were encrypted with a key that the server was not given. */
export class EncryptionKeyUnknownError extends BulkDataError {
  readonly code = 'ENCRYPTION_KEY_UNKNOWN'
  readonly retryable = false
  /** Identifies the key that is missing; says nothing of the key itself. */
  readonly keyId: string

  constructor(keyId: string) {
    super(
      `Output files of this job were encrypted with the key ${keyId}, which is not configured`,
      {
        nextStep:
          'Start the server with that key among the previous keys, or delete the job and export again.',
      },
    )
    this.keyId = keyId
  }
}

/** An encrypted output file, or the key of its job, is not what was written: damaged, cut or swapped. */
export class OutputFileDamagedError extends BulkDataError {
  readonly code = 'OUTPUT_FILE_DAMAGED'
  readonly retryable = false

  constructor(part: 'job key' | 'header' | 'chunk') {
    super(`An encrypted output file is damaged: its ${part} does not authenticate`, {
      nextStep: 'Check the disk and who can write to it; delete the job and export again.',
    })
  }
}

/** An output file was written before encryption was switched on. */
export class OutputFileNotEncryptedError extends BulkDataError {
  readonly code = 'OUTPUT_FILE_NOT_ENCRYPTED'
  readonly retryable = false

  constructor() {
    super('An output file is not encrypted although the server is to encrypt all of them', {
      nextStep: 'Delete the job, which was kicked off before encryption was on, and export again.',
    })
  }
}
