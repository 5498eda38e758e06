import { formatInstant, parsePrefer } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { fhirAnswer, outcomeAnswer, type Answer } from '../http/answer.ts'
import { versionEntityTag } from '../http/entity-tags.ts'
import { notFound } from '../http/request-refused-error.ts'
import { headerOf, requireJsonIsAccepted, segmentOf } from '../http/request-parts.ts'
import type { HttpContext, Route } from '../http/route.ts'
import type { StoredResource } from '../resource-store.ts'

const STATUS_PATH = '/group-writes'

/** Whether a client asks for the asynchronous pattern. */
export function wantsAsync(request: FastifyRequest): boolean {
  return parsePrefer(headerOf(request, 'prefer')).respondAsync
}

/**
 * The answer to an asynchronous create or update of a Group. The write has taken effect by then: who
 * the members are is worked out by exports, so nothing is left to be done. The status URL holds all
 * that there is to know, so that it is good after a restart.
 *
 * @see {@link https://build.fhir.org/async-bundle.html | FHIR: Asynchronous Interaction Request Pattern}
 */
export function acceptedWrite({ fhirBaseUrl }: HttpContext, group: StoredResource): Answer {
  const url = `${fhirBaseUrl()}${STATUS_PATH}/${group.id}/${group.versionId}`
  const diagnostics = 'The Group was written. The result is at the URL in Content-Location.'
  return outcomeAnswer(
    202,
    { severity: 'information', code: 'informational', diagnostics },
    { 'content-location': url, 'preference-applied': 'respond-async' },
  )
}

/** Status of asynchronous writes of Groups. */
export function asyncWriteRoutes(context: HttpContext): readonly Route[] {
  return [
    {
      path: `/fhir${STATUS_PATH}/:id/:version`,
      methods: {
        GET: (request) => writeStatus(context, request),
        DELETE: (request) => forgetWrite(context, request),
      },
    },
  ]
}

async function writeStatus(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  requireJsonIsAccepted(request)
  const { id, version, lastUpdated } = await findWrite(context, request)
  const response = {
    status: version === 1 ? '201 Created' : '200 OK',
    location: `${context.fhirBaseUrl()}/Group/${id}/_history/${version}`,
    etag: versionEntityTag(String(version)),
    ...(lastUpdated !== undefined && { lastModified: formatInstant(lastUpdated) }),
  }
  return fhirAnswer(200, { resourceType: 'Bundle', type: 'batch-response', entry: [{ response }] })
}

/** There is nothing to be deleted; the Group stays. */
async function forgetWrite(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  await findWrite(context, request)
  return { status: 202, headers: {} }
}

interface FoundWrite {
  readonly id: string
  readonly version: number
  /** Known while the version is the current one. */
  readonly lastUpdated: Date | undefined
}

async function findWrite(
  { access, resources }: HttpContext,
  request: FastifyRequest,
): Promise<FoundWrite> {
  const id = segmentOf(request, 'id')
  const unknown = notFound('There is no such status')
  await access.requireGroup(request, id, { unknown, attempted: 'resource' })
  const head = await resources.head('Group', id)
  const text = segmentOf(request, 'version')
  const version = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Infinity
  if (head.state === 'unknown' || version > Number(head.versionId)) throw unknown
  const isCurrent = head.state === 'found' && head.versionId === text
  return { id, version, lastUpdated: isCurrent ? head.lastUpdated : undefined }
}
