import { DemoCheckFailedError } from '../../errors.ts'

/** A write to the Data Provider. */
export interface FhirWrite {
  readonly method: 'PUT' | 'DELETE'
  /** `Type/id`. */
  readonly resource: string
  readonly body?: string
}

/**
 * Sends one write over HTTP, as any FHIR client would.
 *
 * @returns the version that it made, where the answer says.
 * @throws `DemoCheckFailedError` when it is refused.
 */
export async function sendWrite(
  fhirBaseUrl: string,
  write: FhirWrite,
  signal: AbortSignal,
): Promise<string | undefined> {
  const response = await fetch(`${fhirBaseUrl}/${write.resource}`, {
    method: write.method,
    headers: { 'content-type': 'application/fhir+json', accept: 'application/fhir+json' },
    signal,
    ...(write.body === undefined ? {} : { body: write.body }),
  })
  await response.arrayBuffer()
  if (!response.ok) {
    throw new DemoCheckFailedError(`A ${write.method} was answered with HTTP ${response.status}`)
  }
  return /^W\/"([^"]*)"$/.exec(response.headers.get('etag') ?? '')?.[1]
}
