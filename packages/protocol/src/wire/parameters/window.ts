import { RequestInvalidError } from '../../errors.ts'
import { parseInstant } from '../../instant.ts'
import { withPlus } from './output-format.ts'

/** Reads `_since`, which cannot lie in the future. */
export function decodeSince(text: string, now: Date): Date {
  const since = decodeInstant('_since', text)
  if (since > now) {
    throw new RequestInvalidError('value', '_since lies in the future', {
      nextStep: 'Use the transactionTime of an earlier manifest, and check the clock.',
    })
  }
  return since
}

/** Reads an instant; `name` is the parameter's, for the message. */
export function decodeInstant(name: string, text: string): Date {
  const instant = parseInstant(withPlus(text))
  if (instant !== undefined) return instant
  throw new RequestInvalidError('value', `${name} is not an instant`, {
    nextStep: 'Write date, time with seconds and time zone, such as 2026-01-31T08:00:00Z.',
  })
}
