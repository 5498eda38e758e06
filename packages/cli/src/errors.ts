import { BulkDataError } from '@flatfhir/protocol'

/** The command line or an environment variable is wrong. Exit code 2. */
export class UsageError extends BulkDataError {
  readonly code = 'USAGE'
  readonly retryable = false

  constructor(message: string, nextStep?: string) {
    super(message, nextStep === undefined ? {} : { nextStep })
  }
}

/** The config file cannot be read, is not TOML or JSON, or holds a key or value that it may not. */
export class ConfigFileInvalidError extends BulkDataError {
  readonly code = 'CONFIG_FILE_INVALID'
  readonly retryable = false

  constructor(message: string, nextStep?: string) {
    super(message, nextStep === undefined ? {} : { nextStep })
  }
}

/** A signal asked the command to stop. Exit code 130 (SIGINT) or 143 (SIGTERM). */
export class StoppedBySignalError extends BulkDataError {
  readonly code = 'STOPPED_BY_SIGNAL'
  readonly retryable = true
  readonly signalName: 'SIGINT' | 'SIGTERM'

  constructor(signalName: 'SIGINT' | 'SIGTERM') {
    super(`Stopped by ${signalName}`)
    this.signalName = signalName
  }
}

/** What the demo checks about its own exports does not hold. */
export class DemoCheckFailedError extends BulkDataError {
  readonly code = 'DEMO_CHECK_FAILED'
  readonly retryable = false

  constructor(message: string) {
    super(message, {
      nextStep: 'Run it again with --keep --verbose, and report it with the output.',
    })
  }
}
