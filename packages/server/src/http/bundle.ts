import { formatInstant, operationOutcome, type OutcomeIssue } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { BundleResult, WriteResult } from '../resource-store.ts'
import { fhirAnswer, outcomeAnswer, type Answer } from './answer.ts'
import { versionEntityTag } from './entity-tags.ts'
import { jsonArray, jsonObject, property } from './json-bytes.ts'
import { preferredReturn } from './preferred-return.ts'
import { headerOf, requireJsonIsAccepted } from './request-parts.ts'
import { versionUrl } from './resource-interactions.ts'
import type { HttpContext, Route } from './route.ts'

/**
 * Batch and transaction Bundles, at the base.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#transaction | FHIR R4: batch/transaction}
 */
export function bundleRoutes(context: HttpContext): readonly Route[] {
  return [{ path: '/fhir', methods: { POST: (request) => writeBundle(context, request) } }]
}

async function writeBundle(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  requireJsonIsAccepted(request)
  const result = await context.bodies.use(request, (body) => context.resources.writeBundle(body))
  if (result.state === 'rejected') return outcomeAnswer(result.status, rejection(result))
  const withResources = preferredReturn(headerOf(request, 'prefer')) === 'representation'
  const entries = result.entries.map((entry) => responseEntry(context, entry, withResources))
  const bundle = jsonObject(
    property('resourceType', '"Bundle"'),
    property('type', JSON.stringify(`${result.type}-response`)),
    property('entry', entries.length === 0 ? undefined : jsonArray(entries)),
  )
  return fhirAnswer(200, bundle)
}

function rejection({ issue, entry }: Extract<BundleResult, { state: 'rejected' }>): OutcomeIssue {
  if (entry === undefined) return issue
  return { ...issue, diagnostics: `Bundle.entry[${entry}]: ${issue.diagnostics}` }
}

function responseEntry(
  context: HttpContext,
  result: WriteResult,
  withResources: boolean,
): Uint8Array {
  const resource = withResources && 'resource' in result ? result.resource.body : undefined
  return jsonObject(
    property('resource', resource),
    property('response', JSON.stringify(entryResponse(context, result))),
  )
}

/** `Bundle.entry.response` of one write. */
function entryResponse(context: HttpContext, result: WriteResult): object {
  switch (result.state) {
    case 'created':
    case 'updated':
    case 'unchanged':
      return {
        status: result.state === 'created' ? '201 Created' : '200 OK',
        location: versionUrl(context.fhirBaseUrl(), result.resource),
        ...version(result.resource),
      }
    case 'deleted':
      return { status: '204 No Content', ...version(result) }
    case 'absent':
      return { status: '204 No Content' }
    case 'version-conflict':
      return { status: '412 Precondition Failed', outcome: operationOutcome(VERSION_CONFLICT) }
    case 'invalid':
      return { status: '400 Bad Request', outcome: operationOutcome(result.issue) }
  }
}

const VERSION_CONFLICT: OutcomeIssue = {
  severity: 'error',
  code: 'conflict',
  diagnostics: 'ifMatch does not name the current version: read the resource again',
}

function version(result: { readonly versionId: string; readonly lastUpdated: Date }): object {
  return {
    etag: versionEntityTag(result.versionId),
    lastModified: formatInstant(result.lastUpdated),
  }
}
