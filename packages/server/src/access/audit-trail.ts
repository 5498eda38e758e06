import type { Logger } from 'pino'
import type { AuditLog, AuditRecord } from '../audit/audit-log.ts'

/** Refusals that wait to be written down while their answers are out already. */
const MAX_PENDING = 256

/** The Data Provider's side of the audit log; without a log it does nothing. */
export class AuditTrail {
  readonly #auditLog: AuditLog | undefined
  readonly #log: Logger
  #pending = 0

  constructor(auditLog: AuditLog | undefined, log: Logger) {
    this.#auditLog = auditLog
    this.#log = log
  }

  /**
   * Writes down what the outside world is about to see.
   *
   * @throws when it cannot be written down; then the effect must not be seen.
   */
  async record(record: AuditRecord): Promise<void> {
    await this.#auditLog?.record(record)
  }

  /**
   * Writes down what happens in any case: a refusal, or bytes that are gone. The answer does not
   * wait, so that its time does not tell what was refused; except under a flood of refusals,
   * which would otherwise fill the memory.
   */
  async note(record: AuditRecord): Promise<void> {
    if (this.#auditLog === undefined) return
    this.#pending += 1
    const written = this.#auditLog
      .record(record)
      .catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN'
        this.#log.error({ code, record: record.name }, 'an audit record could not be written')
      })
      .finally(() => {
        this.#pending -= 1
      })
    if (this.#pending > MAX_PENDING) await written
  }
}
