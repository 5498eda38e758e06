import { RequestInvalidError } from '../errors.ts'
import type { IgnoredParameter, KickOffParameters } from '../kick-off-parameters.ts'
import {
  DEFINITIONS,
  NOT_SUPPORTED,
  type DecodeContext,
  type ParameterDefinition,
} from './kick-off-definitions.ts'
import {
  readParametersResource,
  valueElementsOf,
  type ReceivedEntry,
} from './parameters-resource.ts'

/** How a kick-off request is to be read. */
export interface DecodeKickOffOptions {
  /** `Prefer: handling=lenient`: what is not supported is reported instead of refused. */
  readonly lenient: boolean
  /** The latest instant that `_since` may name. */
  readonly now: Date
}

/** A kick-off request that can be acted upon. */
export interface DecodedKickOff {
  readonly parameters: KickOffParameters
  /** What was asked for and will not be done; always empty unless the request was lenient. */
  readonly ignored: readonly IgnoredParameter[]
}

/**
 * One value of one parameter, from a query string or from a Parameters resource. Its text is asked
 * for only when it is known which kinds of value the parameter has.
 */
interface WireParameter {
  readonly name: string
  readonly textFor: (definition: ParameterDefinition) => string
}

const BY_NAME: ReadonlyMap<string, ParameterDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
)
/** A name of another form may be anything, so it is not told back. */
const SHOWABLE_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

/**
 * Reads the query string of a `GET` kick-off request.
 *
 * @throws {@link RequestInvalidError} naming the parameter that cannot be accepted. Values are not
 *   quoted, but for names of resource types.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters}
 */
export function decodeKickOffQuery(
  query: URLSearchParams,
  options: DecodeKickOffOptions,
): DecodedKickOff {
  return decode(
    [...query].map(([name, text]) => ({ name, textFor: () => text })),
    options,
  )
}

/**
 * Reads the body of a `POST` kick-off request: a parsed FHIR Parameters resource.
 *
 * Parameters that FHIR types as string or instant are also taken from the neighbouring types that
 * clients in the field send (`valueCode`, `valueUri`; `valueDateTime`, `valueString`).
 *
 * @throws {@link RequestInvalidError} as {@link decodeKickOffQuery} does, and when the body is not a
 *   Parameters resource or a parameter has a value of a wrong type.
 */
export function decodeKickOffBody(
  parameters: unknown,
  options: DecodeKickOffOptions,
): DecodedKickOff {
  const entries = readParametersResource(parameters)
  return decode(
    entries.map((entry) => ({
      name: entry.name,
      textFor: (definition) => textOfEntry(entry, definition),
    })),
    options,
  )
}

function decode(
  received: readonly WireParameter[],
  { lenient, now }: DecodeKickOffOptions,
): DecodedKickOff {
  const ignored: IgnoredParameter[] = []
  const context: DecodeContext = {
    lenient,
    now,
    ignore: (name, reason) => ignored.push({ name, reason }),
  }
  let parameters: KickOffParameters = { outputFormat: 'application/fhir+ndjson' }
  for (const [name, values] of groupByName(received)) {
    const definition = BY_NAME.get(name)
    if (definition === undefined) passOver(name, context)
    else parameters = { ...parameters, ...decodeOne(definition, values, context) }
  }
  checkWindow(parameters)
  return { parameters, ignored }
}

function groupByName(
  received: readonly WireParameter[],
): ReadonlyMap<string, readonly WireParameter[]> {
  const groups = new Map<string, WireParameter[]>()
  for (const parameter of received) {
    const group = groups.get(parameter.name)
    if (group === undefined) groups.set(parameter.name, [parameter])
    else group.push(parameter)
  }
  return groups
}

function decodeOne(
  definition: ParameterDefinition,
  values: readonly WireParameter[],
  context: DecodeContext,
): Partial<KickOffParameters> {
  if (!definition.repeats && values.length > 1) {
    throw new RequestInvalidError('structure', `${definition.name} is given more than once`, {
      nextStep: `Give ${definition.name} once.`,
    })
  }
  const texts = values.map((value) => value.textFor(definition))
  return definition.decode(texts, context)
}

/** A parameter that is not acted upon: an error, or a note where the client allows it. */
function passOver(name: string, { lenient, ignore }: DecodeContext): void {
  const shown = SHOWABLE_NAME.test(name) ? name : '(name not shown)'
  const reason = NOT_SUPPORTED.has(name)
    ? `The parameter ${shown} is not supported`
    : `The parameter ${shown} is unknown`
  if (!lenient) {
    throw new RequestInvalidError('not-supported', reason, {
      nextStep: 'Leave it out, or send Prefer: handling=lenient to have it ignored.',
    })
  }
  ignore(shown, reason)
}

function textOfEntry(entry: ReceivedEntry, { name, bodyElements }: ParameterDefinition): string {
  const [element, ...others] = valueElementsOf(entry)
  const value = element === undefined ? undefined : entry.content[element]
  const isProper = element !== undefined && others.length === 0 && bodyElements.includes(element)
  if (isProper && typeof value === 'string') return value
  throw new RequestInvalidError('structure', `${name} has no value, or one of a wrong type`, {
    nextStep: `Give ${name} one ${bodyElements[0] ?? 'value'}.`,
  })
}

function checkWindow({ since, until }: KickOffParameters): void {
  if (since === undefined || until === undefined || since < until) return
  throw new RequestInvalidError('value', '_until is not later than _since', {
    nextStep: 'Give an _until that is later than _since, or leave one of them out.',
  })
}
