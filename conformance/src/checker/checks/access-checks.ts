import { createClientAssertion, parseProtectedUrl } from '@flatfhir/auth'
import { randomUUID } from 'node:crypto'
import { bulkData, smart, stu3 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import type { CheckAnswer } from '../check-http.ts'
import type { CheckLogin } from '../check-options.ts'
import { SkipCheck } from '../errors.ts'
import type { Findings } from '../findings.ts'
import { isJsonObject } from '../json.ts'
import { entriesOf } from '../manifest-files.ts'
import { printable, shownHeader } from '../printable.ts'
import { readFile } from '../read-file.ts'
import type { Session } from '../session.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const NOBODYS_TOKEN = 'flatfhir-check-this-is-nobodys-token'

/** Kick-offs and status requests without a token, and with one that is worth nothing. */
export const TOKEN_REQUIRED: Check = {
  id: 'token-required',
  title: 'Nothing is had without a token',
  run: async (session, findings) => {
    const kickOff = await session.smallKickOff()
    const without = await session.tryKickOff({ ...kickOff, token: 'none' })
    if (!session.http.hasToken) {
      const how = without.status === 401 ? 'The server asks for tokens' : 'The server is open'
      throw new SkipCheck(`${how}, and the run was given none`)
    }
    const refused = (answer: CheckAnswer): boolean => answer.status === 401 || answer.status === 403
    const seen = (answer: CheckAnswer): string =>
      `HTTP ${answer.status}, ${shownHeader(answer.headers, 'www-authenticate')}`
    const kickOffSeen = `kick-off without a token: ${seen(without)}`
    findings.require([bulkData(5), smart(247)], refused(without), kickOffSeen)
    const garbage = await session.tryKickOff({ ...kickOff, token: { bearer: NOBODYS_TOKEN } })
    findings.require(smart(265), refused(garbage), `kick-off with a false token: ${seen(garbage)}`)
    const { started } = await session.main()
    if (started === undefined) return
    const status = await session.http.ask({ url: started.statusUrl, token: 'none' })
    const hidden = refused(status) || status.status === 404
    findings.require(bulkData(5), hidden, `status without a token: ${seen(status)}`)
    findings.note("Whether another client's export is hidden takes a second client to find out")
  },
}

/** Whether files ask for a token where the manifest says so, and only there. */
export const FILE_ACCESS: Check = {
  id: 'file-access',
  title: 'Files ask for a token as requiresAccessToken says',
  run: async (session, findings) => {
    const { statusUrl } = await session.finishedMain()
    const manifest = await session.manifest()
    const requires = manifest['requiresAccessToken']
    const [entry] = entriesOf(manifest, 'output', statusUrl)
    if (entry === undefined) throw new SkipCheck('The export has no files')
    const { fileBytes } = session.options.limits
    const file = await readFile(session.http, entry.url, { token: 'none', maxBytes: fileBytes })
    const seen = `requiresAccessToken: ${String(requires)}; without a token: HTTP ${file.status}`
    if (requires === true) {
      findings.require([bulkData(161), bulkData(162)], file.status !== 200, seen)
      findings.require(bulkData(5), file.status !== 200, seen)
      findings.require(bulkData(210), file.status >= 400, seen)
    } else {
      findings.require([bulkData(161), stu3('capability-urls')], file.status === 200, seen)
    }
  },
}

/** The token endpoint: what it gives to the client, and how it refuses. */
export const TOKEN_ENDPOINT: Check = {
  id: 'token-endpoint',
  title: 'The token endpoint gives tokens and refuses as OAuth says',
  run: async (session, findings) => {
    const { login } = session.options
    if (login === undefined) throw new SkipCheck('The run was given nothing to log in with')
    const tokenUrl = await tokenUrlOf(session, login)
    if (tokenUrl === undefined) throw new SkipCheck('The token endpoint is not known')
    await requireToken(session, findings, { login, tokenUrl })
    const unknownGrant = await ask(session, tokenUrl, { grant_type: 'flatfhir_check' })
    requireOAuthError(findings, unknownGrant, 'unsupported_grant_type')
    const unknownClient = await ask(session, tokenUrl, {
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: 'this.is-not.signed',
      scope: 'system/Patient.read',
    })
    requireOAuthError(findings, unknownClient, 'invalid_client')
  },
}

async function tokenUrlOf(session: Session, { tokenUrl }: CheckLogin): Promise<URL | undefined> {
  const { json } = await session.smartConfiguration()
  const named = tokenUrl ?? json?.['token_endpoint']
  if (typeof named !== 'string') return undefined
  return parseProtectedUrl(named) === undefined ? undefined : new URL(named)
}

async function ask(
  session: Session,
  url: URL,
  form: Readonly<Record<string, string>>,
): Promise<CheckAnswer> {
  return await session.http.ask({
    method: 'POST',
    url,
    token: 'none',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
}

async function requireToken(
  session: Session,
  findings: Findings,
  { login, tokenUrl }: { readonly login: CheckLogin; readonly tokenUrl: URL },
): Promise<void> {
  const { credential, clientId, scope } = login
  if (credential.kind !== 'private-key') {
    findings.note('Logging in with a client secret is not SMART Backend Services')
    return
  }
  const { key, jku } = credential
  const assertion = await createClientAssertion({
    ...{ clientId, tokenUrl: tokenUrl.href, key, now: session.options.now(), jti: randomUUID() },
    ...(jku !== undefined && { jku }),
  })
  const answer = await ask(session, tokenUrl, {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    scope: scope ?? 'system/*.read',
  })
  const seen = `HTTP ${answer.status}`
  const json = isJsonObject(answer.json) ? answer.json : {}
  const holds = answer.status === 200 && typeof json['access_token'] === 'string'
  findings.require([bulkData(12), bulkData(19), smart(253), smart(254)], holds, seen)
  if (holds) requireTokenAnswer(findings, json)
}

function requireTokenAnswer(
  findings: Findings,
  { token_type: type, expires_in: seconds, ...json }: Readonly<Record<string, unknown>>,
): void {
  const isBearer = typeof type === 'string' && type.toLowerCase() === 'bearer'
  findings.require(smart(255), isBearer, `token_type: ${printable(String(type))}`)
  const shown = `expires_in: ${printable(String(seconds))}`
  const isNumber = typeof seconds === 'number' && seconds > 0
  findings.require(smart(256), isNumber, shown)
  const isShort = isNumber && seconds <= 300
  findings.require([smart(257), smart(262)], isShort, shown)
  // "Short-lived" is no number; an hour is where nobody would say so any more.
  findings.require(smart(261), isNumber && seconds <= 3600, shown)
  const hasScope = typeof json['scope'] === 'string'
  findings.require(smart(258), hasScope, hasScope ? 'scope is there' : 'no scope')
  const refresh = json['refresh_token'] !== undefined
  findings.require(smart(248), !refresh, refresh ? 'a refresh_token' : 'no refresh_token')
}

function requireOAuthError(findings: Findings, answer: CheckAnswer, wanted: string): void {
  const json = isJsonObject(answer.json) ? answer.json : {}
  const error = typeof json['error'] === 'string' ? json['error'] : 'none'
  const status = answer.status === 400 || (wanted === 'invalid_client' && answer.status === 401)
  const seen = `HTTP ${answer.status}, error: ${printable(error)}, expected ${wanted}`
  findings.require(smart(251), status && error === wanted, seen)
  if (wanted === 'invalid_client') findings.require(smart(340), error === wanted, seen)
  const described = json['error_description'] !== undefined || json['error_uri'] !== undefined
  findings.require(smart(252), described, described ? 'described' : 'no error_description')
}
