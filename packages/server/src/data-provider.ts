import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger, LoggerOptions } from 'pino'
import { z } from 'zod'
import type { ExportJobs } from './jobs/export-jobs.ts'
import type { ResourceStore } from './resource-store.ts'
import { Access, type Authorizer } from './http/access.ts'
import { listeningBaseUrl, normalBaseUrl } from './http/base-url.ts'
import { bundleRoutes } from './http/bundle.ts'
import { healthRoutes } from './http/health.ts'
import { createHttpServer, type HttpTimeouts } from './http/http-server.ts'
import { kickOffRoutes } from './http/kick-off.ts'
import { ListenFailedError, OpenServerNotLoopbackError } from './http/listen-errors.ts'
import { isLoopback } from './http/loopback.ts'
import { metadataRoutes } from './http/metadata.ts'
import { outputFileRoutes } from './http/output-file.ts'
import { RequestBodies } from './http/request-bodies.ts'
import { requestLogger } from './http/request-log.ts'
import { resourceRoutes } from './http/resource-interactions.ts'
import type { HttpContext, Route } from './http/route.ts'
import { searchRoutes } from './http/search.ts'
import { statusRoutes } from './http/status.ts'

const MEBIBYTE = 1024 * 1024

/** How the Data Provider answers over HTTP. */
export interface DataProviderOptions {
  /** Not disposed of by the Data Provider; the same holds for `jobs`. */
  readonly resources: ResourceStore
  readonly jobs: ExportJobs
  /**
   * The FHIR base URL as clients see it, for example `https://bulk.example.org/fhir`: what URLs in
   * answers begin with. Its path may differ from `/fhir` where a proxy maps it.
   *
   * @defaultValue from the address that the server listens on
   */
  readonly baseUrl?: string
  /**
   * Finds out who sends a request.
   *
   * @defaultValue nobody has to log in, and only loopback addresses are listened on
   */
  readonly authorizer?: Authorizer
  /**
   * Where a line per request goes, without ids, queries and patient data: a pino logger, or options
   * for one.
   *
   * @defaultValue no log
   */
  readonly logger?: Logger | LoggerOptions
  /**
   * Largest request body, in bytes.
   *
   * @defaultValue 32 MiB
   */
  readonly maxBodyBytes?: number
  /**
   * Largest sum of request bodies in memory at one time, in bytes; at least `maxBodyBytes`.
   *
   * @defaultValue 256 MiB, or `maxBodyBytes` where that is more
   */
  readonly maxBufferedBodyBytes?: number
  /**
   * Resources in a page of a search that does not say `_count`.
   *
   * @defaultValue 50
   */
  readonly defaultPageSize?: number
  /**
   * Most resources in a page of a search.
   *
   * @defaultValue 200
   */
  readonly maxPageSize?: number
  /** How long the server waits for whom. Each has a default of its own. */
  readonly timeouts?: Partial<HttpTimeouts>
  /**
   * How long `close` lets running downloads go on, in milliseconds.
   *
   * @defaultValue 3000
   */
  readonly closeGraceMs?: number
  /** @defaultValue the machine's clock */
  readonly clock?: () => Date
}

const DEFAULT_TIMEOUTS: HttpTimeouts = {
  headersMs: 20_000,
  requestMs: 120_000,
  stallMs: 60_000,
  keepAliveMs: 65_000,
}

const positive = z.int().positive()
const duration = positive.max(2 ** 31 - 1)

const NUMBERS = z.object({
  maxBodyBytes: positive.optional(),
  maxBufferedBodyBytes: positive.optional(),
  defaultPageSize: positive.optional(),
  maxPageSize: positive.max(10_000).optional(),
  timeouts: z
    .object({ headersMs: duration, requestMs: duration, stallMs: duration, keepAliveMs: duration })
    .partial()
    .optional(),
  closeGraceMs: z.int().nonnegative().optional(),
})

/** An address of this machine. */
export interface ListeningAddress {
  readonly host: string
  readonly port: number
}

/** Where a server that listens is reached. */
export interface Listening extends ListeningAddress {
  /** The FHIR base URL as clients see it. */
  readonly url: string
}

/** The HTTP side of the Data Provider. */
export interface DataProvider extends AsyncDisposable {
  /**
   * Begins to answer requests. Once only.
   *
   * @param address - Port 0 stands for any free port.
   * @throws OpenServerNotLoopbackError without an authorizer, for any but a loopback address.
   * @throws ListenFailedError where the address cannot be had.
   */
  listen(address: ListeningAddress): Promise<Listening>
  /**
   * Takes no more connections, lets running downloads go on for the time of grace, and cuts off what
   * is left. Harmless when called again.
   */
  close(): Promise<void>
  /**
   * The FHIR base URL as clients see it, without a slash at its end.
   *
   * @throws TypeError before `listen`, unless `baseUrl` was given.
   */
  readonly fhirBaseUrl: string
}

