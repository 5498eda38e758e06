import type { KickOffParameterName, KickOffParameters } from '../kick-off-parameters.ts'
import { decodeAssociatedData } from './parameters/associated-data.ts'
import type { DecodeContext } from './parameters/decode-context.ts'
import { decodeElements } from './parameters/elements.ts'
import { decodeBoolean, decodeOrganizer, decodePositiveInt } from './parameters/output.ts'
import { decodeOutputFormat } from './parameters/output-format.ts'
import { decodePatients } from './parameters/patients.ts'
import { decodeTypeFilters } from './parameters/type-filter.ts'
import { decodeTypes } from './parameters/types.ts'
import { decodeInstant, decodeSince } from './parameters/window.ts'

/** How one parameter of the kick-off request is written and what it means. */
export interface ParameterDefinition {
  readonly name: KickOffParameterName
  /** Whether the request may hold it more than once. */
  readonly repeats: boolean
  /** FHIR type by the OperationDefinitions of STU4. */
  readonly type: 'string' | 'instant' | 'Reference' | 'Coding' | 'boolean' | 'positiveInt'
  /**
   * The elements that may carry its value in a Parameters resource up to STU3, the proper one first;
   * the others are what clients in the field send.
   */
  readonly bodyElements: readonly string[]
  /** Whether it came with STU4. */
  readonly sinceStu4?: boolean
  /** Called once, with all values of the request in their order; at least one. */
  readonly decode: (texts: readonly string[], context: DecodeContext) => Partial<KickOffParameters>
}

const INSTANT = ['valueInstant', 'valueDateTime', 'valueString'] as const
const CODE = ['valueString', 'valueCode', 'valueUri'] as const

/** Every parameter of the IG's export operations, in the order of its tables. */
export const DEFINITIONS: readonly ParameterDefinition[] = [
  {
    name: '_outputFormat',
    repeats: false,
    type: 'string',
    bodyElements: CODE,
    decode: ([text = '']) => ({ outputFormat: decodeOutputFormat(text) }),
  },
  {
    name: '_since',
    repeats: false,
    type: 'instant',
    bodyElements: INSTANT,
    decode: ([text = ''], { now }) => ({ since: decodeSince(text, now) }),
  },
  {
    name: '_until',
    repeats: false,
    type: 'instant',
    bodyElements: INSTANT,
    decode: ([text = '']) => ({ until: decodeInstant('_until', text) }),
  },
  {
    name: '_type',
    repeats: true,
    type: 'string',
    bodyElements: CODE,
    decode: (texts, context) => ({ types: decodeTypes(texts, context) }),
  },
  {
    name: '_elements',
    repeats: true,
    type: 'string',
    bodyElements: ['valueString', 'valueCode'],
    decode: (texts, context) => ({ elements: decodeElements(texts, context) }),
  },
  {
    name: 'patient',
    repeats: true,
    type: 'Reference',
    bodyElements: ['valueReference', 'valueString', 'valueUri'],
    decode: (texts, context) => ({ patients: decodePatients(texts, context) }),
  },
  {
    name: 'includeAssociatedData',
    repeats: true,
    type: 'Coding',
    bodyElements: ['valueCode', 'valueString', 'valueCoding'],
    decode: (texts, context) =>
      present('includeAssociatedData', decodeAssociatedData(texts, context)),
  },
  {
    name: '_typeFilter',
    repeats: true,
    type: 'string',
    bodyElements: ['valueString', 'valueUri'],
    decode: (texts, context) => present('typeFilters', decodeTypeFilters(texts, context)),
  },
  {
    name: 'organizeOutputBy',
    repeats: false,
    type: 'string',
    bodyElements: ['valueString', 'valueCode'],
    decode: ([text = ''], context) => present('organizeOutputBy', decodeOrganizer(text, context)),
  },
  {
    name: 'allowPartialManifests',
    repeats: false,
    type: 'boolean',
    bodyElements: ['valueBoolean', 'valueString'],
    decode: ([text = '']) => ({
      allowPartialManifests: decodeBoolean('allowPartialManifests', text),
    }),
  },
  {
    name: '_minimumFileSize',
    repeats: false,
    type: 'positiveInt',
    bodyElements: ['valuePositiveInt'],
    sinceStu4: true,
    decode: ([text = '']) => ({ minimumFileSize: decodePositiveInt('_minimumFileSize', text) }),
  },
  {
    name: '_maximumFileSize',
    repeats: false,
    type: 'positiveInt',
    bodyElements: ['valuePositiveInt'],
    sinceStu4: true,
    decode: ([text = '']) => ({ maximumFileSize: decodePositiveInt('_maximumFileSize', text) }),
  },
]

/** The names of all parameters of the IG's export operations. */
export const KICK_OFF_PARAMETER_NAMES: ReadonlySet<KickOffParameterName> = new Set(
  DEFINITIONS.map(({ name }) => name),
)

/** The element that carries the value in STU4, where there is only one. */
export function valueElement({ type }: ParameterDefinition): string {
  return `value${type.charAt(0).toUpperCase()}${type.slice(1)}`
}

function present<K extends keyof KickOffParameters>(
  key: K,
  value: KickOffParameters[K] | undefined,
): Partial<KickOffParameters> {
  return value === undefined ? {} : { [key]: value }
}
