import { capabilityStatement } from '../capability/capability-statement.ts'
import { fhirAnswer } from './answer.ts'
import { requireJsonIsAccepted } from './request-parts.ts'
import type { Handler, HttpContext, Route } from './route.ts'
import { tokenUrl } from './urls.ts'

/**
 * The CapabilityStatement, which anybody may read.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#capabilities | FHIR R4: capabilities}
 */
export function metadataRoutes(
  context: HttpContext,
  software: { readonly version: string; readonly startedAt: Date },
): readonly Route[] {
  let body: Uint8Array | undefined
  const metadata: Handler = async (request) => {
    requireJsonIsAccepted(request)
    // The base URL is known only once the server listens.
    body ??= Buffer.from(
      JSON.stringify(
        capabilityStatement({
          fhirBaseUrl: context.fhirBaseUrl(),
          softwareVersion: software.version,
          startedAt: software.startedAt,
          ...(context.access.requiresAccessToken && { tokenUrl: tokenUrl(context) }),
        }),
      ),
    )
    return fhirAnswer(200, body)
  }
  return [{ path: '/fhir/metadata', methods: { GET: metadata, HEAD: metadata }, isPublic: true }]
}
