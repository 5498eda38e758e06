import { BulkDataError } from '@flatfhir/protocol'

/** Why a private key, or a set of them, cannot be used. */
export type KeyFault =
  | 'not-a-key'
  | 'public-key-only'
  | 'unsupported-algorithm'
  | 'encrypted-pem'
  | 'not-pkcs8'
  | 'broken-key'
  | 'repeated-kid'
  | 'no-active-key'
  | 'no-such-key'

const FAULTS: Readonly<Record<KeyFault, readonly [string, string]>> = {
  'not-a-key': ['The text is no JWK, JWK Set or PEM', 'Give a private key in one of these forms.'],
  'public-key-only': ['The key is a public one', 'Give the private half of the key pair.'],
  'unsupported-algorithm': [
    'The key fits neither RS384 nor ES384',
    'Use an RSA key of 2048 bits or more, or an EC key on P-384.',
  ],
  'encrypted-pem': [
    'The PEM is protected by a password',
    'Decrypt it with "openssl pkcs8 -in KEY -out KEY.plain", and protect the file instead.',
  ],
  'not-pkcs8': [
    'The PEM is not in PKCS#8 form',
    'Convert it with "openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pkcs8".',
  ],
  'broken-key': ['The key is damaged', 'Restore it from where it was made, or make a new one.'],
  'repeated-kid': ['Two keys of the set have the same kid', 'Give each key a kid of its own.'],
  'no-active-key': ['All keys of the set are retired', 'Rotate the keys to get a new one.'],
  'no-such-key': ['No key of the set has the kid or algorithm', 'List the keys, and choose one.'],
}

/** A private key cannot be used; nothing of it is in the message. */
export class KeyInvalidError extends BulkDataError {
  readonly code = 'KEY_INVALID'
  readonly retryable = false
  readonly fault: KeyFault

  // No `cause`: messages of parsers quote what they could not read.
  constructor(fault: KeyFault) {
    const [message, nextStep] = FAULTS[fault]
    super(message, { nextStep })
    this.fault = fault
  }
}

/** Why a file of keys cannot be read or written. */
export type KeyFileFault = 'exists' | 'missing' | 'too-large' | 'not-accessible'

const FILE_FAULTS: Readonly<Record<KeyFileFault, readonly [string, string]>> = {
  exists: [
    'There is a file of this name already; it was left as it is',
    'Rotate its keys, or choose another name.',
  ],
  missing: ['There is no such file of keys', 'Check the path, or create the keys first.'],
  'too-large': ['The file is too large for a file of keys', 'Check the path.'],
  'not-accessible': ['The file of keys cannot be read or written', 'Check path and permissions.'],
}

/** A file of keys cannot be read or written. */
export class KeyFileError extends BulkDataError {
  readonly code = 'KEY_FILE'
  readonly retryable = false
  readonly fault: KeyFileFault
  readonly path: string

  constructor(fault: KeyFileFault, path: string) {
    const [message, nextStep] = FILE_FAULTS[fault]
    super(`${message}: ${path}`, { nextStep })
    this.fault = fault
    this.path = path
  }
}