/**
 * Makes the Data Provider's HTTP side; it answers once it is told to listen.
 *
 * @throws RangeError that names the option at fault.
 * @throws BaseUrlInvalidError
 */
export async function createDataProvider(options: DataProviderOptions): Promise<DataProvider> {
  checkNumbers(options)
  const baseUrl = options.baseUrl === undefined ? undefined : normalBaseUrl(options.baseUrl)
  const provider = new HttpDataProvider(options, baseUrl)
  await provider.prepare(await softwareVersion())
  return provider
}

class HttpDataProvider implements DataProvider {
  readonly #options: DataProviderOptions
  #fhirBaseUrl: string | undefined
  #app: FastifyInstance | undefined
  #closed: Promise<void> | undefined

  constructor(options: DataProviderOptions, baseUrl: string | undefined) {
    this.#options = options
    this.#fhirBaseUrl = baseUrl
  }

  get fhirBaseUrl(): string {
    if (this.#fhirBaseUrl === undefined) throw new TypeError('The server does not listen yet')
    return this.#fhirBaseUrl
  }

  async prepare(version: string): Promise<void> {
    const access = new Access(this.#options.authorizer)
    const isOpen = this.#options.authorizer === undefined
    const publicHost = this.#fhirBaseUrl && new URL(this.#fhirBaseUrl).host
    this.#app = createHttpServer({
      routes: this.#routes(access, version),
      access,
      log: requestLogger(this.#options.logger),
      timeouts: { ...DEFAULT_TIMEOUTS, ...this.#options.timeouts },
      isClosing: () => this.#closed !== undefined,
      onlyLocalHosts: isOpen ? { except: publicHost } : undefined,
    })
    await this.#app.ready()
  }

  async listen({ host, port }: ListeningAddress): Promise<Listening> {
    if (this.#options.authorizer === undefined && !isLoopback(host)) {
      throw new OpenServerNotLoopbackError()
    }
    // One address, not both that `localhost` may stand for: then the URL is the server's only one.
    const address = host === 'localhost' ? '127.0.0.1' : host
    try {
      await this.#running().listen({ host: address, port })
    } catch (error) {
      throw listenFailure(error, { host, port })
    }
    const listening = { host: address, port: this.#listeningPort(port) }
    this.#fhirBaseUrl ??= listeningBaseUrl(listening)
    return { url: this.#fhirBaseUrl, ...listening }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const app = this.#running()
    const timer = setTimeout(() => {
      app.server.closeAllConnections()
    }, this.#options.closeGraceMs ?? 3000)
    try {
      await app.close()
    } finally {
      clearTimeout(timer)
    }
  }

  #routes(access: Access, version: string): readonly Route[] {
    const { resources, jobs, clock = () => new Date() } = this.#options
    const { maxBodyBytes = 32 * MEBIBYTE, maxPageSize = 200, defaultPageSize = 50 } = this.#options
    const maxBufferedBytes =
      this.#options.maxBufferedBodyBytes ?? Math.max(256 * MEBIBYTE, maxBodyBytes)
    const context: HttpContext = {
      resources,
      jobs,
      access,
      bodies: new RequestBodies({ maxBodyBytes, maxBufferedBytes }),
      clock,
      fhirBaseUrl: () => this.fhirBaseUrl,
      pageSizes: { defaultPageSize: Math.min(defaultPageSize, maxPageSize), maxPageSize },
    }
    return [
      ...healthRoutes(),
      ...metadataRoutes(context, { version, startedAt: clock() }),
      ...kickOffRoutes(context),
      ...statusRoutes(context),
      ...outputFileRoutes(context),
      ...bundleRoutes(context),
      ...searchRoutes(context),
      ...resourceRoutes(context),
    ]
  }

  #running(): FastifyInstance {
    if (this.#app === undefined) throw new TypeError('The Data Provider is not prepared')
    return this.#app
  }

  #listeningPort(port: number): number {
    const address = this.#running().server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }
}

function checkNumbers(options: DataProviderOptions): void {
  const checked = NUMBERS.safeParse(options)
  if (checked.success) return
  const [issue] = checked.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new RangeError(`Option ${path} of the Data Provider: ${issue?.message ?? ''}`)
}

function listenFailure(error: unknown, address: ListeningAddress): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  return new ListenFailedError(String(error.code), address)
}

async function softwareVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
