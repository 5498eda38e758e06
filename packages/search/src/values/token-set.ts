import { type Criterion, invalidValue } from '../criterion.ts'
import { splitEscaped, unescapeValue } from '../split-escaped.ts'

const EXPECTED = 'code, system|code, |code or system|'

/** The tokens of one parameter, arranged so that a code is looked up once, however many there are. */
export interface TokenSet {
  /** Whether a code of a system (`undefined` when it has none) is among the tokens. */
  has(system: string | undefined, code: string): boolean
  /** Whether any code of a system is asked for (`system|`). */
  hasSystem(system: string | undefined): boolean
}

/**
 * Reads `code`, `system|code`, `|code` and `system|`. Systems are compared exactly, codes as `fold`
 * leaves them on both sides.
 *
 * @throws {@link SearchInvalidError} when a value is none of these.
 * @see {@link https://hl7.org/fhir/R4/search.html#token | FHIR R4: Token}
 */
export function readTokens(criterion: Criterion, fold: (code: string) => string): TokenSet {
  const inAnySystem = new Set<string>()
  const inNoSystem = new Set<string>()
  const inSystem = new Map<string, Set<string>>()
  const wholeSystems = new Set<string>()
  for (const value of criterion.values) {
    const parts = splitEscaped(value, '|').map(unescapeValue)
    const [first = '', second] = parts
    if (parts.length > 2 || (first === '' && second === '')) throw invalidValue(criterion, EXPECTED)
    if (second === undefined) inAnySystem.add(fold(first))
    else if (first === '') inNoSystem.add(fold(second))
    else if (second === '') wholeSystems.add(first)
    else addTo(inSystem, fold(second), first)
  }
  return {
    has: (system, code) => {
      const folded = fold(code)
      if (inAnySystem.has(folded)) return true
      if (system === undefined) return inNoSystem.has(folded)
      return inSystem.get(folded)?.has(system) ?? false
    },
    hasSystem: (system) => system !== undefined && wholeSystems.has(system),
  }
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}
