import {
  formatSystemScope,
  INTERACTIONS,
  parseSystemScope,
  splitScopes,
  type Interaction,
  type ScopeFault,
  type ScopeStyle,
  type SystemScope,
} from './system-scope.ts'

/** Why a scope that was asked for is not granted. */
export type ScopeRefusal = ScopeFault | 'constraint-not-supported' | 'not-registered'

/** What {@link grantScopes} decides. */
export interface ScopeGrant {
  /** Unconstrained, one per type and style, in the order asked. */
  readonly granted: readonly SystemScope[]
  /** The granted scopes as the `scope` of a token response; empty when nothing is left. */
  readonly text: string
  /** Scopes of which nothing was granted, as they were asked. */
  readonly refused: readonly { readonly scope: string; readonly reason: ScopeRefusal }[]
}

/**
 * Grants what a registration allows of what a client asks: never more than either.
 *
 * - An answer is written in the syntax of the ask; both syntaxes meet in their interactions. In v1
 *   only whole words are granted: `.read` against a registered `.r` is refused, because no v1 word
 *   says so little.
 * - `system/*` is narrowed to the registered types.
 * - A constrained scope is refused as a whole, on either side: it is honoured exactly or not at all.
 *
 * @param requested - The token request's `scope`.
 * @param registered - The scopes of the client's registration, separated by spaces.
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services: evaluate requested access}
 */
export function grantScopes(requested: string, registered: string): ScopeGrant {
  const allowed = allowedInteractions(registered)
  const granted = new Map<string, SystemScope>()
  const refused: { scope: string; reason: ScopeRefusal }[] = []
  for (const text of splitScopes(requested)) {
    const parsed = parseSystemScope(text)
    if (!parsed.ok) refused.push({ scope: text, reason: parsed.fault })
    else if (parsed.scope.constraints.length > 0) {
      refused.push({ scope: text, reason: 'constraint-not-supported' })
    } else {
      const parts = narrow(parsed.scope, allowed)
      for (const part of parts) addTo(granted, part)
      if (parts.length === 0) refused.push({ scope: text, reason: 'not-registered' })
    }
  }
  const scopes = [...granted.values()]
  return { granted: scopes, text: scopes.map(formatSystemScope).join(' '), refused }
}

type Allowed = ReadonlyMap<string, ReadonlySet<Interaction>>

function allowedInteractions(registered: string): Allowed {
  const allowed = new Map<string, Set<Interaction>>()
  for (const text of splitScopes(registered)) {
    const parsed = parseSystemScope(text)
    if (!parsed.ok || parsed.scope.constraints.length > 0) continue
    const { type, interactions } = parsed.scope
    allowed.set(type, new Set([...(allowed.get(type) ?? []), ...interactions]))
  }
  return allowed
}

function narrow(asked: SystemScope, allowed: Allowed): readonly SystemScope[] {
  const types = asked.type === '*' ? ['*', ...allowed.keys()] : [asked.type]
  const parts: SystemScope[] = []
  let ofEveryType: readonly Interaction[] = []
  for (const type of new Set(types)) {
    const interactions = expressible(asked, (interaction) => {
      const registered = allowed.get('*')?.has(interaction) ?? false
      return registered || (allowed.get(type)?.has(interaction) ?? false)
    })
    // A type beside the wildcard is worth naming only for what the wildcard does not give.
    const adds = interactions.some((interaction) => !ofEveryType.includes(interaction))
    if (adds) parts.push({ ...asked, type, interactions })
    if (type === '*') ofEveryType = interactions
  }
  return parts
}

function expressible(
  { style, interactions }: SystemScope,
  isAllowed: (interaction: Interaction) => boolean,
): readonly Interaction[] {
  const both = interactions.filter(isAllowed)
  if (style === 'v2') return both
  return wholeWords(both)
}

/** Keeps `rs` and `cud` where they are whole: v1 can say nothing else. */
function wholeWords(interactions: readonly Interaction[]): readonly Interaction[] {
  const words: readonly (readonly Interaction[])[] = [
    ['r', 's'],
    ['c', 'u', 'd'],
  ]
  const whole = words.filter((word) => word.every((letter) => interactions.includes(letter)))
  return inOrder(whole.flat())
}

function inOrder(interactions: readonly Interaction[]): readonly Interaction[] {
  return INTERACTIONS.filter((interaction) => interactions.includes(interaction))
}

function addTo(granted: Map<string, SystemScope>, scope: SystemScope): void {
  const key: `${ScopeStyle} ${string}` = `${scope.style} ${scope.type}`
  const before = granted.get(key)?.interactions ?? []
  granted.set(key, { ...scope, interactions: inOrder([...before, ...scope.interactions]) })
}
