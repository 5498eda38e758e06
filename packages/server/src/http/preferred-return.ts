/** What a write should answer with. */
export type PreferredReturn = 'minimal' | 'representation' | 'OperationOutcome'

/**
 * Reads `Prefer: return=…`; the last one counts, anything else in the header is not looked at.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#ops | FHIR R4: Prefer header}
 */
export function preferredReturn(prefer: string | undefined): PreferredReturn | undefined {
  const matches = (prefer ?? '').matchAll(
    /(?:^|[,;])\s*return\s*=\s*"?(minimal|representation|OperationOutcome)"?\s*(?=$|[,;])/g,
  )
  return [...matches].at(-1)?.[1] as PreferredReturn | undefined
}
