import { isResourceId, parseReference } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { outcomeAnswer, type Answer } from '../http/answer.ts'
import { versionEntityTag, versionOfIfMatch } from '../http/entity-tags.ts'
import { badRequest, notFound, versionConflict } from '../http/request-refused-error.ts'
import { headerOf, requireJsonIsAccepted, segmentOf } from '../http/request-parts.ts'
import type { HttpContext, Route } from '../http/route.ts'
import type { MemberChange, MemberChangeResult } from '../resource-store.ts'
import { writeAuthor } from './write-author.ts'

/** Some 40,000 members: a larger change is to be made in several requests, or by an update. */
const MAX_PARAMETERS_BYTES = 4 * 1024 * 1024

const PARAMETERS = z.object({
  resourceType: z.literal('Parameters'),
  parameter: z
    .array(
      z.union([
        z.strictObject({
          name: z.literal('patientReference'),
          valueReference: z.looseObject({ reference: z.string() }),
        }),
        z.strictObject({
          name: z.literal('attributionPeriod'),
          valuePeriod: z.strictObject({ start: z.string().optional(), end: z.string().optional() }),
        }),
      ]),
    )
    .min(1),
})

type Operation = '$member-add' | '$member-remove'

/**
 * `Group/{id}/$member-add` and `$member-remove`: changes of single members, whose cost does not grow
 * with the Group.
 *
 * @see {@link https://hl7.org/fhir/us/davinci-atr/ | Da Vinci Member Attribution}
 */
export function memberRoutes(context: HttpContext): readonly Route[] {
  return (['$member-add', '$member-remove'] as const).map((operation) => ({
    path: `/fhir/Group/:id/${operation}`,
    methods: { POST: (request) => changeMembers(context, request, operation) },
  }))
}

async function changeMembers(
  context: HttpContext,
  request: FastifyRequest,
  operation: Operation,
): Promise<Answer> {
  requireJsonIsAccepted(request)
  const { access, bodies, resources, fhirBaseUrl } = context
  const groupId = segmentOf(request, 'id')
  const unknown = notFound('There is no such resource')
  await access.require(request, 'u', 'Group')
  await access.requireGroup(request, groupId, { unknown, attempted: 'resource' })
  if (!isResourceId(groupId)) throw unknown
  const ifMatch = ifMatchOf(request)
  const change = await bodies.use(
    request,
    async (body) => readChange(body, operation, `${fhirBaseUrl()}/`),
    MAX_PARAMETERS_BYTES,
  )
  const author = writeAuthor(access.requesterOf(request))
  const result = await resources.changeMembers({ groupId, ...ifMatch, ...change }, { author })
  return changeAnswer(result)
}

function changeAnswer(result: MemberChangeResult): Answer {
  switch (result.state) {
    case 'unknown':
      throw notFound('There is no such resource')
    case 'version-conflict':
      throw versionConflict()
    case 'invalid':
      return outcomeAnswer(result.issue.code === 'forbidden' ? 403 : 400, result.issue)
    case 'updated':
    case 'unchanged': {
      const { added, removed, versionId, lastUpdated } = result
      const diagnostics = `Members added: ${added}, removed: ${removed}`
      return outcomeAnswer(
        200,
        { severity: 'information', code: 'informational', diagnostics },
        { etag: versionEntityTag(versionId), 'last-modified': lastUpdated.toUTCString() },
      )
    }
  }
}

function readChange(
  body: Uint8Array,
  operation: Operation,
  base: string,
): Pick<MemberChange, 'add' | 'remove'> {
  const parsed = PARAMETERS.safeParse(parseJson(body))
  if (!parsed.success) {
    throw badRequest(
      `The body of ${operation} is a Parameters resource with patientReference (valueReference), once for each member, and at most one attributionPeriod (valuePeriod)`,
      'structure',
    )
  }
  const { parameter } = parsed.data
  const periods = parameter.flatMap((one) => ('valuePeriod' in one ? [one.valuePeriod] : []))
  const patients = parameter.flatMap((one) =>
    'valueReference' in one ? [patientIn(one.valueReference.reference, base)] : [],
  )
  if (operation === '$member-remove') {
    if (periods.length > 0) throw badRequest('$member-remove has no attributionPeriod')
    return { add: [], remove: patients }
  }
  const [period, ...others] = periods
  if (others.length > 0) throw badRequest('attributionPeriod can be given once')
  const add = patients.map((reference) =>
    JSON.stringify({ entity: { reference }, ...(period !== undefined && { period }) }),
  )
  return { add, remove: [] }
}

/** `Patient/id`, of a reference that may be absolute. */
function patientIn(reference: string, base: string): string {
  const relative = reference.startsWith(base) ? reference.slice(base.length) : reference
  const target = parseReference(relative)
  if (target?.type === 'Patient') return `Patient/${target.id}`
  throw badRequest('A patientReference does not name a Patient of this server, as Patient/id')
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw badRequest('The body is not JSON in UTF-8', 'structure')
  }
}

function ifMatchOf(request: FastifyRequest): { ifMatch?: string } {
  const header = headerOf(request, 'if-match')
  if (header === undefined) return {}
  const ifMatch = versionOfIfMatch(header)
  if (ifMatch === undefined) throw badRequest('If-Match must be one ETag of a version: W/"1"')
  return { ifMatch }
}
