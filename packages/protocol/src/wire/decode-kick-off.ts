import { RequestInvalidError } from '../errors.ts'
import type { ExportLevel } from '../export-level.ts'
import type { IgnoredParameter, KickOffParameters, KickOffSupport } from '../kick-off-parameters.ts'
import type { Edition } from './edition.ts'
import { DEFINITIONS, valueElement, type ParameterDefinition } from './kick-off-definitions.ts'
import { passOver, type DecodeContext } from './parameters/decode-context.ts'
import {
  readParametersResource,
  textOfValue,
  valueElementsOf,
  type ReceivedEntry,
} from './parameters-resource.ts'

/** How a kick-off request is to be read. */
export interface DecodeKickOffOptions {
  /** `Prefer: handling=lenient`: what is not supported is reported instead of refused. */
  readonly lenient: boolean
  /** The latest instant that `_since` may name. */
  readonly now: Date
  /**
   * Edition that the operation speaks. STU1 to STU3 are read alike; STU4 knows no `GET` and no lists
   * with commas, and each parameter has one type.
   *
   * @defaultValue stu3
   */
  readonly edition?: Edition
  /** Level of the export; where it is told, `patient` is refused at the system level. */
  readonly level?: ExportLevel
  /** Base URL of the server, for references to patients that are absolute. */
  readonly fhirBaseUrl?: string
  /**
   * What the provider acts upon.
   *
   * @defaultValue `_outputFormat`, `_since`, `_until` and `_type`
   */
  readonly support?: KickOffSupport
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
const BASIC_SUPPORT: KickOffSupport = {
  parameters: new Set(['_outputFormat', '_since', '_until', '_type']),
}
/** A name of another form may be anything, so it is not told back. */
const SHOWABLE_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

/**
 * Reads the query string of a `GET` kick-off request.
 *
 * @throws {@link RequestInvalidError} naming the parameter that cannot be accepted. Values are not
 *   quoted, but for names of resource types and elements. For STU4 always: it SHALL be a `POST`.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters}
 */
export function decodeKickOffQuery(
  query: URLSearchParams,
  options: DecodeKickOffOptions,
): DecodedKickOff {
  if (options.edition === 'stu4') {
    throw new RequestInvalidError('not-supported', 'In STU4 an export is kicked off by POST only', {
      nextStep: 'Send the parameters by POST, in a Parameters resource.',
    })
  }
  const received = [...query].map(([name, text]) => ({ name, textFor: () => text }))
  return decode(received, options, 'GET')
}

/**
 * Reads the body of a `POST` kick-off request: a parsed FHIR Parameters resource.
 *
 * Up to STU3, values are also taken from the neighbouring types that clients in the field send
 * (`valueCode` for `valueString`, `valueDateTime` for `valueInstant`, and the like).
 *
 * @throws {@link RequestInvalidError} as {@link decodeKickOffQuery} does, and when the body is not a
 *   Parameters resource or a parameter has a value of a wrong type.
 */
export function decodeKickOffBody(
  parameters: unknown,
  options: DecodeKickOffOptions,
): DecodedKickOff {
  const isStu4 = options.edition === 'stu4'
  const received = readParametersResource(parameters).map((entry) => ({
    name: entry.name,
    textFor: (definition: ParameterDefinition) =>
      textOfEntry(entry, {
        name: definition.name,
        elements: isStu4 ? [valueElement(definition)] : definition.bodyElements,
      }),
  }))
  return decode(received, options, 'POST')
}

function decode(
  received: readonly WireParameter[],
  options: DecodeKickOffOptions,
  method: DecodeContext['method'],
): DecodedKickOff {
  const ignored: IgnoredParameter[] = []
  const context: DecodeContext = {
    edition: options.edition ?? 'stu3',
    method,
    level: options.level,
    fhirBaseUrl: options.fhirBaseUrl,
    support: options.support ?? BASIC_SUPPORT,
    lenient: options.lenient,
    now: options.now,
    ignore: (name, reason) => ignored.push({ name, reason }),
  }
  let parameters: KickOffParameters = { outputFormat: 'application/fhir+ndjson' }
  for (const [name, values] of groupByName(received)) {
    const definition = BY_NAME.get(name)
    const reason = whyNot(name, definition, context)
    if (definition !== undefined && reason === undefined) {
      parameters = { ...parameters, ...decodeOne(definition, values, context) }
    } else ignoreParameter(name, { reason, context })
  }
  checkWindow(parameters)
  checkFileSizes(parameters)
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

/** Why a parameter of the IG is not acted upon, if it is not. */
function whyNot(
  name: string,
  definition: ParameterDefinition | undefined,
  { edition, level, method, support }: DecodeContext,
): string | undefined {
  if (definition === undefined) return undefined
  if (!support.parameters.has(definition.name)) return `The parameter ${name} is not supported`
  if (definition.sinceStu4 === true && edition !== 'stu4') {
    return `The parameter ${name} is not supported before STU4`
  }
  if (definition.name !== 'patient') return undefined
  if (method === 'GET') return 'The parameter patient is supported in POST requests only'
  return level === 'system' ? 'The parameter patient does not apply to the system level' : undefined
}

function ignoreParameter(
  name: string,
  { reason, context }: { readonly reason: string | undefined; readonly context: DecodeContext },
): void {
  const shownName = SHOWABLE_NAME.test(name) ? name : '(name not shown)'
  passOver(
    {
      name: shownName,
      reason: reason ?? `The parameter ${shownName} is unknown`,
      nextStep: 'Leave it out, or send Prefer: handling=lenient to have it ignored.',
    },
    context,
  )
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

function textOfEntry(
  entry: ReceivedEntry,
  { name, elements }: { readonly name: string; readonly elements: readonly string[] },
): string {
  const [element, ...others] = valueElementsOf(entry)
  const isProper = element !== undefined && others.length === 0 && elements.includes(element)
  const text = isProper ? textOfValue(element, entry.content[element]) : undefined
  if (text !== undefined) return text
  throw new RequestInvalidError('structure', `${name} has no value, or one of a wrong type`, {
    nextStep: `Give ${name} one ${elements[0] ?? 'value'}.`,
  })
}

function checkWindow({ since, until }: KickOffParameters): void {
  if (since === undefined || until === undefined || since < until) return
  throw new RequestInvalidError('value', '_until is not later than _since', {
    nextStep: 'Give an _until that is later than _since, or leave one of them out.',
  })
}

/** Where both are given, the maximum SHALL be greater (STU4, asynchronous pattern). */
function checkFileSizes({ minimumFileSize, maximumFileSize }: KickOffParameters): void {
  if (minimumFileSize === undefined || maximumFileSize === undefined) return
  if (minimumFileSize < maximumFileSize) return
  throw new RequestInvalidError('value', '_maximumFileSize is not greater than _minimumFileSize', {
    nextStep: 'Give a greater _maximumFileSize, or leave one of them out.',
  })
}
