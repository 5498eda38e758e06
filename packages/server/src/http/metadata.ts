import { capabilityStatement } from '../capability/capability-statement.ts'
import { documentationPage } from '../capability/documentation-page.ts'
import { operationDefinitionIds, operationDefinitions } from '../capability/export-capabilities.ts'
import type { ProviderDescription } from '../capability/provider-description.ts'
import { fhirAnswer, type Answer } from './answer.ts'
import { requireJsonIsAccepted } from './request-parts.ts'
import type { Handler, HttpContext, Route } from './route.ts'
import { tokenUrl } from './urls.ts'

/**
 * What this server can do, which anybody may read: the CapabilityStatement, the OperationDefinitions,
 * and the documentation that the IG asks for.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#capabilities | FHIR R4: capabilities}
 */
export function metadataRoutes(
  context: HttpContext,
  software: { readonly version: string; readonly startedAt: Date },
): readonly Route[] {
  // The base URL is known only once the server listens.
  let known: ProviderDescription | undefined
  const description = (): ProviderDescription => (known ??= describe(context, software))
  const json = (make: () => object): Handler => {
    let body: Uint8Array | undefined
    return async (request) => {
      requireJsonIsAccepted(request)
      body ??= Buffer.from(JSON.stringify(make()))
      return fhirAnswer(200, body)
    }
  }
  const definitions = operationDefinitionIds().map((id) =>
    publicRoute(
      `/fhir/OperationDefinition/${id}`,
      json(() => operationDefinitions(description()).get(id) ?? {}),
    ),
  )
  return [
    publicRoute(
      '/fhir/metadata',
      json(() => capabilityStatement(description())),
    ),
    ...definitions,
    publicRoute('/fhir/bulk-data-documentation', async () => page(description())),
  ]
}

function describe(
  context: HttpContext,
  { version, startedAt }: { readonly version: string; readonly startedAt: Date },
): ProviderDescription {
  return {
    fhirBaseUrl: context.fhirBaseUrl(),
    softwareVersion: version,
    startedAt,
    exportEdition: context.exportEdition,
    ...context.jobs.limits,
    ...(context.access.requiresAccessToken && { tokenUrl: tokenUrl(context) }),
  }
}

function publicRoute(path: string, handler: Handler): Route {
  return { path, methods: { GET: handler, HEAD: handler }, isPublic: true }
}

function page(description: ProviderDescription): Answer {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
  }
  return { status: 200, headers, body: Buffer.from(documentationPage(description)) }
}
