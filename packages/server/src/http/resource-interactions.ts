import type { Interaction } from '@flatfhir/auth'
import { isResourceId, isResourceType, type ResourceType } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { acceptedWrite, asyncWriteRoutes, wantsAsync } from '../groups/async-write.ts'
import { memberRoutes } from '../groups/member-operations.ts'
import { writeAuthor } from '../groups/write-author.ts'
import type { ReadResult, StoredResource, WriteOperation, WriteResult } from '../resource-store.ts'
import { fhirAnswer, outcomeAnswer, type Answer } from './answer.ts'
import { ifNoneMatchNames, versionEntityTag, versionOfIfMatch } from './entity-tags.ts'
import { preferredReturn } from './preferred-return.ts'
import {
  badRequest,
  notFound,
  RequestRefusedError,
  versionConflict,
} from './request-refused-error.ts'
import { headerOf, requireJsonIsAccepted, segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'

/**
 * Read, create, update and delete of any R4 type.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html | FHIR R4: RESTful API}
 */
export function resourceRoutes(context: HttpContext): readonly Route[] {
  return [
    ...asyncWriteRoutes(context),
    ...memberRoutes(context),
    {
      path: '/fhir/:type',
      methods: { POST: (request) => createResource(context, request) },
    },
    {
      path: '/fhir/:type/:id',
      methods: {
        GET: (request) => readResource(context, request),
        HEAD: (request) => readResource(context, request),
        PUT: (request) => updateResource(context, request),
        DELETE: (request) => deleteResource(context, request),
      },
    },
  ]
}

/** Creates a resource of the type; the id is the store's. Also the create of Group and Patient. */
export async function createResource(
  context: HttpContext,
  request: FastifyRequest,
  type: ResourceType = typeOf(request),
): Promise<Answer> {
  requireJsonIsAccepted(request)
  if (headerOf(request, 'if-none-exist') !== undefined) {
    // To ignore the header would be to create what must not be created twice.
    throw badRequest('Conditional create (If-None-Exist) is not supported', 'not-supported')
  }
  await context.access.require(request, 'c', type)
  return await context.bodies.use(request, async (body) =>
    write(context, request, { kind: 'create', type, body }),
  )
}

async function updateResource(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  requireJsonIsAccepted(request)
  const target = { ...addressOf(request), ...ifMatchOf(request) }
  await requireAccess(context, request, { interaction: 'u', ...target })
  return await context.bodies.use(request, async (body) =>
    write(context, request, { kind: 'update', ...target, body }),
  )
}

async function deleteResource(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  const target = { ...addressOf(request), ...ifMatchOf(request) }
  await requireAccess(context, request, { interaction: 'd', ...target })
  return await write(context, request, { kind: 'delete', ...target })
}

async function readResource(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  requireJsonIsAccepted(request)
  const { type, id } = addressOf(request)
  await requireAccess(context, request, { interaction: 'r', type, id })
  const resource = foundResource(await context.resources.read(type, id))
  const headers = versionHeaders(resource)
  const ifNoneMatch = headerOf(request, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatchNames(ifNoneMatch, headers['etag'] ?? '')) {
    return { status: 304, headers }
  }
  return fhirAnswer(200, resource.body, headers)
}

/**
 * A Group that the client has nothing to do with is like one that was never there: also to an update,
 * which must not create it.
 */
async function requireAccess(
  { access }: HttpContext,
  request: FastifyRequest,
  target: {
    readonly interaction: Interaction
    readonly type: ResourceType
    readonly id: string
  },
): Promise<void> {
  const { interaction, type, id } = target
  await access.require(request, interaction, type)
  if (type !== 'Group') return
  await access.requireGroup(request, id, { unknown: unknownResource(), attempted: 'resource' })
}

function unknownResource(): RequestRefusedError {
  return notFound('There is no such resource')
}

function foundResource(result: ReadResult): StoredResource {
  if (result.state === 'found') return result.resource
  if (result.state === 'unknown') throw unknownResource()
  throw new RequestRefusedError({
    status: 410,
    issueType: 'deleted',
    diagnostics: 'The resource was deleted',
    headers: versionHeaders(result),
  })
}

async function write(
  context: HttpContext,
  request: FastifyRequest,
  operation: WriteOperation,
): Promise<Answer> {
  const { access, resources } = context
  const author = writeAuthor(access.requesterOf(request))
  const [result] = await resources.write([operation], { author })
  if (result === undefined) throw new Error('The store answered a write with no result')
  if (operation.type !== 'Group' || !('resource' in result)) {
    return writeAnswer(context, request, result)
  }
  if (operation.kind === 'create') await access.noteCreatedGroup(request, result.resource.id)
  return wantsAsync(request)
    ? acceptedWrite(context, result.resource)
    : writeAnswer(context, request, result)
}

function writeAnswer(context: HttpContext, request: FastifyRequest, result: WriteResult): Answer {
  switch (result.state) {
    case 'created':
    case 'updated':
    case 'unchanged':
      return writtenAnswer(context, request, result)
    case 'deleted':
      return deletedAnswer(request, versionHeaders(result))
    case 'absent':
      return deletedAnswer(request, {})
    case 'version-conflict':
      throw versionConflict()
    case 'invalid':
      return outcomeAnswer(result.issue.code === 'forbidden' ? 403 : 400, result.issue)
  }
}

function writtenAnswer(
  { fhirBaseUrl }: HttpContext,
  request: FastifyRequest,
  result: Extract<WriteResult, { resource: StoredResource }>,
): Answer {
  const { resource, state } = result
  const status = state === 'created' ? 201 : 200
  const headers = {
    ...versionHeaders(resource),
    ...(state === 'created' && { location: versionUrl(fhirBaseUrl(), resource) }),
  }
  switch (preferredReturn(headerOf(request, 'prefer'))) {
    case 'minimal':
      return { status, headers }
    case 'OperationOutcome':
      return outcomeAnswer(status, informational(`The resource was ${state}`), headers)
    default:
      return fhirAnswer(status, resource.body, headers)
  }
}

function deletedAnswer(request: FastifyRequest, headers: Readonly<Record<string, string>>): Answer {
  if (preferredReturn(headerOf(request, 'prefer')) !== 'OperationOutcome') {
    return { status: 204, headers }
  }
  return outcomeAnswer(200, informational('The resource is deleted'), headers)
}

/** Headers that say which version an answer is about. */
export function versionHeaders(version: {
  readonly versionId: string
  readonly lastUpdated: Date
}): Record<string, string> {
  return {
    etag: versionEntityTag(version.versionId),
    'last-modified': version.lastUpdated.toUTCString(),
  }
}

/** The absolute URL of a version, for `Location`. */
export function versionUrl(fhirBaseUrl: string, { type, id, versionId }: StoredResource): string {
  return `${fhirBaseUrl}/${type}/${id}/_history/${versionId}`
}

function typeOf(request: FastifyRequest): ResourceType {
  const type = segmentOf(request, 'type')
  if (!isResourceType(type)) throw notFound('There is no such resource type in FHIR R4')
  return type
}

function addressOf(request: FastifyRequest): { type: ResourceType; id: string } {
  const type = typeOf(request)
  const id = segmentOf(request, 'id')
  if (!isResourceId(id)) {
    throw badRequest('Ids of resources are 1 to 64 letters, digits, "-" and "."')
  }
  return { type, id }
}

function ifMatchOf(request: FastifyRequest): { ifMatch?: string } {
  const header = headerOf(request, 'if-match')
  if (header === undefined) return {}
  const ifMatch = versionOfIfMatch(header)
  if (ifMatch === undefined) throw badRequest('If-Match must be one ETag of a version: W/"1"')
  return { ifMatch }
}

function informational(diagnostics: string): {
  readonly severity: 'information'
  readonly code: string
  readonly diagnostics: string
} {
  return { severity: 'information', code: 'informational', diagnostics }
}
