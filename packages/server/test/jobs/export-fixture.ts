import {
  DirectoryOutputFileStore,
  ExportJobs,
  type ExportJobsEvent,
  type ExportJobsOptions,
  type ExportStatus,
  type JobStore,
  type OutputFile,
} from '@flatfhir/server'
import { SqliteJobStore } from '@flatfhir/store-sqlite'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { GeneratedResourceStore, type GeneratedType } from './generated-resource-store.ts'

const DEADLINE_MS = 120_000

/** Export jobs over made-up resources, with a real job store and a real file store. */
export interface ExportFixture extends AsyncDisposable {
  readonly directory: string
  readonly filesDirectory: string
  readonly resources: GeneratedResourceStore
  readonly jobs: JobStore
  readonly files: DirectoryOutputFileStore
  readonly exportJobs: ExportJobs
  readonly events: ExportJobsEvent[]
  /** Ends this process's work as if it had been killed in its sleep, and starts again. */
  restart(options?: Partial<ExportJobsOptions>): Promise<ExportFixture>
}

/** Starts export jobs in a directory; a new one unless one is given. */
export async function startExports(
  types: readonly GeneratedType[],
  options: Partial<ExportJobsOptions> & { readonly directory?: string } = {},
): Promise<ExportFixture> {
  const { directory = await mkdtemp(join(tmpdir(), 'flatfhir-jobs-')), ...others } = options
  const filesDirectory = join(directory, 'files')
  const files = new DirectoryOutputFileStore(filesDirectory)
  const resources = new GeneratedResourceStore(directory, types, others.clock)
  const jobs = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
  const events: ExportJobsEvent[] = []
  const exportJobs = await ExportJobs.start({
    resources,
    jobs,
    files,
    workers: 2,
    minimumInProgressMs: 0,
    retryDelayMs: 1,
    onEvent: (event) => events.push(event),
    ...others,
  })
  const close = async (): Promise<void> => {
    await exportJobs[Symbol.asyncDispose]()
    await jobs[Symbol.asyncDispose]()
  }
  return {
    ...{ directory, filesDirectory, resources, jobs, files, exportJobs, events },
    restart: async (changed = {}) => {
      await close()
      return startExports(types, { ...options, ...changed, directory })
    },
    [Symbol.asyncDispose]: async () => {
      await close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A system export of everything. */
export const SYSTEM_EXPORT = {
  requestUrl: 'https://example.org/fhir/$export',
  query: { level: 'system' },
  ignoredParameters: [],
} as const

/** Looks again and again until `look` finds something, or the deadline has passed. */
export async function eventually<Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`Waited too long for ${what}`)
    await delay(2)
  }
}

/** Waits for a job's end. */
export async function untilEnded(
  exportJobs: ExportJobs,
  jobId: string,
): Promise<Exclude<ExportStatus, { state: 'in-progress' }>> {
  return eventually('the end of the job', async () => {
    const status = await exportJobs.status(jobId)
    if (status === undefined) throw new Error('The job is gone')
    return status.state === 'in-progress' ? undefined : status
  })
}

/** The files of a job that must complete. */
export async function untilComplete(
  exportJobs: ExportJobs,
  jobId: string,
): Promise<readonly OutputFile[]> {
  const status = await untilEnded(exportJobs, jobId)
  if (status.state === 'error') throw new Error(`The job failed: ${status.issue.diagnostics}`)
  return status.files
}

/** Reads a file back and checks everything that its row says of it. */
export async function readOutputFile(
  exportJobs: ExportJobs,
  { jobId, file }: { readonly jobId: string; readonly file: OutputFile },
): Promise<string> {
  const stream = await exportJobs.openFile({ jobId, fileId: file.fileId })
  if (stream === undefined) throw new Error('The file is gone')
  const stored = await buffer(stream)
  const content = file.storedEncoding === 'gzip' ? gunzipSync(stored) : stored
  const text = content.toString('utf8')
  expect({
    storedBytes: stored.length,
    storedSha256: sha256(stored),
    bytes: content.length,
    sha256: sha256(content),
    resourceCount: text.split('\n').length - 1,
    lastCharacter: text.at(-1),
  }).toEqual({
    storedBytes: file.storedBytes,
    storedSha256: file.storedSha256,
    bytes: file.bytes,
    sha256: file.sha256,
    resourceCount: file.resourceCount,
    lastCharacter: '\n',
  })
  return text
}

/** How often each id is in the files, by id. */
export async function countIds(
  exportJobs: ExportJobs,
  jobId: string,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const file of await untilComplete(exportJobs, jobId)) {
    if (file.kind !== 'output') continue
    for (const line of (await readOutputFile(exportJobs, { jobId, file })).trimEnd().split('\n')) {
      const { id } = JSON.parse(line) as { readonly id: string }
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  return counts
}

/** What {@link countIds} must find: every id once. */
export function everyIdOnce(types: readonly GeneratedType[]): ReadonlyMap<string, number> {
  const ids = types.flatMap(({ type, count }) => {
    return Array.from({ length: count }, (_, n) => `${type}-${n}`)
  })
  return new Map(ids.map((id) => [id, 1]))
}

/** Every file below the store's directory, as `job/file`. */
export async function storedNames(filesDirectory: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const jobId of await readdir(filesDirectory).catch(() => [])) {
    const inJob = await readdir(join(filesDirectory, jobId)).catch(() => [])
    for (const name of inJob) names.push(`${jobId}/${name}`)
  }
  return names.sort()
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
