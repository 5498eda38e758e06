import type { Edition } from '@flatfhir/protocol'
import {
  createDataProvider,
  ExportJobs,
  type DataProvider,
  type DataProviderOptions,
  type ExportJobsOptions,
  type TlsCredentials,
} from '@flatfhir/server'
import { lockDataDirectory, SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import type { Logger } from 'pino'
import type { ExportJobsFlags } from '../commands/serve/command.ts'
import { openAuditLog } from './audit.ts'
import { ClosingStack } from './closing-stack.ts'
import { dataDirectory } from './data-directory.ts'
import { openOutputFiles, type EncryptionKeys } from './output-files.ts'
import { openAccess, type ProviderAccess } from './provider-access.ts'

/** What {@link startProvider} needs. */
export interface StartProviderOptions {
  /** The data directory; made where it is missing. */
  readonly data: string
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly baseUrl?: string | undefined
  /** Edition of the IG that `$export` speaks; STU3 unless another is named. */
  readonly exportEdition?: Edition | undefined
  readonly maxBodyBytes?: number | undefined
  readonly access: ProviderAccess
  /** Without it, plain HTTP. */
  readonly tls?: TlsCredentials | undefined
  readonly trustProxy?: boolean | undefined
  /** Without them, output files are not encrypted. */
  readonly encryption?: EncryptionKeys | undefined
  readonly jobs: ExportJobsFlags
  readonly logger: Logger
}

/** A Data Provider that answers. Disposing of it parks running exports and closes everything. */
export interface RunningProvider extends AsyncDisposable {
  /** FHIR base URL. */
  readonly fhirBaseUrl: string
  /** Shows another certificate to new connections. @throws TlsInvalidError, and the old one stays. */
  reloadTls(credentials: TlsCredentials): void
}

/**
 * Opens a data directory and serves it: the one place where the parts of the provider meet.
 *
 * @throws `DataDirectoryInUseError` when another process serves it.
 */
export async function startProvider(options: StartProviderOptions): Promise<RunningProvider> {
  const stack = new ClosingStack()
  try {
    const provider = await openAll(options, stack)
    return {
      fhirBaseUrl: provider.fhirBaseUrl,
      reloadTls: (credentials) => {
        provider.reloadTls(credentials)
      },
      [Symbol.asyncDispose]: async () => stack[Symbol.asyncDispose](),
    }
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

async function openAll(options: StartProviderOptions, stack: ClosingStack): Promise<DataProvider> {
  const directory = dataDirectory(options.data)
  stack.use(await lockDataDirectory(directory.path))
  const resources = stack.use(await SqliteResourceStore.open({ directory: directory.path }))
  const jobStore = stack.use(await SqliteJobStore.open({ path: directory.jobs }))
  const files = stack.use(await openOutputFiles(directory.outputFiles, options.encryption))
  const access = await openAccess(options.access, directory.path, stack)
  const auditLog = stack.use(await openAuditLog(directory.audit))
  const jobs = stack.use(
    await ExportJobs.start({
      ...jobsOptions(options.jobs),
      resources,
      jobs: jobStore,
      files,
      onEvent: (event) => {
        const { name, ...fields } = event
        options.logger.info(fields, name)
      },
    }),
  )
  const provider = stack.use(
    await createDataProvider({ ...httpOptions(options), resources, jobs, access, auditLog }),
  )
  const { host, port, tls } = options
  await provider.listen({ host, port, ...(tls === undefined ? {} : { tls }) })
  return provider
}

function jobsOptions(
  flags: ExportJobsFlags,
): Omit<ExportJobsOptions, 'resources' | 'jobs' | 'files' | 'onEvent'> {
  return {
    compression: flags.compression,
    gzipLevel: flags.gzipLevel,
    maxFileBytes: flags.maxFileSize,
    ...(flags.partitionSize === undefined ? {} : { partitionBytes: flags.partitionSize }),
    ...(flags.workers === undefined ? {} : { workers: flags.workers }),
    retentionMs: flags.retention,
    minimumInProgressMs: flags.minimumInProgress,
    pruneAfterMs: flags.keepVersions,
    maxAttempts: flags.partitionAttempts,
  }
}

function httpOptions(
  options: StartProviderOptions,
): Pick<
  DataProviderOptions,
  'logger' | 'baseUrl' | 'exportEdition' | 'maxBodyBytes' | 'trustProxy'
> {
  return {
    logger: options.logger,
    trustProxy: options.trustProxy ?? false,
    ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
    ...(options.exportEdition === undefined ? {} : { exportEdition: options.exportEdition }),
    ...(options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }),
  }
}
