import type { RequirementEdition, Strength } from '../requirements/requirement.ts'
import type { CheckId } from './check-id.ts'

/**
 * - `pass`: everything that was looked at is as the specification says.
 * - `fail`: something that it says with SHALL is not so.
 * - `warning`: something that it says with SHOULD is not so.
 * - `skipped`: nothing could be looked at; the result says why.
 */
export type CheckOutcome = 'pass' | 'fail' | 'warning' | 'skipped'

/** One requirement that was looked at, and what was seen. */
export interface Finding {
  readonly requirement: string
  readonly outcome: 'pass' | 'fail' | 'warning'
  readonly strength: Strength
  readonly edition: RequirementEdition
  /** What the specification asks for, in our own words. */
  readonly behavior: string
  /** Where it says so. */
  readonly source: string
  /** Status codes, header values and counts: never bodies, tokens, URLs of files or patient data. */
  readonly seen: string
}

/** What one check came to. */
export interface CheckResult {
  readonly check: CheckId
  readonly title: string
  readonly outcome: CheckOutcome
  readonly findings: readonly Finding[]
  /** What else is worth knowing, such as what was not looked at. */
  readonly notes: readonly string[]
  /** Why nothing was looked at; with `skipped` only. */
  readonly reason?: string
  readonly durationMs: number
}

/** What a run came to. `renderJson` writes exactly this. */
export interface CheckReport {
  /** Grows when a field changes its meaning. */
  readonly formatVersion: 1
  /** FHIR base URL of the server. */
  readonly url: string
  /** What the server calls itself; its own words, not to be trusted. */
  readonly software?: string
  readonly startedAt: string
  readonly finishedAt: string
  /** `fail` with a failed check, else `pass`; `stopped` when the run did not come to its end. */
  readonly verdict: 'pass' | 'fail' | 'stopped'
  readonly counts: Readonly<Record<CheckOutcome, number>>
  /** What the run has cost the server. */
  readonly effort: {
    readonly requests: number
    readonly kickOffs: number
    readonly bytes: number
    /** Exports that could not be deleted: they are left at the server. */
    readonly leftBehind: number
  }
  readonly checks: readonly CheckResult[]
}
