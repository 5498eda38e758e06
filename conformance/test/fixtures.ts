import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createClientAssertion,
  newRegistration,
  PrivateKey,
  publicJwks,
  RemoteJwks,
  type Clock,
  type RegisteredClient,
  type RegistrationRequest,
} from '@flatfhir/auth'
import {
  createDataProvider,
  DirectoryOutputFileStore,
  ExportJobs,
  type DataProviderOptions,
  type ExportJobsOptions,
} from '@flatfhir/server'
import { SqliteAccessStore, SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import type { CheckLogin, CheckTokenSource } from '@flatfhir/conformance'

/** The real provider on real sockets and files, with a few patients; open, or with SMART. */
export interface ConformanceProvider extends AsyncDisposable {
  /** FHIR base URL. */
  readonly url: string
  readonly resources: SqliteResourceStore
  /** Sends a request; paths are below the FHIR base, or whole URLs. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>
  /** Kicks off; the status URL. */
  readonly kickOff: (path: string, init?: RequestInit) => Promise<string>
  /** Kicks off and waits. */
  readonly exported: (path: string, init?: RequestInit) => Promise<Exported>
  readonly put: (resource: Json) => Promise<void>
  readonly remove: (type: string, id: string) => Promise<void>
}

export type Json = Readonly<Record<string, unknown>>

export interface Exported {
  readonly statusUrl: string
  readonly answer: Response
  readonly manifest: Manifest
  /** The lines of all output files of a type, or of all types. */
  readonly resources: (type?: string) => Promise<readonly Json[]>
  /** The lines of all files of another list. */
  readonly lines: (list: 'deleted' | 'error' | 'outcome') => Promise<readonly Json[]>
}

export interface Manifest {
  readonly transactionTime: string
  readonly request?: string
  readonly requiresAccessToken: boolean
  readonly output: readonly ManifestEntry[]
  readonly deleted?: readonly ManifestEntry[]
  readonly error?: readonly ManifestEntry[]
  readonly outcome?: readonly ManifestEntry[]
  readonly link?: readonly Json[]
  readonly extension?: unknown
}

export interface ManifestEntry {
  readonly type: string
  readonly url: string
  readonly count?: number
  readonly extension?: unknown
  readonly continuesInFile?: string
}

export interface ProviderFixtureOptions {
  readonly provider?: Partial<DataProviderOptions>
  readonly jobs?: Partial<ExportJobsOptions>
  readonly population?: readonly Json[]
}

/** What every fixture begins with: three patients, a Group of two, and what belongs to them. */
export const POPULATION: readonly Json[] = [
  patient('ann', 'female'),
  patient('bob', 'male'),
  patient('cyd', 'female'),
  { resourceType: 'Practitioner', id: 'doc' },
  { resourceType: 'Organization', id: 'unused', active: true },
  observation('ann-1', 'ann', 'doc'),
  observation('bob-1', 'bob', 'doc'),
  observation('cyd-1', 'cyd'),
  provenance('old', 'Observation/ann-1', '2026-01-01T00:00:00Z'),
  provenance('new', 'Observation/ann-1', '2026-02-01T00:00:00Z'),
  group('two', ['ann', 'bob']),
  group('none', []),
]

export function patient(id: string, gender: string): Json {
  return { resourceType: 'Patient', id, gender, birthDate: '1970-01-01', active: true }
}

export function observation(id: string, of: string, by?: string): Json {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { text: 'x' },
    subject: { reference: `Patient/${of}` },
    ...(by !== undefined && { performer: [{ reference: `Practitioner/${by}` }] }),
  }
}

export function provenance(id: string, target: string, recorded: string): Json {
  return {
    resourceType: 'Provenance',
    id,
    target: [{ reference: target }],
    recorded,
    agent: [{ who: { display: 'x' } }],
  }
}

export function group(id: string, members: readonly string[]): Json {
  return {
    resourceType: 'Group',
    id,
    type: 'person',
    actual: true,
    ...(members.length > 0 && {
      member: members.map((each) => ({ entity: { reference: `Patient/${each}` } })),
    }),
  }
}

