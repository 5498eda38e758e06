import type { Dispatcher } from 'undici'
import { isObject } from '../jwks/public-jwks.ts'
import { parseProtectedUrl } from '../protected-url.ts'
import { DiscoveryFailedError, LoginSettingInvalidError } from './errors.ts'
import { exchangeJson } from './json-exchange.ts'

/** How {@link discoverSmart} asks. */
export interface DiscoverSmartOptions {
  readonly dispatcher?: Dispatcher
  readonly signal?: AbortSignal
  /**
   * For each of the two documents.
   *
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
}

/** What a server says about logging in. */
export interface DiscoveredSmart {
  readonly tokenUrl: string
  readonly source: 'smart-configuration' | 'capability-statement'
  /** Empty when the source is the CapabilityStatement, as all of the following. */
  readonly capabilities: readonly string[]
  readonly scopesSupported: readonly string[]
  readonly authMethodsSupported: readonly string[]
  readonly signingAlgorithmsSupported: readonly string[]
}

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_CONFIGURATION_BYTES = 1024 * 1024
/** Servers list every search parameter of every type in it. */
const MAX_CAPABILITY_BYTES = 32 * 1024 * 1024
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

/**
 * Finds a server's token endpoint: in `.well-known/smart-configuration`, or, of older servers, in the
 * `oauth-uris` extension of the CapabilityStatement. No credential is sent.
 *
 * @throws `DiscoveryFailedError`; `LoginSettingInvalidError` for a base that is no URL.
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known | SMART: discovery}
 */
export async function discoverSmart(
  fhirBaseUrl: string,
  options: DiscoverSmartOptions = {},
): Promise<DiscoveredSmart> {
  const base = baseUrl(fhirBaseUrl)
  const configuration = await get(new URL('.well-known/smart-configuration', base), options)
  const found = fromConfiguration(configuration.json)
  if (found !== undefined) return checked(found, base)
  const capabilities = await get(new URL('metadata', base), options)
  const tokenUrl = oauthUri(capabilities.json)
  if (tokenUrl !== undefined) {
    return checked({ ...fromMembers({}), tokenUrl, source: 'capability-statement' }, base)
  }
  const reached = configuration.reached || capabilities.reached
  throw new DiscoveryFailedError(reached ? 'not-found' : 'unreachable', base.origin)
}

function baseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new LoginSettingInvalidError('fhir-base-url')
  }
  url.search = ''
  url.hash = ''
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

async function get(
  url: URL,
  { dispatcher, signal, timeoutMs = DEFAULT_TIMEOUT_MS }: DiscoverSmartOptions,
): Promise<{ readonly reached: boolean; readonly json: unknown }> {
  const isMetadata = url.pathname.endsWith('/metadata')
  const exchange = await exchangeJson({
    url,
    method: 'GET',
    headers: { accept: isMetadata ? 'application/fhir+json' : 'application/json' },
    maxBytes: isMetadata ? MAX_CAPABILITY_BYTES : MAX_CONFIGURATION_BYTES,
    timeoutMs,
    dispatcher,
    signal,
  })
  if (!exchange.ok) return { reached: false, json: undefined }
  return { reached: true, json: exchange.status === 200 ? exchange.json : undefined }
}

function fromConfiguration(json: unknown): DiscoveredSmart | undefined {
  const tokenUrl = isObject(json) ? json['token_endpoint'] : undefined
  if (!isObject(json) || typeof tokenUrl !== 'string') return undefined
  return { ...fromMembers(json), tokenUrl, source: 'smart-configuration' }
}

function fromMembers(
  json: Readonly<Record<string, unknown>>,
): Omit<DiscoveredSmart, 'tokenUrl' | 'source'> {
  return {
    capabilities: texts(json['capabilities']),
    scopesSupported: texts(json['scopes_supported']),
    authMethodsSupported: texts(json['token_endpoint_auth_methods_supported']),
    signingAlgorithmsSupported: texts(json['token_endpoint_auth_signing_alg_values_supported']),
  }
}

function oauthUri(json: unknown): string | undefined {
  const uris = objects(member(json, 'rest'))
    .flatMap((rest) => objects(member(member(rest, 'security'), 'extension')))
    .filter((extension) => extension['url'] === OAUTH_URIS)
    .flatMap((extension) => objects(extension['extension']))
    .filter((extension) => extension['url'] === 'token')
    .map((extension) => extension['valueUri'])
  return texts(uris)[0]
}

function checked(found: DiscoveredSmart, base: URL): DiscoveredSmart {
  // It need not be of the base's origin, but what is sent there is a credential.
  if (parseProtectedUrl(found.tokenUrl) !== undefined) return found
  throw new DiscoveryFailedError('insecure-token-url', base.origin)
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
