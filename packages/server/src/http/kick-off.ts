import {
  acceptsFhirJson,
  decodeKickOffBody,
  decodeKickOffQuery,
  isResourceId,
  parsePrefer,
  type DecodedKickOff,
  type ExportLevel,
  type ResourceType,
} from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { decideExport } from '../access/export-rights.ts'
import type { ExportQuery } from '../resource-store.ts'
import type { Job } from '../job-store.ts'
import type { KickOffInput } from '../jobs/export-jobs.ts'
import { insufficientScope } from './access-refusals.ts'
import { outcomeAnswer, type Answer } from './answer.ts'
import { badRequest, notFound, type RequestRefusedError } from './request-refused-error.ts'
import { headerOf, rawQueryOf, segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { statusUrl } from './urls.ts'

/** Larger than any roster of patients that a client would name one by one. */
const MAX_PARAMETERS_BYTES = 1024 * 1024

/**
 * Kick-off requests at the three levels, by GET and by POST.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request | Bulk Data: Kick-off Request}
 */
export function kickOffRoutes(context: HttpContext): readonly Route[] {
  return [
    route(context, 'system', '/fhir/$export'),
    route(context, 'patient', '/fhir/Patient/$export'),
    route(context, 'group', '/fhir/Group/:id/$export'),
  ]
}

function route(context: HttpContext, level: ExportLevel, path: string): Route {
  const handler = (request: FastifyRequest): Promise<Answer> => kickOff(context, request, level)
  return { path, methods: { GET: handler, POST: handler } }
}

async function kickOff(
  context: HttpContext,
  request: FastifyRequest,
  level: ExportLevel,
): Promise<Answer> {
  requireKickOffHeaders(request)
  const groupId = level === 'group' ? groupIdOf(request) : undefined
  const decoded = await decode(context, request)
  const types = await effectiveTypes(context, request, { level, decoded })
  if (groupId !== undefined) await requireGroup(context, request, groupId)
  const input = {
    requestUrl: kickOffUrl(context, request, groupId),
    query: exportQuery(level, { groupId, types, decoded }),
    ignoredParameters: decoded.ignored,
  }
  const job = await startJob(context, request, input)
  await writeDown(context, request, job)
  return accepted(context, job)
}

/** @throws RequestRefusedError with 403 for an export beyond the scopes, 429 for one too many. */
async function startJob(
  { access, limiter, jobs }: HttpContext,
  request: FastifyRequest,
  input: KickOffInput,
): Promise<Job> {
  const { client } = access.requesterOf(request)
  const clientId = client?.clientId
  return await limiter.startJob(
    client,
    () => jobs.countUnfinished(clientId),
    () => jobs.kickOff({ ...input, ...(clientId !== undefined && { clientId }) }),
  )
}

/** What cannot be written down must not happen. */
async function writeDown(
  { access, audit, jobs }: HttpContext,
  request: FastifyRequest,
  { jobId, level, query }: Job,
): Promise<void> {
  const { groupId, types, sinceMs, untilMs } = query
  try {
    await audit.record({
      name: 'kick-off',
      ...access.actorOf(request),
      ...{ jobId, level, groupId, types },
      since: sinceMs === undefined ? undefined : new Date(sinceMs),
      until: untilMs === undefined ? undefined : new Date(untilMs),
    })
  } catch (error) {
    await jobs.delete(jobId)
    throw error
  }
}

/**
 * The types that the export may hold for as long as it lives, fixed here.
 *
 * @throws RequestRefusedError with 403 for a request beyond the scopes.
 */
async function effectiveTypes(
  { access }: HttpContext,
  request: FastifyRequest,
  { level, decoded }: { readonly level: ExportLevel; readonly decoded: DecodedKickOff },
): Promise<readonly ResourceType[] | undefined> {
  const { rights } = access.requesterOf(request)
  const decision = decideExport(rights, level, decoded.parameters.types)
  if (decision.allowed) return decision.types
  const { missing } = decision
  const needed = missing.length === 0 ? 'any export' : `to export ${missing.join(', ')} here`
  throw await access.refuse(
    request,
    { attempted: 'kick-off', reason: 'insufficient-scope' },
    insufficientScope(needed),
  )
}

function accepted(context: HttpContext, { jobId }: Job): Answer {
  const diagnostics = 'The export has begun. Its status is at the URL in Content-Location.'
  return outcomeAnswer(
    202,
    { severity: 'information', code: 'informational', diagnostics },
    { 'content-location': statusUrl(context, jobId) },
  )
}

/** `Prefer: respond-async` is required, and the answer to be must be acceptable (SHALL). */
function requireKickOffHeaders(request: FastifyRequest): void {
  if (!acceptsFhirJson(headerOf(request, 'accept'))) {
    throw badRequest('The Accept header must admit application/fhir+json', 'not-supported')
  }
  if (!parsePrefer(headerOf(request, 'prefer')).respondAsync) {
    throw badRequest('Exports are asynchronous: send the header Prefer: respond-async', 'required')
  }
}

async function decode(context: HttpContext, request: FastifyRequest): Promise<DecodedKickOff> {
  const { handling } = parsePrefer(headerOf(request, 'prefer'))
  const options = { lenient: handling === 'lenient', now: context.clock() }
  const query = rawQueryOf(request)
  if (request.method === 'GET') return decodeKickOffQuery(new URLSearchParams(query), options)
  if (query !== '') {
    throw badRequest('Parameters of a POST belong into its body, not into its URL', 'structure')
  }
  return await context.bodies.use(
    request,
    async (body) => decodeKickOffBody(parametersOf(body), options),
    MAX_PARAMETERS_BYTES,
  )
}

/** No body at all is a request without parameters. */
function parametersOf(body: Uint8Array): unknown {
  if (body.length === 0) return { resourceType: 'Parameters' }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw badRequest('The body is not JSON in UTF-8', 'structure')
  }
}

function groupIdOf(request: FastifyRequest): string {
  const groupId = segmentOf(request, 'id')
  if (!isResourceId(groupId)) throw unknownGroup()
  return groupId
}

/** Only that the Group exists now; who its members are is decided as of the transaction time. */
async function requireGroup(
  { access, resources }: HttpContext,
  request: FastifyRequest,
  groupId: string,
): Promise<void> {
  await access.requireGroup(request, groupId, { unknown: unknownGroup(), attempted: 'kick-off' })
  const { state } = await resources.read('Group', groupId)
  if (state !== 'found') throw unknownGroup()
}

function unknownGroup(): RequestRefusedError {
  return notFound('There is no such Group')
}

/** The request's URL for the manifest: with the public base, so that it is true behind a proxy. */
function kickOffUrl(
  { fhirBaseUrl }: HttpContext,
  request: FastifyRequest,
  groupId: string | undefined,
): string {
  const path = (request.routeOptions.url ?? '').replace(/^\/fhir/, '').replace(':id', groupId ?? '')
  const query = rawQueryOf(request)
  return fhirBaseUrl() + path + (query === '' ? '' : `?${query}`)
}

function exportQuery(
  level: ExportLevel,
  {
    groupId,
    types,
    decoded,
  }: {
    readonly groupId: string | undefined
    readonly types: readonly ResourceType[] | undefined
    readonly decoded: DecodedKickOff
  },
): ExportQuery {
  const { since, until } = decoded.parameters
  return {
    level,
    ...(groupId !== undefined && { groupId }),
    ...(types !== undefined && { types }),
    ...(since !== undefined && { sinceMs: since.getTime() }),
    ...(until !== undefined && { untilMs: until.getTime() }),
  }
}