export const ASYNC = { accept: 'application/fhir+json', prefer: 'respond-async' }
const FHIR = 'application/fhir+json'

/** A clock whose waits are short, so that polite checks are quick. */
export const QUICK_CLOCK: Clock = {
  now: () => new Date(),
  wait: async (ms, signal) => {
    signal?.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 15)))
    signal?.throwIfAborted()
  },
}

/** A provider that asks for no login. */
export async function startOpenProvider(
  options: ProviderFixtureOptions = {},
): Promise<ConformanceProvider> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const parts = await startParts(directory, options)
  const provider = new FixtureProvider(parts, {})
  for (const resource of options.population ?? POPULATION) await provider.put(resource)
  return provider
}

export interface SmartProvider extends ConformanceProvider {
  readonly tokenUrl: string
  readonly key: PrivateKey
  readonly addClient: (registration?: Partial<RegistrationRequest>) => Promise<RegisteredClient>
  readonly askToken: (form: Readonly<Record<string, string>>) => Promise<Response>
  readonly assertion: (client: RegisteredClient, changes?: AssertionChanges) => Promise<string>
  /** A fresh token. */
  readonly token: (client: RegisteredClient, scope?: string) => Promise<string>
  /** Moves the clock of the HTTP side and of tokens. */
  readonly shiftClock: (ms: number) => void
  /** What `checkProvider` takes. */
  readonly login: (client: RegisteredClient) => {
    readonly login: CheckLogin
    readonly accessToken: CheckTokenSource
  }
}

export interface AssertionChanges {
  readonly tokenUrl?: string
  readonly jti?: string
  readonly now?: Date
  readonly key?: PrivateKey
  readonly clientId?: string
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A provider that asks for a login by SMART Backend Services; requests have an all-mighty token. */
export async function startSmartProvider(
  options: ProviderFixtureOptions = {},
): Promise<SmartProvider> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const store = await SqliteAccessStore.open({ directory })
  let offsetMs = 0
  const now = (): Date => new Date(Date.now() + offsetMs)
  const { clients, tokens, replays } = store
  const remoteJwks = new RemoteJwks({ now })
  const parts = await startParts(directory, {
    ...options,
    provider: {
      clock: now,
      access: { mode: 'smart', clients, tokens, replays, remoteJwks },
      ...options.provider,
    },
  })
  const key = await PrivateKey.generate('ES384', now())
  const headers: Record<string, string> = {}
  const base = new FixtureProvider(parts, headers, store)
  const tokenUrl = `${parts.url}/auth/token`
  const askToken = (form: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(form) })
  const assertion: SmartProvider['assertion'] = (client, changes = {}) =>
    createClientAssertion({
      ...{ clientId: client.clientId, tokenUrl, key, now: now(), jti: randomUUID() },
      ...changes,
    })
  const token: SmartProvider['token'] = async (client, scope = 'system/*.cruds') => {
    const answer = await askToken(tokenForm(await assertion(client), scope))
    const { access_token: text } = (await answer.json()) as { access_token?: string }
    if (text === undefined) throw new Error(`No token: HTTP ${answer.status}`)
    return text
  }
  const addClient: SmartProvider['addClient'] = async (registration) => {
    const keys = { jwks: publicJwks([key]) }
    const request = { name: 'Test', keys, scopes: 'system/*.cruds', groups: ['*'] }
    const client = newRegistration({ ...request, ...registration }, { now })
    await clients.add(client)
    return client
  }
  const mighty = await addClient()
  headers['authorization'] = `Bearer ${await token(mighty)}`
  for (const resource of options.population ?? POPULATION) await base.put(resource)
  return Object.assign(base, {
    tokenUrl,
    key,
    addClient,
    askToken,
    assertion,
    token,
    shiftClock: (ms: number) => {
      offsetMs += ms
    },
    login: (client: RegisteredClient) => ({
      login: {
        clientId: client.clientId,
        credential: { kind: 'private-key' as const, key },
        scope: 'system/*.rs',
      },
      accessToken: async () => await token(client, 'system/*.rs'),
    }),
  })
}

