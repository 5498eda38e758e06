import type { ResourceType } from '../generated/resource-types.ts'
import { formatInstant } from '../instant.ts'
import type { KickOffParameters } from '../kick-off-parameters.ts'
import type { ParametersEntry, ParametersResource } from './parameters-resource.ts'

/** How lists are written into a query string. */
export interface KickOffQueryStyle {
  /**
   * `_type=A&_type=B` instead of `_type=A,B`. Both are allowed; each is refused by some server.
   *
   * @defaultValue false
   */
  readonly repeatTypes?: boolean
}

/**
 * Writes the parameters of a `GET` kick-off request; what is absent is left out.
 *
 * @throws RangeError when `types` is an empty list.
 */
export function encodeKickOffQuery(
  parameters: Partial<KickOffParameters>,
  { repeatTypes = false }: KickOffQueryStyle = {},
): URLSearchParams {
  const { outputFormat, since, until } = parameters
  const types = typesOf(parameters)
  const query = new URLSearchParams()
  if (outputFormat !== undefined) query.append('_outputFormat', outputFormat)
  if (since !== undefined) query.append('_since', formatInstant(since))
  if (until !== undefined) query.append('_until', formatInstant(until))
  if (repeatTypes) for (const type of types) query.append('_type', type)
  else if (types.length > 0) query.append('_type', types.join(','))
  return query
}

/**
 * Writes the body of a `POST` kick-off request; what is absent is left out.
 *
 * Types are always repeated: that is right in every edition, while STU4 has no comma lists.
 *
 * @throws RangeError when `types` is an empty list.
 */
export function encodeKickOffBody(parameters: Partial<KickOffParameters>): ParametersResource {
  const { outputFormat, since, until } = parameters
  const types = typesOf(parameters)
  const parameter: ParametersEntry[] = types.map((type) => ({ name: '_type', valueString: type }))
  if (outputFormat !== undefined) {
    parameter.push({ name: '_outputFormat', valueString: outputFormat })
  }
  if (since !== undefined) parameter.push({ name: '_since', valueInstant: formatInstant(since) })
  if (until !== undefined) parameter.push({ name: '_until', valueInstant: formatInstant(until) })
  return { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) }
}

/** Without `_type` a server sends everything, which is not what an empty list says. */
function typesOf({ types }: Partial<KickOffParameters>): readonly ResourceType[] {
  if (types?.length === 0) throw new RangeError('types is empty: leave it out to ask for all types')
  return types ?? []
}
