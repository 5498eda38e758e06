import {
  constraintQuery,
  formatSystemScope,
  INTERACTIONS,
  parseSystemScope,
  splitScopes,
  type Interaction,
  type ScopeFault,
  type SystemScope,
} from './system-scope.ts'

/** Why a scope that was asked for is not granted. */
export type ScopeRefusal = ScopeFault | 'constraint-not-supported' | 'not-registered'

/**
 * Whether a server can honour a constraint exactly, everywhere that data leaves it.
 *
 * @param query - A FHIR search without `?`, such as `category=laboratory`.
 */
export type SupportsConstraint = (type: string, query: string) => boolean

/** What {@link grantScopes} decides. */
export interface ScopeGrant {
  /** One per type, style and constraints, in the order asked. */
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
 * - Of constrained scopes, on either side, resources have to meet the constraints of both. One that
 *   cannot be honoured exactly, or is not about one type, is refused as a whole. v1 cannot say a
 *   constraint, so what is left of such an ask is granted in v2.
 *
 * @param requested - The token request's `scope`.
 * @param registered - The scopes of the client's registration, separated by spaces.
 * @param supports - Which constraints the server honours; none, where it is left out.
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services: evaluate requested access}
 */
export function grantScopes(
  requested: string,
  registered: string,
  supports: SupportsConstraint = () => false,
): ScopeGrant {
  const allowed = allowedInteractions(registered)
  const isSupported = (scope: SystemScope): boolean =>
    scope.constraints.length === 0 ||
    (scope.type !== '*' && supports(scope.type, constraintQuery(scope)))
  const granted = new Map<string, SystemScope>()
  const refused: { scope: string; reason: ScopeRefusal }[] = []
  for (const text of splitScopes(requested)) {
    const parsed = parseSystemScope(text)
    if (!parsed.ok) refused.push({ scope: text, reason: parsed.fault })
    else if (!isSupported(parsed.scope)) {
      refused.push({ scope: text, reason: 'constraint-not-supported' })
    } else {
      const whole = narrow(parsed.scope, allowed)
      const some = constrainedParts(parsed.scope, registered).filter(isSupported)
      const parts = [...whole, ...some.filter((part) => !isCovered(part, whole))]
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

/** What registered scopes with constraints allow of a scope. */
function constrainedParts(asked: SystemScope, registered: string): readonly SystemScope[] {
  return splitScopes(registered).flatMap((text): readonly SystemScope[] => {
    const parsed = parseSystemScope(text)
    if (!parsed.ok || parsed.scope.constraints.length === 0) return []
    const { scope } = parsed
    if (asked.type !== '*' && asked.type !== scope.type) return []
    const interactions = asked.interactions.filter((one) => scope.interactions.includes(one))
    if (interactions.length === 0) return []
    const constraints = bothConstraints(asked, scope)
    return [{ style: 'v2', type: scope.type, interactions, constraints }]
  })
}

function bothConstraints(asked: SystemScope, registered: SystemScope): SystemScope['constraints'] {
  const isKnown = (one: SystemScope['constraints'][number]): boolean =>
    asked.constraints.some(({ parameter, value }) => {
      return parameter === one.parameter && value === one.value
    })
  return [...asked.constraints, ...registered.constraints.filter((one) => !isKnown(one))]
}

/** Whether another part already gives all of a part: the same or more, under the same or no constraint. */
function isCovered(part: SystemScope, others: readonly SystemScope[]): boolean {
  return part.interactions.every((interaction) =>
    others.some(
      (other) =>
        (other.type === '*' || other.type === part.type) &&
        other.interactions.includes(interaction) &&
        (other.constraints.length === 0 || constraintQuery(other) === constraintQuery(part)),
    ),
  )
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
  const key = `${scope.style} ${scope.type}?${constraintQuery(scope)}`
  const before = granted.get(key)?.interactions ?? []
  granted.set(key, { ...scope, interactions: inOrder([...before, ...scope.interactions]) })
}
