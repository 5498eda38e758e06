import { readFile } from 'node:fs/promises'
import { Server as TlsServer } from 'node:tls'
import { Authenticator, TokenEndpoint } from '@flatfhir/auth'
import type { Edition } from '@flatfhir/protocol'
import type { FastifyInstance } from 'fastify'
import type { Logger, LoggerOptions } from 'pino'
import { z } from 'zod'
import type { ExportJobs } from './jobs/export-jobs.ts'
import type { ResourceStore } from './resource-store.ts'
import type { AccessOptions, SmartAccess } from './access/access-options.ts'
import { AuditTrail } from './access/audit-trail.ts'
import { ClientLimiter } from './access/client-limiter.ts'
import { clientLimits, type ClientLimits } from './access/client-limits.ts'
import type { AuditLog } from './audit/audit-log.ts'
import { Access } from './http/access.ts'
import { CreatedGroups } from './groups/created-groups.ts'
import { listeningBaseUrl, normalBaseUrl } from './http/base-url.ts'
import { binaryRoutes } from './http/binary.ts'
import { bundleRoutes } from './http/bundle.ts'
import { healthRoutes } from './http/health.ts'
import { createHttpServer, type HttpTimeouts } from './http/http-server.ts'
import { kickOffRoutes } from './http/kick-off.ts'
import {
  BaseUrlRequiredError,
  ListenFailedError,
  OpenServerNotLoopbackError,
  PlainHttpNotLoopbackError,
} from './http/listen-errors.ts'
import { isLoopback } from './http/loopback.ts'
import { metadataRoutes } from './http/metadata.ts'
import { outputFileRoutes } from './http/output-file.ts'
import { RequestBodies } from './http/request-bodies.ts'
import { requestLogger } from './http/request-log.ts'
import { resourceRoutes } from './http/resource-interactions.ts'
import type { HttpContext, Route } from './http/route.ts'
import { searchRoutes } from './http/search.ts'
import { smartRoutes } from './http/smart.ts'
import { statusRoutes } from './http/status.ts'
import { checkedTls, type TlsCredentials, type TlsOptions } from './http/tls.ts'

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
   * Whether clients have to log in, and how.
   *
   * @defaultValue `{ mode: 'none' }`: nobody has to, and only loopback addresses are listened on
   */
  readonly access?: AccessOptions
  /**
   * Where it is written down who got what. Not disposed of by the Data Provider.
   *
   * @defaultValue nothing is written down
   */
  readonly auditLog?: AuditLog
  /**
   * A proxy that ends TLS stands in front, and nobody reaches the server past it: then the server may
   * listen without TLS, and the last address in `X-Forwarded-For` is the client's. Needs `baseUrl`:
   * `X-Forwarded-Host` and `X-Forwarded-Proto` repeat what the sender says, so that URLs and the `aud`
   * of assertions are never made of them.
   *
   * @defaultValue false
   */
  readonly trustProxy?: boolean
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
  /**
   * Edition of the IG that `$export` speaks: `stu4` makes it take POST alone, as `$export-v4` always
   * does.
   *
   * @defaultValue `'stu3'`
   */
  readonly exportEdition?: Edition
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

/** Where to listen, and whether with TLS. */
export interface ListenOptions extends ListeningAddress {
  /** @defaultValue plain HTTP */
  readonly tls?: TlsOptions
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
   * @param options - Port 0 stands for any free port.
   * @throws OpenServerNotLoopbackError where nobody has to log in, for any but a loopback address.
   * @throws PlainHttpNotLoopbackError without TLS and without a proxy, for any but a loopback address.
   * @throws TlsInvalidError
   * @throws ListenFailedError where the address cannot be had.
   */
  listen(options: ListenOptions): Promise<Listening>
  /**
   * Shows another certificate to connections from now on; those that are open go on.
   *
   * @throws TlsInvalidError, and the one before stays.
   * @throws TypeError where the server does not listen with TLS.
   */
  reloadTls(credentials: TlsCredentials): void
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
 * @throws BaseUrlInvalidError, BaseUrlRequiredError
 */
export async function createDataProvider(options: DataProviderOptions): Promise<DataProvider> {
  checkNumbers(options)
  const baseUrl = options.baseUrl === undefined ? undefined : normalBaseUrl(options.baseUrl)
  if (options.trustProxy === true && baseUrl === undefined) throw new BaseUrlRequiredError()
  const { access } = options
  if (access?.mode === 'smart') requireUsable(access)
  const limits = clientLimits(access?.mode === 'smart' ? access.limits : undefined)
  return new HttpDataProvider(options, { baseUrl, limits, version: await softwareVersion() })
}

/** The endpoint itself is made when its URL is known; what it refuses should be known at once. */
function requireUsable(access: SmartAccess): void {
  const now = (): Date => new Date()
  new TokenEndpoint({ ...access, tokenUrl: 'https://localhost/', now })
}

/** What is worked out of the options before a Data Provider is made. */
interface Prepared {
  readonly baseUrl: string | undefined
  readonly limits: ClientLimits
  readonly version: string
}

class HttpDataProvider implements DataProvider {
  readonly #options: DataProviderOptions
  readonly #prepared: Prepared
  readonly #access: AccessOptions
  readonly #clock: () => Date
  #fhirBaseUrl: string | undefined
  #app: FastifyInstance | undefined
  #tls: TlsOptions | undefined
  #closed: Promise<void> | undefined

