import { RequestInvalidError } from '../../errors.ts'
import type { ResourceType } from '../../generated/resource-types.ts'
import { isResourceType } from '../../resource-type.ts'
import { passOver, shown, type DecodeContext } from './decode-context.ts'

const PATIENT: ReadonlySet<ResourceType> = new Set<ResourceType>(['Patient'])
/** FHIR's positiveInt is a signed integer of 32 bits. */
const MAX_POSITIVE_INT = 2_147_483_647
const DIGITS = /^[0-9]{1,10}$/

/** Reads `organizeOutputBy`: a type that the provider can organise its output by. */
export function decodeOrganizer(text: string, context: DecodeContext): ResourceType | undefined {
  const organizers = context.support.organizers ?? PATIENT
  if (isResourceType(text) && organizers.has(text)) return text
  passOver(
    {
      name: 'organizeOutputBy',
      reason: `organizeOutputBy names a type that output cannot be organised by${shown([text])}`,
      nextStep: `Leave organizeOutputBy out, or give ${[...organizers].join(' or ')}.`,
    },
    context,
  )
  return undefined
}

/** Reads a boolean; `name` is the parameter's, for the message. */
export function decodeBoolean(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new RequestInvalidError('value', `${name} is neither true nor false`, {
    nextStep: `Give ${name} as true or false, or leave it out.`,
  })
}

/** Reads a positive integer; `name` is the parameter's, for the message. */
export function decodePositiveInt(name: string, text: string): number {
  const value = DIGITS.test(text) ? Number(text) : 0
  if (value >= 1 && value <= MAX_POSITIVE_INT) return value
  throw new RequestInvalidError('value', `${name} is not a positive integer`, {
    nextStep: `Give ${name} as a number of bytes from 1 to ${MAX_POSITIVE_INT}.`,
  })
}
