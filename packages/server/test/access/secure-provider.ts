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
  type RegisteredClient,
  type RegistrationOptions,
  type RegistrationRequest,
} from '@flatfhir/auth'
import type { DataProviderOptions, ExportJobsOptions, SmartAccess } from '@flatfhir/server'
import { SqliteAccessStore } from '@flatfhir/store-sqlite'
import type { Received, Sent } from '../http/send.ts'
import { eventually, startTestProvider, type TestProvider } from '../http/test-provider.ts'

export interface SecureProvider extends AsyncDisposable {
  readonly provider: TestProvider
  readonly store: SqliteAccessStore
  readonly tokenUrl: string
  /** Moves the clock of the HTTP side and of tokens, not that of jobs. */
  readonly shiftClock: (ms: number) => void
  readonly now: () => Date
  readonly addClient: (
    registration?: Partial<RegistrationRequest>,
    options?: Pick<RegistrationOptions, 'supportsConstraint'>,
  ) => Promise<RegisteredClient>
  /** Asks the token endpoint. */
  readonly requestToken: (form: Record<string, string>) => Promise<Received>
  readonly assertion: (client: RegisteredClient, audience?: string) => Promise<string>
  /** The header with a fresh token of these scopes. */
  readonly login: (client: RegisteredClient, scope?: string) => Promise<Authorization>
}

export interface Authorization extends Record<string, string> {
  readonly authorization: string
}

interface SecureProviderOptions {
  readonly smart?: Partial<SmartAccess>
  readonly provider?: Partial<DataProviderOptions>
  readonly jobs?: Partial<ExportJobsOptions>
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The provider with everything real: stores on disk, signed assertions, tokens of its own endpoint. */
export async function startSecureProvider(
  options: SecureProviderOptions = {},
): Promise<SecureProvider> {
  const directory = await mkdtemp(join(tmpdir(), 'secure-provider-'))
  const store = await SqliteAccessStore.open({ directory })
  let offsetMs = 0
  const now = (): Date => new Date(Date.now() + offsetMs)
  const { clients, tokens, replays } = store
  const remoteJwks = new RemoteJwks({ now })
  const provider = await startTestProvider({
    provider: {
      clock: now,
      access: { mode: 'smart', clients, tokens, replays, remoteJwks, ...options.smart },
      ...options.provider,
    },
    ...(options.jobs !== undefined && { jobs: options.jobs }),
  })
  const tokenUrl = `${provider.url}/auth/token`
  const key = await PrivateKey.generate('ES384', now())
  const assertion = (client: RegisteredClient, audience = tokenUrl): Promise<string> =>
    createClientAssertion({
      clientId: client.clientId,
      tokenUrl: audience,
      key,
      now: now(),
      jti: randomUUID(),
    })
  const requestToken = (form: Record<string, string>): Promise<Received> =>
    provider.request('/auth/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  return {
    provider,
    store,
    tokenUrl,
    now,
    assertion,
    requestToken,
    shiftClock: (ms) => {
      offsetMs += ms
    },
    addClient: async (registration, options) => {
      const client = newRegistration(
        {
          name: 'Test',
          keys: { jwks: publicJwks([key]) },
          scopes: 'system/*.cruds',
          groups: ['*'],
          ...registration,
        },
        { now, ...options },
      )
      await clients.add(client)
      return client
    },
    login: async (client, scope = 'system/*.cruds') => {
      const answer = await requestToken(tokenForm(await assertion(client), scope))
      if (answer.status !== 200) throw new Error(`No token: ${answer.body.toString()}`)
      return { authorization: `Bearer ${String(answer.json()['access_token'])}` }
    },
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function tokenForm(assertion: string, scope: string): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    scope,
  }
}

/** A finished export as its client sees it: paths below the FHIR base. */
export interface FinishedExport {
  readonly jobId: string
  readonly statusPath: string
  readonly files: readonly {
    readonly kind: 'output' | 'deleted' | 'error'
    readonly type: string
    readonly path: string
  }[]
}

export async function exportAndWait(
  { provider }: SecureProvider,
  path: string,
  headers: Sent['headers'],
): Promise<FinishedExport> {
  const accepted = await provider.request(path, {
    headers: { prefer: 'respond-async, handling=lenient', ...headers },
  })
  if (accepted.status !== 202) throw new Error(`Kick-off answered ${accepted.status}`)
  const statusPath = pathOf(accepted.headers['content-location'] ?? '')
  const manifest = await eventually(async () => {
    const status = await provider.request(statusPath, { headers: headers ?? {} })
    if (status.status === 202) return undefined
    if (status.status !== 200) throw new Error(`The status is ${status.status}`)
    return status.json()
  })
  const files = (['output', 'deleted', 'error'] as const).flatMap((kind) =>
    (manifest[kind] as { type: string; url: string }[]).map(({ type, url }) => ({
      kind,
      type,
      path: pathOf(url),
    })),
  )
  return { jobId: statusPath.split('/').at(-1) ?? '', statusPath, files }
}

/** Below the FHIR base. */
export function pathOf(url: string): string {
  return new URL(url).pathname.slice('/fhir'.length)
}
