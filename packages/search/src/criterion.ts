import { SearchInvalidError, SearchUnsupportedError, shownName } from './errors.ts'

/** One parameter of a search, read as far as that is possible without knowing its type. */
export interface Criterion {
  /** Type of the search. */
  readonly type: string
  /** As written, for messages: `subject:Patient.name`. */
  readonly written: string
  readonly name: string
  /** What stands after the colon. */
  readonly modifier: string | undefined
  /** `subject:Patient.name:exact` chains to `name:exact`. */
  readonly chain: string | undefined
  /** Alternatives, of which one has to match; escapes are still in them. */
  readonly values: readonly string[]
  /** Against what `ap` dates are measured. */
  readonly now: Date
}

/** A value of this parameter cannot be read. */
export function invalidValue(criterion: Criterion, expected: string): SearchInvalidError {
  const name = shownName(criterion.written)
  return new SearchInvalidError(
    `A value of search parameter ${name} of ${criterion.type} is not ${expected}`,
    { type: criterion.type, parameter: name },
    `Write each value of ${name} as ${expected}.`,
  )
}

/** This parameter does not know the modifier that it was given. */
export function unsupportedModifier(criterion: Criterion): SearchUnsupportedError {
  const name = shownName(criterion.written)
  const modifier = shownName(criterion.modifier ?? '')
  return new SearchUnsupportedError(
    `Modifier :${modifier} of search parameter ${name} of ${criterion.type} is not supported`,
    { type: criterion.type, parameter: name },
    'Leave the modifier out, or filter the files after download.',
  )
}
