import { RequestInvalidError } from '../../errors.ts'
import type { ExportLevel } from '../../export-level.ts'
import type { KickOffSupport } from '../../kick-off-parameters.ts'
import type { Edition } from '../edition.ts'

/** What decoding one parameter may ask about the request as a whole. */
export interface DecodeContext {
  readonly edition: Edition
  readonly method: 'GET' | 'POST'
  readonly level: ExportLevel | undefined
  readonly fhirBaseUrl: string | undefined
  readonly support: KickOffSupport
  readonly lenient: boolean
  readonly now: Date
  /** Takes note that something is not acted upon; only called when `lenient`. */
  readonly ignore: (name: string, reason: string) => void
}

/** Something that is not supported: its reason for an OperationOutcome, and what to do instead. */
export interface NotSupported {
  readonly name: string
  readonly reason: string
  readonly nextStep: string
}

/**
 * Notes what is not supported where the request is lenient.
 *
 * @throws {@link RequestInvalidError} where it is not.
 */
export function passOver(
  { name, reason, nextStep }: NotSupported,
  { lenient, ignore }: DecodeContext,
): void {
  if (!lenient) throw new RequestInvalidError('not-supported', reason, { nextStep })
  ignore(name, reason)
}

/** So many names of one request are told back. */
const MAX_SHOWN_NAMES = 10
const NAME_LIKE = /^[A-Za-z]{1,64}(?:\.[A-Za-z]{1,64})?$/

/** Names that a request holds, for a message; what is not made of letters may be anything. */
export function shown(names: readonly string[]): string {
  const harmless = [...new Set(names)].filter((name) => NAME_LIKE.test(name))
  return harmless.length === 0 ? '' : `: ${harmless.slice(0, MAX_SHOWN_NAMES).join(', ')}`
}

/**
 * The entries of a parameter that may be given repeatedly: up to STU3 each value may itself be a
 * list with commas, in STU4 it SHALL NOT be.
 *
 * @throws {@link RequestInvalidError} for a blank entry, and for a list in STU4.
 */
export function listEntries(
  name: string,
  texts: readonly string[],
  { edition }: DecodeContext,
): readonly string[] {
  if (edition === 'stu4' && texts.some((text) => text.includes(','))) {
    throw new RequestInvalidError('value', `${name} holds a list with commas, which STU4 has not`, {
      nextStep: `Repeat ${name}, once for each value.`,
    })
  }
  const entries = texts.flatMap((text) => text.split(',')).map((entry) => entry.trim())
  if (!entries.includes('')) return [...new Set(entries)]
  throw new RequestInvalidError('value', `${name} has a blank entry`, {
    nextStep: `Separate the values of ${name} by single commas, or leave ${name} out.`,
  })
}
