import type { ResourceType } from '@flatfhir/protocol'

/** What one partition reads; kept with the job as JSON. */
export type Selector =
  /** Versions of a type whose key is greater than `after` and at most `upTo`. */
  | { readonly kind: 'range'; readonly after: number; readonly upTo: number }
  /** Compartments of the cohort's patients with node numbers from `from` to `to`, inclusive. */
  | { readonly kind: 'cohort'; readonly from: number; readonly to: number }
  /** Of those patients, what was written before `_since` and in no export then. */
  | { readonly kind: 'appeared'; readonly from: number; readonly to: number }
  /** What the cohort's resources refer to outside the compartments. */
  | { readonly kind: 'support' }
  /** Everything of these patients, one after another; `types` are those that the plan found. */
  | {
      readonly kind: 'patients'
      readonly from: number
      readonly to: number
      readonly types: readonly ResourceType[]
    }
  /** Provenance about resources of these types that the export holds. */
  | {
      readonly kind: 'provenance'
      readonly which: 'latest' | 'relevant'
      readonly types: readonly ResourceType[]
    }
  | { readonly kind: 'deleted'; readonly types: readonly ResourceType[] }
  /** Members of the Group that do not resolve. */
  | { readonly kind: 'unresolved-members' }

/** Reads back what {@link JSON.stringify} wrote of a selector. */
export function parseSelector(text: string): Selector {
  return JSON.parse(text) as Selector
}
