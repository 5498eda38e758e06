import { formatInstant, operationOutcome, type OutcomeIssue } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { bundleFault, type BundleFault } from '../access/bundle-rights.ts'
import { mayWriteEverything } from '../access/rights.ts'
import { writeAuthor } from '../groups/write-author.ts'
import type { BundleResult, WriteResult } from '../resource-store.ts'
import { INTERACTION_NAMES } from './access.ts'
import { insufficientScope } from './access-refusals.ts'
import { fhirAnswer, outcomeAnswer, type Answer } from './answer.ts'
import { versionEntityTag } from './entity-tags.ts'
import { jsonArray, jsonObject, property } from './json-bytes.ts'
import { preferredReturn } from './preferred-return.ts'
import { badRequest, notFound, type RequestRefusedError } from './request-refused-error.ts'
import { headerOf, requireJsonIsAccepted } from './request-parts.ts'
import { versionUrl } from './resource-interactions.ts'
import type { HttpContext, Route } from './route.ts'

/** Larger Bundles would keep the thread busy while their entries are looked at. */
const MAX_CHECKED_BYTES = 4 * 1024 * 1024

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
  const result = await writeAllowed(context, request)
  await noteCreatedGroups(context, request, result)
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

/** Nothing of a Bundle is carried out, of a batch neither, unless all of it is within the rights. */
async function writeAllowed(context: HttpContext, request: FastifyRequest): Promise<BundleResult> {
  const { access, bodies, resources } = context
  const { rights } = access.requesterOf(request)
  const author = writeAuthor(access.requesterOf(request))
  if (mayWriteEverything(rights)) {
    return await bodies.use(request, (body) => resources.writeBundle(body, { author }))
  }
  return await bodies.use(
    request,
    async (body) => {
      const fault = bundleFault(body, rights)
      if (fault !== undefined) throw await refusal(context, request, fault)
      return await resources.writeBundle(body, { author })
    },
    MAX_CHECKED_BYTES,
  )
}

async function noteCreatedGroups(
  { access }: HttpContext,
  request: FastifyRequest,
  result: BundleResult,
): Promise<void> {
  if (result.state === 'rejected') return
  for (const entry of result.entries) {
    if (entry.state !== 'created' || entry.resource.type !== 'Group') continue
    await access.noteCreatedGroup(request, entry.resource.id)
  }
}

async function refusal(
  { access }: HttpContext,
  request: FastifyRequest,
  fault: BundleFault,
): Promise<RequestRefusedError> {
  const place = `Bundle.entry[${fault.entry}]`
  const { reason } = fault
  switch (reason) {
    case 'not-understood':
      return badRequest(`${place}: request is not POST, PUT or DELETE of a type`, 'not-supported')
    case 'group-not-allowed': {
      const unknown = notFound(`${place}: there is no such resource`)
      return await access.refuse(request, { attempted: 'resource', reason }, unknown)
    }
    case 'insufficient-scope': {
      const needed = `${INTERACTION_NAMES[fault.interaction]} ${fault.type} (${place})`
      const answer = insufficientScope(needed)
      return await access.refuse(request, { attempted: 'resource', reason }, answer)
    }
  }
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
