import type { AccessTokenSource } from '@flatfhir/client'
import { DemoCheckFailedError } from '../../errors.ts'

/** A write to the Data Provider. */
export interface FhirWrite {
  readonly method: 'PUT' | 'DELETE'
  /** `Type/id`. */
  readonly resource: string
  readonly body?: string
}

/** Where writes go, and as whom. */
export interface FhirServer {
  readonly fhirBaseUrl: string
  readonly accessToken: AccessTokenSource
  readonly signal: AbortSignal
}

/**
 * Sends one write over HTTP, as any FHIR client would.
 *
 * @returns the version that it made, where the answer says.
 * @throws `DemoCheckFailedError` when it is refused.
 */
export async function sendWrite(
  { fhirBaseUrl, accessToken, signal }: FhirServer,
  write: FhirWrite,
): Promise<string | undefined> {
  const token = await accessToken({})
  const response = await fetch(`${fhirBaseUrl}/${write.resource}`, {
    method: write.method,
    headers: {
      'content-type': 'application/fhir+json',
      accept: 'application/fhir+json',
      authorization: `Bearer ${token ?? ''}`,
    },
    signal,
    ...(write.body === undefined ? {} : { body: write.body }),
  })
  await response.arrayBuffer()
  if (!response.ok) {
    throw new DemoCheckFailedError(`A ${write.method} was answered with HTTP ${response.status}`)
  }
  return /^W\/"([^"]*)"$/.exec(response.headers.get('etag') ?? '')?.[1]
}
