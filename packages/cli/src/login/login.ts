import {
  BackendServicesTokenSource,
  discoverSmart,
  DiscoveryFailedError,
  loadKeys,
  readKeyFile,
  scopesFor,
  scopeStyleOf,
  signingKey,
  TokenRefusedError,
  type ClientCredential,
  type PrivateKey,
} from '@flatfhir/auth'
import type { AccessTokenSource } from '@flatfhir/client'
import { BulkDataError, type ExportLevel } from '@flatfhir/protocol'
import type { CommandContext } from '../commands/command.ts'
import { warnAboutKeyFile } from '../commands/keys/tell-keys.ts'
import { UsageError } from '../errors.ts'
import { clockDifference } from './clock-difference.ts'
import { ClockWrongError } from './errors.ts'
import type { LoginOptions } from './login-options.ts'
import { readClientSecret } from './read-client-secret.ts'
import { whyUnreachable } from './why-unreachable.ts'

/** What the token is wanted for. */
export interface LoginPurpose {
  readonly fhirBaseUrl: string
  readonly level: ExportLevel
  readonly types?: readonly string[] | undefined
}

/** A login that is made when it is first needed. */
export interface Login {
  /** `undefined` when the options name no client. */
  readonly accessToken: AccessTokenSource | undefined
  /**
   * Logs in now, so that a mistake in the login is found before anything else is done.
   *
   * @throws what the key, the discovery or the token endpoint refuse.
   */
  ready(): Promise<void>
  /** What it logs in with; `undefined` when the options name no client. */
  credentials(): Promise<LoginCredentials | undefined>
}

/** Who logs in where, with what. */
export interface LoginCredentials {
  readonly clientId: string
  readonly credential: ClientCredential
  readonly tokenUrl: string
  readonly scope: string | undefined
}

/**
 * Prepares a login; nothing is read and nobody is asked before a token is wanted.
 *
 * @param purpose - Asked for at most once, with the first token.
 * @throws `UsageError` when the options name a part of a login only.
 */
export function login(
  options: LoginOptions,
  purpose: () => Promise<LoginPurpose>,
  context: CommandContext,
): Login {
  const { clientId } = options
  if (clientId === undefined) {
    refuseHalfALogin(options)
    return {
      accessToken: undefined,
      ready: async () => undefined,
      credentials: async () => undefined,
    }
  }
  refuseNoCredential(options)
  let session: Promise<Session> | undefined
  const opened = async (): Promise<Session> => {
    session ??= openSession({ ...options, clientId }, purpose, context)
    try {
      return await session
    } catch (error) {
      // What may pass is tried again with the next request; the rest is refused again at once.
      if (BulkDataError.is(error) && error.retryable) session = undefined
      throw error
    }
  }
  return {
    accessToken: async (request) => (await opened()).token(request),
    ready: async () => {
      await opened()
    },
    credentials: async () => (await opened()).credentials,
  }
}

async function openSession(
  options: LoginOptions & { readonly clientId: string },
  purpose: () => Promise<LoginPurpose>,
  context: CommandContext,
): Promise<Session> {
  const { clientId } = options
  const credential = await readCredential(options, context)
  const { tokenUrl, scope } = await endpoint(options, await purpose(), context.io.signal)
  const session = new Session({ clientId, credential, tokenUrl, scope }, context)
  context.progress.update({ text: 'logging in', event: 'login' })
  await session.token({})
  session.tellGrant()
  return session
}

function refuseHalfALogin(options: LoginOptions): void {
  // A secret in the environment may be there for other providers.
  const { key, clientSecretFile, kid, scope, tokenUrl, jwksUrl } = options
  const named = [key, clientSecretFile, kid, scope, tokenUrl, jwksUrl]
  if (named.every((part) => part === undefined)) return
  throw new UsageError('A login needs a client id', 'Give --client-id, or leave the login out.')
}

function refuseNoCredential(options: LoginOptions): void {
  const { key, privateKey, clientSecretFile, clientSecret } = options
  if ((key ?? privateKey ?? clientSecretFile ?? clientSecret) !== undefined) return
  throw new UsageError(
    'A login needs a key',
    'Give --key FILE (see flatfhir keys create --help), or --client-secret-file FILE.',
  )
}

async function readCredential(
  options: LoginOptions,
  context: CommandContext,
): Promise<ClientCredential> {
  const { key, kid, privateKey, clientSecretFile, clientSecret, jwksUrl } = options
  if (clientSecret !== undefined) return { kind: 'client-secret', secret: clientSecret }
  if (clientSecretFile !== undefined) {
    const { secret, readableByOthers } = await readClientSecret(clientSecretFile)
    if (readableByOthers) {
      context.warn(
        `warning: others can read ${clientSecretFile}: run chmod 600 ${clientSecretFile}`,
      )
    }
    return { kind: 'client-secret', secret }
  }
  const keys =
    privateKey === undefined
      ? await keysOfFile(key ?? '', kid, context)
      : await loadKeys(privateKey, kid)
  return {
    kind: 'private-key',
    key: signingKey(keys, kid === undefined ? {} : { kid }),
    ...(jwksUrl === undefined ? {} : { jku: jwksUrl }),
  }
}

