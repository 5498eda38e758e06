import { encodeManifest, type Manifest, type ManifestFile } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import { mayAskAbout } from '../access/export-rights.ts'
import type { OutputFile } from '../job-store.ts'
import type { CompleteStatus, ExportStatus, InProgressStatus } from '../jobs/export-status.ts'
import { insufficientScope } from './access-refusals.ts'
import { jsonAnswer, outcomeAnswer, type Answer } from './answer.ts'
import { notFound, type RequestRefusedError } from './request-refused-error.ts'
import { segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { isRandomId, outputFileUrl, STATUS_PATH } from './urls.ts'

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
  const status = await ownStatus(context, request, 'status')
  const { client } = context.access.requesterOf(request)
  context.limiter.countPoll(client, status.job.jobId)
  return statusAnswer(context, status)
}

function statusAnswer(context: HttpContext, status: ExportStatus): Answer {
  switch (status.state) {
    case 'in-progress':
      return inProgress(status)
    case 'complete':
      return complete(context, status)
    case 'error':
      return outcomeAnswer(500, status.issue)
  }
}

function inProgress({ progress, retryAfterSeconds }: InProgressStatus): Answer {
  return {
    status: 202,
    headers: { 'x-progress': progress, 'retry-after': String(Math.ceil(retryAfterSeconds)) },
  }
}

function complete(context: HttpContext, status: CompleteStatus): Answer {
  return jsonAnswer(200, encodeManifest(manifestOf(context, status), 'stu3'), {
    expires: status.expiresAt.toUTCString(),
  })
}

function manifestOf(context: HttpContext, { job, files }: CompleteStatus): Manifest {
  const ofKind = (kind: OutputFile['kind']): ManifestFile[] =>
    files.filter((file) => file.kind === kind).map((file) => manifestFile(context, job.jobId, file))
  return {
    transactionTime: job.snapshot.transactionTime,
    request: job.requestUrl,
    requiresAccessToken: context.access.requiresAccessToken,
    output: ofKind('output'),
    deleted: ofKind('deleted'),
    outcome: ofKind('outcome'),
  }
}

function manifestFile(
  context: HttpContext,
  jobId: string,
  { fileId, type, resourceCount, bytes, sha256 }: OutputFile,
): ManifestFile {
  const url = outputFileUrl(context, { jobId, fileId })
  return { type, url, count: resourceCount, fileSize: bytes, sha256 }
}

async function deleteExport(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  const { job } = await ownStatus(context, request, 'delete')
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
  attempted: 'status' | 'delete',
): Promise<ExportStatus> {
  const { access } = context
  const jobId = segmentOf(request, 'jobId')
  if (!isRandomId(jobId)) throw unknownExport()
  const status = await context.jobs.status(jobId)
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
