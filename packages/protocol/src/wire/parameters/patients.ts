import { RequestInvalidError } from '../../errors.ts'
import { parseReference } from '../../reference.ts'
import type { DecodeContext } from './decode-context.ts'

/**
 * Reads `patient`: references to Patients, relative or with the server's own base URL.
 *
 * @returns Their ids.
 */
export function decodePatients(
  texts: readonly string[],
  { fhirBaseUrl }: DecodeContext,
): readonly string[] {
  const base = fhirBaseUrl?.replace(/\/*$/, '/')
  const ids = texts.map((text) => {
    const isOwn = base !== undefined && text.startsWith(base)
    const reference = parseReference(isOwn ? text.slice(base.length) : text)
    if (reference?.type === 'Patient') return reference.id
    throw new RequestInvalidError(
      'value',
      'patient is not a reference to a Patient of this server',
      {
        nextStep: 'Send {"name": "patient", "valueReference": {"reference": "Patient/…"}}.',
      },
    )
  })
  return [...new Set(ids)]
}
