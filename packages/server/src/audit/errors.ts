import { BulkDataError } from '@flatfhir/protocol'

/** The audit log could not be written or read; what was to be recorded must not happen. */
export class AuditLogFailedError extends BulkDataError {
  readonly code = 'AUDIT_LOG_FAILED'
  readonly retryable = true
  /** Node's or SQLite's name of the failure, or `CLOSED`, `OVERLOADED`, `TOO_LONG`. */
  readonly reason: string

  constructor(reason: string) {
    super(`The audit log cannot be used (${reason})`, {
      nextStep: 'Check that its directory is writable and that there is space on the disk.',
    })
    this.reason = reason
  }
}

/** The newest part of the audit log is not what was written, so nothing can be appended to it. */
export class AuditLogDamagedError extends BulkDataError {
  readonly code = 'AUDIT_LOG_DAMAGED'
  readonly retryable = false

  constructor() {
    super('The audit log was changed or damaged since it was written', {
      nextStep:
        'Run flatfhir audit verify, find out who changed it, and move its files away before you start the server again.',
    })
  }
}
