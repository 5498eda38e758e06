import { encodeManifest, type Manifest, type ManifestFile } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { mayAskAbout } from '../access/export-rights.ts'
import type { Job, OutputFile } from '../job-store.ts'
import type { ExportStatus, InProgressStatus, ManifestPage } from '../jobs/export-status.ts'
import { insufficientScope } from './access-refusals.ts'
import { jsonAnswer, outcomeAnswer, type Answer } from './answer.ts'
import { notFound, type RequestRefusedError } from './request-refused-error.ts'
import { rawQueryOf, segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { isRandomId, outputFileUrl, STATUS_PATH, statusUrl } from './urls.ts'

/**
 * Status requests and delete requests, at the status URL of a job.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request | Bulk Data: Status Request}
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request | Bulk Data: Delete Request}
 */
export function statusRoutes(context: HttpContext): readonly Route[] {
  return [
    {
      path: STATUS_PATH,
      methods: {
        GET: (request) => exportStatus(context, request),
        DELETE: (request) => deleteExport(context, request),
      },
    },
  ]
}

async function exportStatus(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  const status = await ownStatus(context, request, { attempted: 'status', page: pageOf(request) })
  const { client } = context.access.requesterOf(request)
  context.limiter.countPoll(client, status.job.jobId)
  return statusAnswer(context, status)
}

function statusAnswer(context: HttpContext, status: ExportStatus): Answer {
  const answer = answerOf(context, status)
  if (!status.job.reply.separateExportStatus) return answer
  // The HTTP status is then that of the status request alone (SHALL).
  const headers = { ...answer.headers, 'x-export-status': String(answer.status) }
  return { ...answer, status: 200, headers }
}

function answerOf(context: HttpContext, status: ExportStatus): Answer {
  switch (status.state) {
    case 'in-progress':
      return inProgress(context, status)
    case 'complete':
      return manifestAnswer(context, 200, {
        job: status.job,
        page: status,
        headers: { expires: status.expiresAt.toUTCString() },
      })
    case 'error':
      return outcomeAnswer(500, status.issue)
  }
}

function inProgress(context: HttpContext, status: InProgressStatus): Answer {
  const { job, partial, progress, retryAfterSeconds } = status
  const headers = { 'x-progress': progress, 'retry-after': String(Math.ceil(retryAfterSeconds)) }
  if (partial === undefined) return { status: 202, headers }
  return manifestAnswer(context, 202, { job, page: partial, headers })
}

interface PageToTell {
  readonly job: Job
  readonly page: ManifestPage
  readonly headers: Readonly<Record<string, string>>
}

function manifestAnswer(
  context: HttpContext,
  status: number,
  { job, page, headers }: PageToTell,
): Answer {
  const manifest = encodeManifest(manifestOf(context, job, page), job.reply.edition)
  return jsonAnswer(status, manifest, headers)
}

function manifestOf(
  context: HttpContext,
  { jobId, snapshot, requestUrl, query }: Job,
  { files, nextPage }: ManifestPage,
): Manifest {
  const ofKind = (kind: OutputFile['kind']): ManifestFile[] =>
    files.filter((file) => file.kind === kind).map((file) => manifestFile(context, jobId, file))
  return {
    transactionTime: snapshot.transactionTime,
    request: requestUrl,
    requiresAccessToken: context.access.requiresAccessToken,
    output: ofKind('output'),
    deleted: ofKind('deleted'),
    outcome: ofKind('outcome'),
    ...(query.organizedBy !== undefined && { outputOrganizedBy: query.organizedBy }),
    ...(nextPage !== undefined && { next: `${statusUrl(context, jobId)}?page=${nextPage}` }),
  }
}

/** Pages after the first are at the status URL too, so that the same rules guard them. */
function pageOf(request: FastifyRequest): number {
  const page = new URLSearchParams(rawQueryOf(request)).get('page') ?? '0'
  if (!/^\d{1,6}$/.test(page)) throw unknownExport()
  return Number(page)
}

function manifestFile(
  context: HttpContext,
  jobId: string,
  { fileId, type, resourceCount, bytes, sha256, continuesInFileId }: OutputFile,
): ManifestFile {
  const url = outputFileUrl(context, { jobId, fileId })
  const file = { type, url, count: resourceCount, fileSize: bytes, sha256 }
  if (continuesInFileId === undefined) return file
  const continuesInFile = outputFileUrl(context, { jobId, fileId: continuesInFileId })
  return { ...file, continuesInFile }
}

async function deleteExport(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  const { job } = await ownStatus(context, request, { attempted: 'delete', page: 0 })
  if (!(await context.jobs.delete(job.jobId))) throw unknownExport()
  const actor = context.access.actorOf(request)
  await context.audit.record({
    name: 'job-deleted',
    ...actor,
    jobId: job.jobId,
    cause: 'requested',
  })
  const diagnostics = 'The export and its files are deleted.'
  return outcomeAnswer(202, { severity: 'information', code: 'informational', diagnostics })
}

/**
 * @throws RequestRefusedError with 404 for what does not exist or belongs to another client, and
 *   with 403 for the client's own export when the token's scopes do not cover it.
 */
async function ownStatus(
  context: HttpContext,
  request: FastifyRequest,
  { attempted, page }: { readonly attempted: 'status' | 'delete'; readonly page: number },
): Promise<ExportStatus> {
  const { access } = context
  const jobId = segmentOf(request, 'jobId')
  if (!isRandomId(jobId)) throw unknownExport()
  const status = await context.jobs.status(jobId, page)
  if (status === undefined) throw unknownExport()
  if (!access.owns(request, status.job)) {
    throw await access.refuse(request, { attempted, reason: 'not-owner', jobId }, unknownExport())
  }
  if (mayAskAbout(access.requesterOf(request).rights, status.job.query)) return status
  throw await access.refuse(
    request,
    { attempted, reason: 'insufficient-scope', jobId },
    insufficientScope('all that this export may hold'),
  )
}

function unknownExport(): RequestRefusedError {
  return notFound('There is no such export: it never existed, was deleted, or has expired')
}