  constructor(options: DataProviderOptions, prepared: Prepared) {
    this.#options = options
    this.#prepared = prepared
    this.#access = options.access ?? { mode: 'none' }
    this.#clock = options.clock ?? (() => new Date())
    this.#fhirBaseUrl = prepared.baseUrl
  }

  get fhirBaseUrl(): string {
    if (this.#fhirBaseUrl === undefined) throw new TypeError('The server does not listen yet')
    return this.#fhirBaseUrl
  }

  async listen({ host, port, tls }: ListenOptions): Promise<Listening> {
    if (this.#app !== undefined || this.#closed !== undefined) {
      throw new TypeError('A Data Provider listens once')
    }
    this.#requireSafeAddress(host, tls)
    this.#tls = tls
    const app = this.#createServer(tls)
    this.#app = app
    // One address, not both that `localhost` may stand for: then the URL is the server's only one.
    const address = host === 'localhost' ? '127.0.0.1' : host
    try {
      await app.ready()
      await this.#options.auditLog?.record({
        name: 'server-started',
        accessMode: this.#access.mode,
        version: this.#prepared.version,
      })
      await app.listen({ host: address, port })
    } catch (error) {
      throw listenFailure(error, { host, port })
    }
    const listening = { host: address, port: listeningPort(app, port) }
    this.#fhirBaseUrl ??= listeningBaseUrl({ ...listening, isTls: tls !== undefined })
    return { url: this.#fhirBaseUrl, ...listening }
  }

  reloadTls(credentials: TlsCredentials): void {
    const server = this.#app?.server
    if (!(server instanceof TlsServer)) throw new TypeError('The server does not listen with TLS')
    server.setSecureContext(checkedTls({ ...this.#tls, ...credentials }))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const app = this.#app
    if (app === undefined) return
    const timer = setTimeout(() => {
      app.server.closeAllConnections()
    }, this.#options.closeGraceMs ?? 3000)
    try {
      await app.close()
    } finally {
      clearTimeout(timer)
    }
  }

  #requireSafeAddress(host: string, tls: TlsOptions | undefined): void {
    if (isLoopback(host)) return
    if (this.#access.mode === 'none') throw new OpenServerNotLoopbackError()
    const isProtected = tls !== undefined || this.#options.trustProxy === true
    if (!isProtected) throw new PlainHttpNotLoopbackError()
  }

  #createServer(tls: TlsOptions | undefined): FastifyInstance {
    const log = requestLogger(this.#options.logger)
    const audit = new AuditTrail(this.#options.auditLog, log)
    const access = new Access({
      authenticator: this.#authenticator(),
      trustProxy: this.#options.trustProxy ?? false,
      audit,
      clock: this.#clock,
      createdGroups: new CreatedGroups(this.#options.resources),
    })
    const publicHost = this.#fhirBaseUrl && new URL(this.#fhirBaseUrl).host
    return createHttpServer({
      routes: this.#routes(this.#context(access, audit)),
      access,
      log,
      timeouts: { ...DEFAULT_TIMEOUTS, ...this.#options.timeouts },
      isClosing: () => this.#closed !== undefined,
      onlyLocalHosts: this.#access.mode === 'none' ? { except: publicHost } : undefined,
      tls: tls && checkedTls(tls),
    })
  }

  #authenticator(): Authenticator | undefined {
    if (this.#access.mode === 'none') return undefined
    const { clients, tokens } = this.#access
    return new Authenticator({ clients, tokens, now: this.#clock })
  }

  #context(access: Access, audit: AuditTrail): HttpContext {
    const { resources, jobs, maxBodyBytes = 32 * MEBIBYTE } = this.#options
    const { maxPageSize = 200, defaultPageSize = 50 } = this.#options
    const maxBufferedBytes =
      this.#options.maxBufferedBodyBytes ?? Math.max(256 * MEBIBYTE, maxBodyBytes)
    return {
      resources,
      jobs,
      access,
      limiter: new ClientLimiter(this.#prepared.limits, this.#clock),
      audit,
      bodies: new RequestBodies({ maxBodyBytes, maxBufferedBytes }),
      clock: this.#clock,
      fhirBaseUrl: () => this.fhirBaseUrl,
      exportEdition: this.#options.exportEdition ?? 'stu3',
      pageSizes: { defaultPageSize: Math.min(defaultPageSize, maxPageSize), maxPageSize },
    }
  }

  #routes(context: HttpContext): readonly Route[] {
    const { version } = this.#prepared
    const resources = resourceRoutes(context)
    return [
      ...healthRoutes(),
      ...metadataRoutes(context, { version, startedAt: this.#clock() }),
      ...(this.#access.mode === 'smart' ? smartRoutes(context, this.#access) : []),
      ...kickOffRoutes(context),
      ...statusRoutes(context),
      ...outputFileRoutes(context),
      ...bundleRoutes(context),
      ...searchRoutes(context),
      ...binaryRoutes(context, resources),
      ...resources,
    ]
  }
}

function listeningPort(app: FastifyInstance, port: number): number {
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
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
