import { bulkData } from '../requirements/ids.ts'
import { requirementOf } from '../requirements/requirements.ts'
import type { CheckOutcome, Finding } from './check-report.ts'
import { printable } from './printable.ts'

const MAX_SEEN = 240
const RANK = { pass: 0, warning: 1, fail: 2 } as const

/** What one check has seen so far: one finding for each requirement, the worst one. */
export class Findings {
  readonly #findings = new Map<string, Finding>()
  readonly #notes: string[] = []

  get all(): readonly Finding[] {
    return [...this.#findings.values()]
  }

  get notes(): readonly string[] {
    return this.#notes
  }

  /** `undefined` when nothing was looked at. */
  get outcome(): Exclude<CheckOutcome, 'skipped'> | undefined {
    const outcomes = this.all.map(({ outcome }) => outcome)
    if (outcomes.includes('fail')) return 'fail'
    if (outcomes.includes('warning')) return 'warning'
    return outcomes.length === 0 ? undefined : 'pass'
  }

  /**
   * Writes down whether requirements hold. How bad it is when they do not is in the table.
   *
   * @returns whether they hold.
   */
  require(ids: string | readonly string[], holds: boolean, seen: string): boolean {
    for (const id of [ids].flat()) this.#add(id, holds, seen)
    return holds
  }

  /** Writes down that a request got no answer, which leaves the check failed. */
  unanswered(why: string): void {
    this.require(bulkData(13), false, `no answer: ${why}`)
  }

  /** Writes down something that is no requirement. */
  note(text: string): void {
    const line = printable(text, MAX_SEEN)
    if (!this.#notes.includes(line)) this.#notes.push(line)
  }

  #add(id: string, holds: boolean, seen: string): void {
    const { strength, edition, behavior, source } = requirementOf(id)
    const broken = strength.startsWith('SHALL') ? 'fail' : 'warning'
    const outcome = holds ? 'pass' : broken
    const before = this.#findings.get(id)
    if (before !== undefined && RANK[before.outcome] >= RANK[outcome]) return
    this.#findings.set(id, {
      requirement: id,
      ...{ outcome, strength, edition, behavior, source },
      seen: printable(seen, MAX_SEEN),
    })
  }
}
