import {
  acceptsFhirJson,
  decodeKickOffBody,
  decodeKickOffQuery,
  encodePreferenceApplied,
  exportOperations,
  isResourceId,
  parsePrefer,
  PREFERENCE_APPLIED_HEADER,
  type DecodedKickOff,
  type DecodeKickOffOptions,
  type Edition,
  type ExportLevel,
  type ExportOperation,
  type KickOffParameters,
  type Preferences,
  type ResourceType,
} from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { decideExport, type AllowedExport } from '../access/export-rights.ts'
import { isExported } from '../capability/export-capabilities.ts'
import { exportQuery, KICK_OFF_SUPPORT, readTypeFilters } from '../kick-off/export-query.ts'
import type { Job } from '../job-store.ts'
import type { KickOffInput } from '../jobs/export-jobs.ts'
import { insufficientScope } from './access-refusals.ts'
import { outcomeAnswer, type Answer } from './answer.ts'
import { badRequest, notFound, type RequestRefusedError } from './request-refused-error.ts'
import { headerOf, rawQueryOf, segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { statusUrl } from './urls.ts'

/** Room for more than 100,000 patients, named one by one. */
const MAX_PARAMETERS_BYTES = 16 * 1024 * 1024

/**
 * Kick-off requests: `$export` and `$export-v4` at the three levels.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request | Bulk Data: Kick-off Request}
 */
export function kickOffRoutes(context: HttpContext): readonly Route[] {
  return (['system', 'patient', 'group'] as const).flatMap((level) =>
    exportOperations(level).map((operation) => route(context, operation)),
  )
}

const PATHS: Readonly<Record<ExportLevel, string>> = {
  system: '/fhir',
  patient: '/fhir/Patient',
  group: '/fhir/Group/:id',
}

function route(context: HttpContext, { level, path, edition }: ExportOperation): Route {
  const spoken = edition === 'stu4' ? 'stu4' : context.exportEdition
  const handler = (request: FastifyRequest): Promise<Answer> =>
    kickOff(context, request, { level, edition: spoken })
  const methods = spoken === 'stu4' ? { POST: handler } : { GET: handler, POST: handler }
  return { path: `${PATHS[level]}/${path}`, methods }
}

async function kickOff(
  context: HttpContext,
  request: FastifyRequest,
  { level, edition }: { readonly level: ExportLevel; readonly edition: Edition },
): Promise<Answer> {
  const preferences = requireKickOffHeaders(request)
  const groupId = level === 'group' ? groupIdOf(request) : undefined
  const lenient = preferences.handling === 'lenient'
  const { parameters, ignored } = await decode(context, request, { lenient, level, edition })
  const filters = readTypeFilters(parameters.typeFilters ?? [], { lenient })
  requireExportedType(level, parameters.types)
  const decision = await decide(context, request, { level, parameters })
  if (groupId !== undefined) await requireGroup(context, request, groupId)
  const { separateExportStatus } = preferences
  const job = await startJob(context, request, {
    requestUrl: kickOffUrl(context, request, groupId),
    query: exportQuery({
      ...{ level, groupId, parameters, decision },
      fhirBaseUrl: context.fhirBaseUrl(),
      filters: filters.restrictions,
    }),
    reply: {
      edition,
      separateExportStatus,
      allowPartialManifests: parameters.allowPartialManifests ?? false,
    },
    lenient,
    ignoredParameters: [...ignored, ...filters.ignored],
  })
  await writeDown(context, request, job)
  return accepted(context, job, preferences)
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
 * What the export may hold for as long as it lives, fixed here.
 *
 * @throws RequestRefusedError with 403 for a request beyond the scopes.
 */
async function decide(
  { access }: HttpContext,
  request: FastifyRequest,
  { level, parameters }: { readonly level: ExportLevel; readonly parameters: KickOffParameters },
): Promise<AllowedExport> {
  const { rights } = access.requesterOf(request)
  const decision = decideExport(rights, level, requestedTypes(parameters))
  if (decision.allowed) return decision
  const { missing } = decision
  const needed = missing.length === 0 ? 'any export' : `to export ${missing.join(', ')} here`
  throw await access.refuse(
    request,
    { attempted: 'kick-off', reason: 'insufficient-scope' },
    insufficientScope(needed),
  )
}

/** An export that could not hold anything is no use to anybody (SHOULD be refused). */
function requireExportedType(level: ExportLevel, types: readonly ResourceType[] | undefined): void {
  if (types === undefined || types.some((type) => isExported(type, level))) return
  const message = `None of the types in _type is exported at ${level} level`
  throw badRequest(message, 'not-supported')
}

/** Provenance that is asked for by `includeAssociatedData` comes whatever `_type` says. */
function requestedTypes({
  types,
  includeAssociatedData,
}: KickOffParameters): readonly ResourceType[] | undefined {
  if (types === undefined || includeAssociatedData === undefined) return types
  return [...new Set<ResourceType>([...types, 'Provenance'])]
}

function accepted(context: HttpContext, { jobId }: Job, preferences: Preferences): Answer {
  const diagnostics = 'The export has begun. Its status is at the URL in Content-Location.'
  return outcomeAnswer(
    202,
    { severity: 'information', code: 'informational', diagnostics },
    {
      'content-location': statusUrl(context, jobId),
      [PREFERENCE_APPLIED_HEADER.toLowerCase()]: encodePreferenceApplied(preferences),
    },
  )
}

/** `Prefer: respond-async` is required, and the answer to be must be acceptable (SHALL). */
function requireKickOffHeaders(request: FastifyRequest): Preferences {
  if (!acceptsFhirJson(headerOf(request, 'accept'))) {
    throw badRequest('The Accept header must admit application/fhir+json', 'not-supported')
  }
  const preferences = parsePrefer(headerOf(request, 'prefer'))
  if (!preferences.respondAsync) {
    throw badRequest('Exports are asynchronous: send the header Prefer: respond-async', 'required')
  }
  return preferences
}

async function decode(
  context: HttpContext,
  request: FastifyRequest,
  reading: Pick<DecodeKickOffOptions, 'lenient' | 'level' | 'edition'>,
): Promise<DecodedKickOff> {
  const { clock, fhirBaseUrl, jobs } = context
  // After the machine's clock was set back, transaction times go on from where they were.
  const now = new Date(Math.max(clock().getTime(), jobs.latestTransactionTime.getTime()))
  const options = { ...reading, now, fhirBaseUrl: fhirBaseUrl(), support: KICK_OFF_SUPPORT }
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
  const { state } = await resources.head('Group', groupId)
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