export function tokenForm(assertion: string, scope: string): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    scope,
  }
}

interface Parts extends AsyncDisposable {
  readonly url: string
  readonly resources: SqliteResourceStore
}

async function startParts(directory: string, options: ProviderFixtureOptions): Promise<Parts> {
  const resources = await SqliteResourceStore.open({ directory })
  const jobStore = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
  const files = new DirectoryOutputFileStore(join(directory, 'output-files'))
  const jobs = await ExportJobs.start({
    ...{ resources, jobs: jobStore, files, workers: 1, minimumInProgressMs: 0 },
    ...options.jobs,
  })
  const provider = await createDataProvider({ resources, jobs, ...options.provider })
  const { url } = await provider.listen({ host: '127.0.0.1', port: 0 })
  return {
    url,
    resources,
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

class FixtureProvider implements ConformanceProvider {
  readonly #parts: Parts
  readonly #headers: Readonly<Record<string, string>>
  readonly #store: AsyncDisposable | undefined

  constructor(parts: Parts, headers: Readonly<Record<string, string>>, store?: AsyncDisposable) {
    this.#parts = parts
    this.#headers = headers
    this.#store = store
  }

  get url(): string {
    return this.#parts.url
  }

  get resources(): SqliteResourceStore {
    return this.#parts.resources
  }

  readonly ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const url = path.startsWith('http') ? path : this.url + path
    const headers = new Headers({ ...this.#headers })
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
    return await fetch(url, { ...init, headers })
  }

  readonly kickOff = async (path: string, init: RequestInit = {}): Promise<string> => {
    const headers = { ...ASYNC, ...(init.headers as Record<string, string> | undefined) }
    const answer = await this.ask(path, { ...init, headers })
    const statusUrl = answer.headers.get('content-location')
    if (answer.status !== 202 || statusUrl === null) {
      throw new Error(`Kick-off answered ${answer.status}: ${await answer.text()}`)
    }
    return statusUrl
  }

  readonly exported = async (path: string, init: RequestInit = {}): Promise<Exported> => {
    const statusUrl = await this.kickOff(path, init)
    const own = new Headers(init.headers).get('authorization')
    const headers = own === null ? {} : { authorization: own }
    const answer = await eventually(async () => {
      const status = await this.ask(statusUrl, { headers })
      return status.status === 202 ? undefined : status
    })
    const manifest = (await answer.clone().json()) as Manifest
    const lines = async (entries: readonly ManifestEntry[] = []): Promise<readonly Json[]> => {
      const texts = await Promise.all(
        entries.map(async ({ url }) => (await this.ask(url, { headers })).text()),
      )
      return texts.flatMap((text) =>
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Json),
      )
    }
    return {
      ...{ statusUrl, answer, manifest },
      resources: (type) =>
        lines(manifest.output.filter((entry) => type === undefined || entry.type === type)),
      lines: (list) => lines(manifest[list]),
    }
  }

  readonly put = async (resource: Json): Promise<void> => {
    const { resourceType, id } = resource
    const answer = await this.ask(`/${String(resourceType)}/${String(id)}`, {
      ...{ method: 'PUT', headers: { 'content-type': FHIR }, body: JSON.stringify(resource) },
    })
    if (!answer.ok) throw new Error(`PUT answered ${answer.status}: ${await answer.text()}`)
  }

  readonly remove = async (type: string, id: string): Promise<void> => {
    const answer = await this.ask(`/${type}/${id}`, { method: 'DELETE' })
    if (!answer.ok) throw new Error(`DELETE answered ${answer.status}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]()
    await this.#store?.[Symbol.asyncDispose]()
  }
}

/** The body of a POST kick-off. */
export function parameters(...entries: readonly Json[]): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': FHIR },
    body: JSON.stringify({ resourceType: 'Parameters', parameter: entries }),
  }
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

/** Ids of resources, sorted. */
export function idsOf(resources: readonly Json[]): readonly string[] {
  return resources.map(({ id }) => String(id)).sort()
}
