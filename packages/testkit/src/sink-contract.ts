import { describe } from 'vitest'
import type { MakeSinkPlace } from './sink-contract-fixture.ts'
import { bookkeepingContract } from './sink-contract-bookkeeping.ts'
import { historyContract } from './sink-contract-history.ts'
import { landingContract } from './sink-contract-landing.ts'
import { removalContract } from './sink-contract-removal.ts'

/**
 * What every `Sink` must do, beyond what the comments of `Landing` say:
 *
 * - The line that wins among several of one id decides of which part the resource is.
 * - A row that another cohort of the source landed is `updated` or `unchanged`, never `inserted`.
 * - `updated` is a row whose text changes. With an `all` part every other text replaces the landed
 *   one, unless a cohort holds it that is ahead; with the other parts a landed version of a later `meta.lastUpdated` stays, and one without
 *   is later than any with.
 * - A row that is lost for several reasons counts once: told before left before computed.
 * - Absence counts once `write` was called with `all`, even without files.
 * - Patients whom `Patient.link` says have been replaced, through any number of steps, by a member
 *   count as members where it is decided who left; the links are those of the landed Patients with
 *   this run's Patients in place of theirs, and so is the count in `merged`.
 * - `older` and `comparable` look at resources of which a line came with `changes`, in the compartment
 *   of at least one patient who is no joiner; without a roster in the run nobody is one. With `since`,
 *   neither count members of a Group whom no roster up to that instant had.
 * - `drift` is there where the run has an `all` part and `inStepUntil`, and the cohort held rows of
 *   the type before. `missing` and `outdated` look at resources whose `meta.lastUpdated` is not after
 *   that instant; resources of joiners only are not missing. `extra` is `deletedComputed`.
 * - `roster` of an inspection is there where the run sets one.
 *
 * Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own.
 */
export function sinkContract(name: string, makePlace: MakeSinkPlace): void {
  describe(`${name} is a Sink`, () => {
    landingContract(makePlace)
    removalContract(makePlace)
    bookkeepingContract(makePlace)
    historyContract(makePlace)
  })
}