async function keysOfFile(
  file: string,
  kid: string | undefined,
  context: CommandContext,
): Promise<readonly PrivateKey[]> {
  const { keys, warnings } = await readKeyFile(file, kid)
  warnAboutKeyFile(file, warnings, context)
  return keys
}

interface Endpoint {
  readonly tokenUrl: string
  /** `undefined` for servers with secrets, which know none, unless the options name some. */
  readonly scope: string | undefined
}

async function endpoint(
  options: LoginOptions,
  { fhirBaseUrl, level, types }: LoginPurpose,
  signal: AbortSignal,
): Promise<Endpoint> {
  const hasSecret = (options.clientSecret ?? options.clientSecretFile) !== undefined
  const isScopeKnown = options.scope !== undefined || hasSecret
  if (options.tokenUrl !== undefined && isScopeKnown) {
    return { tokenUrl: options.tokenUrl, scope: options.scope }
  }
  const discovered = await discoverSmart(fhirBaseUrl, { signal }).catch(async (error: unknown) => {
    if (!(error instanceof DiscoveryFailedError)) throw error
    // With a token URL only the spelling of the scopes is left to be found, and v1 is a good guess.
    if (options.tokenUrl !== undefined) return undefined
    const isUnreachable = error.fault === 'unreachable'
    throw (isUnreachable ? await whyUnreachable(fhirBaseUrl, signal) : undefined) ?? error
  })
  const derived = scopesFor({
    level,
    style: scopeStyleOf(discovered?.capabilities ?? []),
    // At Patient level too, providers look the patients up.
    ...(types === undefined ? {} : { types: level === 'patient' ? [...types, 'Patient'] : types }),
  })
  return {
    tokenUrl: options.tokenUrl ?? discovered?.tokenUrl ?? '',
    scope: isScopeKnown ? options.scope : derived,
  }
}

/** After the run was stopped the export is still deleted at the provider, for which time is short. */
const FAREWELL_MS = 5_000
/** What two clocks may differ by before it is worth a word. */
const CLOCK_TOLERANCE_SECONDS = 30

interface SessionOptions extends Endpoint {
  readonly clientId: string
  readonly credential: ClientCredential
}

/** A login that is renewed as long as it is needed. */
class Session {
  readonly #options: SessionOptions
  readonly #context: CommandContext
  readonly #source: BackendServicesTokenSource

  constructor(options: SessionOptions, context: CommandContext) {
    const { scope, ...rest } = options
    this.#options = options
    this.#context = context
    this.#source = new BackendServicesTokenSource(scope === undefined ? rest : { ...rest, scope })
  }

  get credentials(): LoginCredentials {
    const { clientId, credential, tokenUrl, scope } = this.#options
    return { clientId, credential, tokenUrl, scope }
  }

  async token({ rejectedToken }: { readonly rejectedToken?: string }): Promise<string> {
    const { signal } = this.#context.io
    if (rejectedToken !== undefined) this.#source.invalidate(rejectedToken)
    try {
      return await this.#source.getToken(signal.aborted ? AbortSignal.timeout(FAREWELL_MS) : signal)
    } catch (error) {
      throw error instanceof TokenRefusedError ? await this.#explained(error) : error
    }
  }

  /** Says so when the provider granted less than it was asked for. */
  tellGrant(): void {
    const { scope } = this.#options
    const granted = this.#source.grantedScope
    if (scope === undefined || granted === undefined) return
    const have = new Set(granted.split(' '))
    const lacking = scope.split(' ').filter((one) => one !== '' && !have.has(one))
    if (lacking.length === 0) return
    this.#context.progress.note({
      text: `the provider did not grant all scopes asked for; it granted: ${printable(granted)}`,
      event: 'scopes-granted',
      fields: { asked: scope, granted: printable(granted) },
    })
  }

  async #explained(error: TokenRefusedError): Promise<Error> {
    const { credential, tokenUrl, scope } = this.#options
    if (error.oauthError === 'invalid_scope') {
      this.#context.warn(`asked for the scopes: ${scope ?? '(none)'}`)
      return error
    }
    if (credential.kind !== 'private-key' || error.retryable) return error
    const ahead = await clockDifference(tokenUrl, this.#context.io.signal)
    return ahead === undefined || Math.abs(ahead) < CLOCK_TOLERANCE_SECONDS
      ? error
      : new ClockWrongError(ahead, { cause: error })
  }
}

const LONGEST_GRANT_SHOWN = 500

/** What a provider sends may hold anything, control characters of terminals too. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_GRANT_SHOWN)
}
