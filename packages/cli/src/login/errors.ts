import { BulkDataError } from '@flatfhir/protocol'

/** The provider answered 401, and the command was given nothing to log in with. Exit code 1. */
export class LoginNeededError extends BulkDataError {
  readonly code = 'LOGIN_NEEDED'
  readonly retryable = false

  constructor() {
    super('The provider wants a login (HTTP 401)', {
      nextStep:
        'Register with the provider, and give --client-id and --key; see flatfhir keys create --help.',
    })
  }
}

/** The file with the client secret cannot be read, or holds no secret. */
export class ClientSecretFileError extends BulkDataError {
  readonly code = 'CLIENT_SECRET_FILE'
  readonly retryable = false

  constructor(path: string, problem: 'unreadable' | 'empty' | 'not-one-line') {
    super(`${path}: ${SECRET_PROBLEMS[problem]}`, {
      nextStep: 'Put the secret, and nothing else, into a file that only you can read.',
    })
  }
}

const SECRET_PROBLEMS = {
  unreadable: 'the client secret cannot be read',
  empty: 'there is no client secret in it',
  'not-one-line': 'a client secret is one line, and a short one',
} as const

/** The login was refused, and this machine's clock differs from the provider's. */
export class ClockWrongError extends BulkDataError {
  readonly code = 'CLOCK_WRONG'
  readonly retryable = false
  /** How far this machine's clock is ahead of the provider's; negative when it is behind. */
  readonly aheadSeconds: number

  constructor(aheadSeconds: number, options?: { readonly cause: unknown }) {
    const side = aheadSeconds > 0 ? 'ahead of' : 'behind'
    super(
      `The login was refused, and this machine's clock is ${span(Math.abs(aheadSeconds))} ${side} the provider's`,
      { nextStep: 'Set the clock, best by NTP, then run again.', ...options },
    )
    this.aheadSeconds = aheadSeconds
  }
}

function span(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`
  return `${Math.round(seconds / 3600)} hours`
}
