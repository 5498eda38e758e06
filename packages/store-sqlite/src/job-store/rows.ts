import type { OutcomeIssue } from '@flatfhir/protocol'
import type { Job, JobState, NewJob, OutputFile } from '@flatfhir/server'

/** A row of table `job`. */
export interface JobRow {
  readonly job_id: string
  readonly client_id: string | null
  readonly level: string
  readonly request_url: string
  readonly query: string
  readonly reply: string
  readonly transaction_time_ms: number
  readonly snapshot_position: string
  readonly ignored_parameters: string
  readonly created_at_ms: number
  readonly state: JobState['name']
  readonly completed_at_ms: number | null
  readonly expires_at_ms: number | null
  readonly issue: string | null
}

/** A row of table `output_file`, without the columns that place it. */
export interface OutputFileRow {
  readonly file_id: string
  readonly kind: string
  readonly type: string
  readonly resource_count: number
  readonly bytes: number
  readonly sha256: string
  readonly stored_encoding: string
  readonly stored_bytes: number
  readonly stored_sha256: string
  readonly continues_in_file_id: string | null
}

/** The values of a new row of table `job`, by column. */
export function jobValues(job: NewJob): Record<string, string | number | null> {
  return {
    job_id: job.jobId,
    client_id: job.clientId ?? null,
    level: job.level,
    request_url: job.requestUrl,
    query: JSON.stringify(job.query),
    reply: JSON.stringify(job.reply),
    transaction_time_ms: job.snapshot.transactionTime.getTime(),
    snapshot_position: job.snapshot.position,
    ignored_parameters: JSON.stringify(job.ignoredParameters),
    created_at_ms: job.createdAt.getTime(),
  }
}

/** The rows are written by {@link jobValues} alone, so their JSON needs no second check. */
export function jobOf(row: JobRow): Job {
  return {
    jobId: row.job_id,
    ...(row.client_id === null ? {} : { clientId: row.client_id }),
    level: row.level as Job['level'],
    requestUrl: row.request_url,
    query: JSON.parse(row.query) as Job['query'],
    reply: JSON.parse(row.reply) as Job['reply'],
    snapshot: {
      transactionTime: new Date(row.transaction_time_ms),
      position: row.snapshot_position,
    },
    ignoredParameters: JSON.parse(row.ignored_parameters) as Job['ignoredParameters'],
    createdAt: new Date(row.created_at_ms),
    state: stateOf(row),
  }
}

function stateOf(row: JobRow): JobState {
  if (row.state === 'accepted' || row.state === 'running') return { name: row.state }
  const expiresAt = new Date(row.expires_at_ms ?? 0)
  if (row.state === 'complete') {
    return { name: 'complete', completedAt: new Date(row.completed_at_ms ?? 0), expiresAt }
  }
  return { name: 'failed', issue: JSON.parse(row.issue ?? '{}') as OutcomeIssue, expiresAt }
}

/** The values of a new row of table `output_file`, by column. */
export function outputFileValues(file: OutputFile): Record<string, string | number | null> {
  return {
    file_id: file.fileId,
    kind: file.kind,
    type: file.type,
    resource_count: file.resourceCount,
    bytes: file.bytes,
    sha256: file.sha256,
    stored_encoding: file.storedEncoding,
    stored_bytes: file.storedBytes,
    stored_sha256: file.storedSha256,
    continues_in_file_id: file.continuesInFileId ?? null,
  }
}

/** The output file of a row. */
export function outputFileOf(row: OutputFileRow): OutputFile {
  return {
    fileId: row.file_id,
    kind: row.kind as OutputFile['kind'],
    type: row.type,
    resourceCount: row.resource_count,
    bytes: row.bytes,
    sha256: row.sha256,
    storedEncoding: row.stored_encoding as OutputFile['storedEncoding'],
    storedBytes: row.stored_bytes,
    storedSha256: row.stored_sha256,
    ...(row.continues_in_file_id !== null && { continuesInFileId: row.continues_in_file_id }),
  }
}
