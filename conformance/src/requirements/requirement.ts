import type { CheckId } from '../checker/check-id.ts'

/** How binding a requirement is. */
export type Strength = 'SHALL' | 'SHALL NOT' | 'SHOULD' | 'SHOULD NOT'

/** The specification that a requirement is from. */
export type RequirementEdition = 'STU1' | 'STU2' | 'STU3' | 'STU4' | 'SMART'

/** One thing that a specification asks of a server or a client, in our own words. */
export interface Requirement {
  readonly actor: 'server' | 'client' | 'both'
  readonly strength: Strength
  readonly edition: RequirementEdition
  readonly behavior: string
  /** Page and section. */
  readonly source: string
  /** Which check of `flatfhir check` looks at it in other people's servers. */
  readonly blackBox?: CheckId
  /** Path of the test that proves it, where that is not one of this package. */
  readonly provenElsewhere?: string
  /** Why nothing proves it: it is not for a program to prove, or does not apply. */
  readonly reason?: string
  /** What is known to be wrong; the proof is expected to fail. */
  readonly knownFailure?: string
}

/** Requirements by id. */
export type Requirements = Readonly<Record<string, Requirement>>
