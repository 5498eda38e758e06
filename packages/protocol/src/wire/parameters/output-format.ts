import { RequestInvalidError } from '../../errors.ts'
import type { KickOffParameters } from '../../kick-off-parameters.ts'

const OUTPUT_FORMATS = ['application/fhir+ndjson', 'application/ndjson', 'ndjson']

/** Servers SHALL know the full media type and both short forms (Bulk Data, `_outputFormat`). */
export function decodeOutputFormat(text: string): KickOffParameters['outputFormat'] {
  if (OUTPUT_FORMATS.includes(withPlus(text).toLowerCase())) return 'application/fhir+ndjson'
  throw new RequestInvalidError(
    'not-supported',
    '_outputFormat names a format that is not supported',
    { nextStep: 'Leave _outputFormat out, or ask for application/fhir+ndjson.' },
  )
}

/** A `+` that was not percent-encoded arrives as a space, which no media type and no instant has. */
export function withPlus(text: string): string {
  return text.replace(' ', '+')
}
