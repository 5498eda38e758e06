import { isResourceType } from '@flatfhir/protocol'

/** One of SMART's interactions: create, read, update, delete, search. */
export type Interaction = 'c' | 'r' | 'u' | 'd' | 's'

/** The interactions in the order in which a v2 scope has to name them. */
export const INTERACTIONS: readonly Interaction[] = ['c', 'r', 'u', 'd', 's']

/** In which of SMART's two syntaxes a scope is written: `.read` (v1) or `.rs` (v2). */
export type ScopeStyle = 'v1' | 'v2'

/** One `name=value` of a constrained v2 scope, decoded. */
export interface ScopeConstraint {
  /** Search parameter with its modifier, for example `category` or `code:in`. */
  readonly parameter: string
  readonly value: string
}

/** A `system/` scope. */
export interface SystemScope {
  readonly style: ScopeStyle
  /** An R4 resource type, or `*` for every one. */
  readonly type: string
  /** In the order of {@link INTERACTIONS}, each at most once, at least one. */
  readonly interactions: readonly Interaction[]
  /** What resources have to match, all of it; empty for an unconstrained scope. */
  readonly constraints: readonly ScopeConstraint[]
}

/** Why a text is not a {@link SystemScope}. */
export type ScopeFault =
  'not-a-system-scope' | 'unknown-type' | 'unknown-interaction' | 'malformed-constraint'

/** What {@link parseSystemScope} makes of a text. */
export type ParsedScope =
  | { readonly ok: true; readonly scope: SystemScope }
  | { readonly ok: false; readonly fault: ScopeFault }

/** The v1 words as v2 interactions, which is what SMART 2 says they mean. */
const V1_INTERACTIONS: ReadonlyMap<string, readonly Interaction[]> = new Map([
  ['read', ['r', 's']],
  ['write', ['c', 'u', 'd']],
  ['*', INTERACTIONS],
])
const SYSTEM_SCOPE = /^system\/([A-Za-z]+|\*)\.([a-z]+|\*)(?:\?(.*))?$/s
// RFC 6749 section 3.3: printable ASCII without space, quotation mark and backslash.
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Reads one scope, of either syntax.
 *
 * Interactions out of order (`.sr`) or repeated are refused, as SMART allows, so that no other
 * convention is misread as one that grants more.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html | SMART: scopes}
 */
export function parseSystemScope(text: string): ParsedScope {
  const match = SCOPE_TOKEN.test(text) ? SYSTEM_SCOPE.exec(text) : null
  if (match === null) return { ok: false, fault: 'not-a-system-scope' }
  const [, type = '', word = '', query] = match
  if (type !== '*' && !isResourceType(type)) return { ok: false, fault: 'unknown-type' }
  const v1 = V1_INTERACTIONS.get(word)
  const interactions = v1 ?? parseInteractions(word)
  if (interactions === undefined) return { ok: false, fault: 'unknown-interaction' }
  // Constraints came with v2, so that no v1 scope has any.
  const constraints = parseConstraints(query, v1 === undefined)
  if (constraints === undefined) return { ok: false, fault: 'malformed-constraint' }
  const style = v1 === undefined ? 'v2' : 'v1'
  return { ok: true, scope: { style, type, interactions, constraints } }
}

/** Splits a scope parameter at its spaces, without repeats, in order. */
export function splitScopes(text: string): readonly string[] {
  return [...new Set(text.split(' ').filter((scope) => scope !== ''))]
}

/**
 * Writes a scope in its own style.
 *
 * @throws TypeError when the style is v1 and v1 has no word for these interactions.
 */
export function formatSystemScope(scope: SystemScope): string {
  const query = scope.constraints.map(({ parameter, value }) => {
    return `${encodeURIComponent(parameter)}=${encodeURIComponent(value)}`
  })
  const suffix = query.length === 0 ? '' : `?${query.join('&')}`
  return `system/${scope.type}.${interactionsText(scope)}${suffix}`
}

/**
 * The constraints of a scope as a FHIR search without `?`, the same for every order in which they are
 * written.
 */
export function constraintQuery({ constraints }: SystemScope): string {
  return constraints
    .map(({ parameter, value }) => `${encodeURIComponent(parameter)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
}

function interactionsText({ style, interactions }: SystemScope): string {
  const letters = interactions.join('')
  if (style === 'v2') return letters
  for (const [word, meaning] of V1_INTERACTIONS) if (meaning.join('') === letters) return word
  throw new TypeError(`SMART v1 has no word for the interactions ${letters}`)
}

function parseInteractions(word: string): readonly Interaction[] | undefined {
  const found = INTERACTIONS.filter((interaction) => word.includes(interaction))
  return found.join('') === word ? found : undefined
}

function parseConstraints(
  query: string | undefined,
  allowed: boolean,
): readonly ScopeConstraint[] | undefined {
  if (query === undefined) return []
  if (!allowed) return undefined
  const constraints = query.split('&').map(parseConstraint)
  return constraints.every((constraint) => constraint !== undefined) ? constraints : undefined
}

function parseConstraint(text: string): ScopeConstraint | undefined {
  const equals = text.indexOf('=')
  if (equals < 1 || equals === text.length - 1) return undefined
  try {
    return {
      parameter: decodeURIComponent(text.slice(0, equals)),
      value: decodeURIComponent(text.slice(equals + 1)),
    }
  } catch {
    return undefined
  }
}
