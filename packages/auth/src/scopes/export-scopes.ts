import type { ExportLevel } from '@flatfhir/protocol'
import type { ScopeStyle } from './system-scope.ts'

/** What {@link scopesFor} derives scopes from. */
export interface ExportScopesRequest {
  /** The export's `_type`; absent or empty for every type. */
  readonly types?: readonly string[]
  readonly level: ExportLevel
  readonly style: ScopeStyle
}

/**
 * The scopes that an export needs, as the `scope` of a token request: one per type, or the wildcard
 * when no types are named. At Group level reading Group and Patient is added, which providers need
 * to look the members up.
 */
export function scopesFor({ types = [], level, style }: ExportScopesRequest): string {
  const permission = style === 'v1' ? 'read' : 'rs'
  if (types.length === 0) return `system/*.${permission}`
  const supporting = level === 'group' ? ['Group', 'Patient'] : []
  const all = new Set([...types, ...supporting])
  return [...all].map((type) => `system/${type}.${permission}`).join(' ')
}

/**
 * The syntax of scopes that a server understands, by the `capabilities` of its SMART configuration:
 * v2 where it says `permission-v2`, else v1, which is all that older servers know.
 */
export function scopeStyleOf(capabilities: readonly string[]): ScopeStyle {
  return capabilities.includes('permission-v2') ? 'v2' : 'v1'
}
