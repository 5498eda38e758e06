import { RequestInvalidError } from '../errors.ts'
import type { ResourceType } from '../generated/resource-types.ts'
import { parseInstant } from '../instant.ts'
import type { KickOffParameters } from '../kick-off-parameters.ts'
import { isResourceType } from '../resource-type.ts'

/** What decoding one parameter may ask about the request as a whole. */
export interface DecodeContext {
  readonly lenient: boolean
  readonly now: Date
  /** Takes note that something is not acted upon; only called when `lenient`. */
  readonly ignore: (name: string, reason: string) => void
}

/** How one parameter of the kick-off request is written and what it means. */
export interface ParameterDefinition {
  readonly name: string
  /** Whether the request may hold it more than once. */
  readonly repeats: boolean
  /** The elements that may carry its value in a Parameters resource, the proper one first. */
  readonly bodyElements: readonly string[]
  /** Called once, with all values of the request in their order; at least one. */
  readonly decode: (texts: readonly string[], context: DecodeContext) => Partial<KickOffParameters>
}

/** The parameters that are acted upon. */
export const DEFINITIONS: readonly ParameterDefinition[] = [
  {
    name: '_outputFormat',
    repeats: false,
    bodyElements: ['valueString', 'valueCode', 'valueUri'],
    decode: ([text = '']) => ({ outputFormat: decodeOutputFormat(text) }),
  },
  {
    name: '_since',
    repeats: false,
    bodyElements: ['valueInstant', 'valueDateTime', 'valueString'],
    decode: ([text = ''], { now }) => ({ since: decodeSince(text, now) }),
  },
  {
    name: '_until',
    repeats: false,
    bodyElements: ['valueInstant', 'valueDateTime', 'valueString'],
    decode: ([text = '']) => ({ until: decodeInstant('_until', text) }),
  },
  {
    name: '_type',
    repeats: true,
    bodyElements: ['valueString', 'valueCode', 'valueUri'],
    decode: (texts, context) => ({ types: decodeTypes(texts, context) }),
  },
]

/** Parameters of the Bulk Data IG that are not acted upon. */
export const NOT_SUPPORTED: ReadonlySet<string> = new Set([
  '_typeFilter',
  '_elements',
  'patient',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
  '_minimumFileSize',
  '_maximumFileSize',
])

const OUTPUT_FORMATS = ['application/fhir+ndjson', 'application/ndjson', 'ndjson']
/** So many unknown type names of one request are told back. */
const MAX_NAMED_TYPES = 10
const TYPE_LIKE = /^[A-Za-z]{1,64}$/

/** Servers SHALL know the full media type and both short forms (Bulk Data, `_outputFormat`). */
function decodeOutputFormat(text: string): KickOffParameters['outputFormat'] {
  if (!OUTPUT_FORMATS.includes(withPlus(text).toLowerCase())) {
    throw new RequestInvalidError(
      'not-supported',
      '_outputFormat names a format that is not supported',
      {
        nextStep: 'Leave _outputFormat out, or ask for application/fhir+ndjson.',
      },
    )
  }
  return 'application/fhir+ndjson'
}

function decodeSince(text: string, now: Date): Date {
  const since = decodeInstant('_since', text)
  if (since > now) {
    throw new RequestInvalidError('value', '_since lies in the future', {
      nextStep: 'Use the transactionTime of an earlier manifest, and check the clock.',
    })
  }
  return since
}

function decodeInstant(name: string, text: string): Date {
  const instant = parseInstant(withPlus(text))
  if (instant !== undefined) return instant
  throw new RequestInvalidError('value', `${name} is not an instant`, {
    nextStep: 'Write date, time with seconds and time zone, such as 2026-01-31T08:00:00Z.',
  })
}

/** A `+` that was not percent-encoded arrives as a space; neither kind of value can hold a space. */
function withPlus(text: string): string {
  return text.replace(' ', '+')
}

function decodeTypes(texts: readonly string[], context: DecodeContext): readonly ResourceType[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim())
  if (names.includes('')) {
    throw new RequestInvalidError('value', '_type has a blank entry', {
      nextStep: 'Name resource types, separated by single commas, or leave _type out.',
    })
  }
  const types = [...new Set(names.filter(isResourceType))]
  const reason = whyUnknown(names.filter((name) => !isResourceType(name)))
  if (reason === undefined) return types
  if (!context.lenient || types.length === 0) {
    throw new RequestInvalidError('not-supported', reason, {
      nextStep: 'Name resource types of FHIR R4, spelled with their capital letters.',
    })
  }
  context.ignore('_type', reason)
  return types
}

function whyUnknown(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  // What is not made of letters alone may be anything, so it is not told back.
  const shown = [...new Set(names)].filter((name) => TYPE_LIKE.test(name)).slice(0, MAX_NAMED_TYPES)
  const listed = shown.length === 0 ? '' : `: ${shown.join(', ')}`
  return `_type names a resource type that FHIR R4 does not have${listed}`
}
