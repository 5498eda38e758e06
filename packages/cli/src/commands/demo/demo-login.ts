import { join } from 'node:path'
import {
  BackendServicesTokenSource,
  createKeyFile,
  discoverSmart,
  publicJwks,
  signingKey,
  type PrivateKey,
  type RegisteredClient,
} from '@flatfhir/auth'
import type { AccessTokenSource } from '@flatfhir/client'
import { DemoCheckFailedError } from '../../errors.ts'
import { registerClient } from '../clients/register-client.ts'

/** The client of the demo, registered with its server. */
export interface DemoClient {
  readonly client: RegisteredClient
  readonly key: PrivateKey
  readonly keyFile: string
}

/** Tokens of the demo's client. */
export interface DemoLogin {
  /** For exports. */
  readonly forExports: AccessTokenSource
  /** For updates and deletions. */
  readonly forWrites: AccessTokenSource
}

const EXPORT_SCOPE = 'system/*.rs'
const WRITE_SCOPE = 'system/*.ud'

/** Makes a key pair and registers its public half, as `flatfhir keys` and `flatfhir clients` do. */
export async function registerDemoClient(places: {
  readonly directory: string
  readonly data: string
}): Promise<DemoClient> {
  const keyFile = join(places.directory, 'demo-keys.json')
  const keys = await createKeyFile(keyFile, { now: () => new Date() })
  const client = await registerClient(places.data, {
    name: 'demo',
    keys: { jwks: publicJwks(keys) },
    scopes: `${EXPORT_SCOPE} ${WRITE_SCOPE}`,
    groups: ['*'],
  })
  return { client, key: signingKey(keys), keyFile }
}

/**
 * Makes sure that nobody gets in without a token, then logs in by SMART Backend Services.
 *
 * @throws `DemoCheckFailedError` when a request without a token is let in.
 */
export async function logIn(
  { client, key }: DemoClient,
  fhirBaseUrl: string,
  signal: AbortSignal,
): Promise<DemoLogin> {
  await checkRefused(fhirBaseUrl, signal)
  const { tokenUrl } = await discoverSmart(fhirBaseUrl, { signal })
  const source = (scope: string): AccessTokenSource => {
    const { clientId } = client
    const credential = { kind: 'private-key', key } as const
    const tokens = new BackendServicesTokenSource({ tokenUrl, clientId, credential, scope })
    return async ({ rejectedToken }) => {
      if (rejectedToken !== undefined) tokens.invalidate(rejectedToken)
      return tokens.getToken()
    }
  }
  const login = { forExports: source(EXPORT_SCOPE), forWrites: source(WRITE_SCOPE) }
  await login.forExports({})
  return login
}

async function checkRefused(fhirBaseUrl: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${fhirBaseUrl}/$export`, {
    headers: { accept: 'application/fhir+json', prefer: 'respond-async' },
    signal,
  })
  await response.arrayBuffer()
  if (response.status !== 401) {
    throw new DemoCheckFailedError(
      `A kick-off without a token was answered with HTTP ${response.status}, not 401`,
    )
  }
}
