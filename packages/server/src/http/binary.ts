import { isResourceId } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { StoredResource } from '../resource-store.ts'
import type { Answer } from './answer.ts'
import { ifNoneMatchNames } from './entity-tags.ts'
import { headerOf, rawQueryOf, segmentOf } from './request-parts.ts'
import { versionHeaders } from './resource-interactions.ts'
import type { Handler, HttpContext, Route } from './route.ts'

const RESOURCE_PATH = '/fhir/:type/:id'
const BINARY_PATH = '/fhir/:type(^Binary$)/:id'
const MEDIA_TYPE =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:;\s?[\w-]{1,64}=(?:"[\w .,:/+-]{0,64}"|[\w.+-]{1,64})){0,8}$/

/**
 * Reads of Binary, which are answered with its content: that is how the URLs of attachments lead to
 * what they promise. Who asks for FHIR JSON gets the resource.
 *
 * @param resources - The routes of every type, for all else that Binary has in common with others.
 * @see {@link https://hl7.org/fhir/R4/binary.html#rest | FHIR R4: Serving Binary Resources}
 */
export function binaryRoutes(context: HttpContext, resources: readonly Route[]): readonly Route[] {
  return resources
    .filter(({ path }) => path === RESOURCE_PATH)
    .map(({ methods }) => {
      const { GET, HEAD, ...others } = methods
      const reads = {
        ...(GET !== undefined && { GET: contentOr(GET, context) }),
        ...(HEAD !== undefined && { HEAD: contentOr(HEAD, context) }),
      }
      return { path: BINARY_PATH, methods: { ...reads, ...others } }
    })
}

/** What is not there, or cannot be asked for, is refused as it is for every type. */
function contentOr(read: Handler, context: HttpContext): Handler {
  return async (request) => {
    const id = segmentOf(request, 'id')
    if (asksForResource(request) || !isResourceId(id)) return await read(request)
    await context.access.require(request, 'r', 'Binary')
    const result = await context.resources.read('Binary', id)
    return result.state === 'found' ? contentAnswer(request, result.resource) : await read(request)
  }
}

function asksForResource(request: FastifyRequest): boolean {
  if (new URLSearchParams(rawQueryOf(request)).has('_format')) return true
  return /\bjson\b/i.test(headerOf(request, 'accept') ?? '')
}

function contentAnswer(request: FastifyRequest, resource: StoredResource): Answer {
  const headers = versionHeaders(resource)
  const ifNoneMatch = headerOf(request, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatchNames(ifNoneMatch, headers['etag'] ?? '')) {
    return { status: 304, headers }
  }
  const { contentType, data } = JSON.parse(Buffer.from(resource.body).toString('utf8')) as Content
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': mediaTypeOf(contentType),
      // Content that clients stored must not act in the server's name where a browser opens it.
      'content-security-policy': "default-src 'none'; sandbox",
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      vary: 'Accept',
    },
    body: Buffer.from(typeof data === 'string' ? data : '', 'base64'),
  }
}

interface Content {
  readonly contentType?: unknown
  readonly data?: unknown
}

/** It becomes a header, so that nothing unusual may be in it. */
function mediaTypeOf(contentType: unknown): string {
  const isUsable = typeof contentType === 'string' && MEDIA_TYPE.test(contentType)
  return isUsable ? contentType : 'application/octet-stream'
}
