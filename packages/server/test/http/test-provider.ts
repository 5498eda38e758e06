import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDataProvider,
  DirectoryOutputFileStore,
  ExportJobs,
  type DataProviderOptions,
  type ExportJobsOptions,
} from '@flatfhir/server'
import { SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import { send, type Received, type Sent } from './send.ts'

export interface TestProvider extends AsyncDisposable {
  /** FHIR base URL. */
  readonly url: string
  readonly port: number
  readonly resources: SqliteResourceStore
  readonly jobs: ExportJobs
  readonly directory: string
  readonly close: () => Promise<void>
  /** Path below the FHIR base. */
  readonly request: (path: string, sent?: Sent) => Promise<Received>
  /** Kicks off an export and waits for it. */
  readonly exported: (path: string, headers?: Sent['headers']) => Promise<Received>
}

interface TestProviderOptions {
  readonly provider?: Partial<DataProviderOptions>
  readonly jobs?: Partial<ExportJobsOptions>
}

/** The real thing, on real sockets and real files, without patience. */
export async function startTestProvider(options: TestProviderOptions = {}): Promise<TestProvider> {
  const directory = await mkdtemp(join(tmpdir(), 'data-provider-'))
  const resources = await SqliteResourceStore.open({ directory })
  const jobStore = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
  const files = new DirectoryOutputFileStore(join(directory, 'output-files'))
  const jobs = await ExportJobs.start({
    resources,
    jobs: jobStore,
    files,
    workers: 1,
    minimumInProgressMs: 0,
    ...options.jobs,
  })
  const provider = await createDataProvider({ resources, jobs, ...options.provider })
  const { url, port } = await provider.listen({ host: '127.0.0.1', port: 0 })
  const request = (path: string, sent: Sent = {}): Promise<Received> =>
    send(port, { ...sent, path: `/fhir${path}` })
  return {
    url,
    port,
    resources,
    jobs,
    directory,
    request,
    close: () => provider.close(),
    exported: (path, headers) => exported(port, request, { path, headers }),
    async [Symbol.asyncDispose]() {
      await provider.close()
      await jobs[Symbol.asyncDispose]()
      await files[Symbol.asyncDispose]()
      await jobStore[Symbol.asyncDispose]()
      await resources[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function exported(
  port: number,
  request: TestProvider['request'],
  kickOff: { readonly path: string; readonly headers: Sent['headers'] },
): Promise<Received> {
  const headers = { prefer: 'respond-async', ...kickOff.headers }
  const accepted = await request(kickOff.path, { headers })
  if (accepted.status !== 202) throw new Error(`Kick-off answered ${accepted.status}`)
  const statusPath = new URL(accepted.headers['content-location'] ?? '').pathname
  return await eventually(async () => {
    const status = await send(port, { path: statusPath, headers: kickOff.headers ?? {} })
    return status.status === 202 ? undefined : status
  })
}

/** Looks again and again until there is something, at most for two minutes. */
export async function eventually<Value>(
  look: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const value = await look()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error('It did not happen in two minutes')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function resource(type: string, content: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ resourceType: type, ...content }))
}

export const FHIR = { 'content-type': 'application/fhir+json' }
