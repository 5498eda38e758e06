import type { CheckId } from './check-id.ts'
import type { Findings } from './findings.ts'
import type { Session } from './session.ts'

/** One thing to look at in a server. */
export interface Check {
  readonly id: CheckId
  /** One line for people. */
  readonly title: string
  /** @throws SkipCheck when there is nothing to look at; findings until then count. */
  run(session: Session, findings: Findings): Promise<void>
}
