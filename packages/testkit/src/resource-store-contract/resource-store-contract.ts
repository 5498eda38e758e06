import { describe } from 'vitest'
import { asOfTests } from './as-of.ts'
import { bytesTests } from './bytes.ts'
import { groupTests } from './groups.ts'
import { memberFilterTests } from './member-filters.ts'
import { patientTests } from './patients.ts'
import { provenanceTests } from './provenance.ts'
import { restrictedDeletionTests } from './restricted-deletions.ts'
import { rosterTests } from './rosters.ts'
import { searchTests } from './search.ts'
import { sinceChainTests, type RandomRuns } from './since-chain.ts'
import { sinceTests } from './since.ts'
import { storesOf, type MakePlace } from './store-fixture.ts'
import { writeTests } from './writes.ts'

/**
 * What every `ResourceStore` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the store there.
 */
export function resourceStoreContract(
  name: string,
  makePlace: MakePlace,
  options: RandomRuns = {},
): void {
  describe(`${name} is a ResourceStore`, () => {
    const openStore = storesOf(makePlace)
    writeTests(openStore)
    searchTests(openStore)
    bytesTests(openStore, options)
    asOfTests(openStore)
    groupTests(openStore)
    memberFilterTests(openStore)
    patientTests(openStore)
    provenanceTests(openStore)
    rosterTests(openStore)
    sinceTests(openStore)
    restrictedDeletionTests(openStore)
    sinceChainTests(openStore, options)
  })
}
