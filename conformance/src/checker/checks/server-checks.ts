import { isLoopbackHost } from '@flatfhir/auth'
import { bulkData, smart } from '../../requirements/ids.ts'
import type { Capabilities } from '../capabilities.ts'
import type { Check } from '../check.ts'
import { SkipCheck } from '../errors.ts'
import type { Findings } from '../findings.ts'
import { textsOf } from '../json.ts'
import { isJson } from '../media-type.ts'
import { shownHeader } from '../printable.ts'
import type { Session } from '../session.ts'

/** TLS, unless the server is on this machine. */
export const TRANSPORT: Check = {
  id: 'transport',
  title: 'Everything goes over TLS',
  run: async ({ options: { baseUrl } }, findings) => {
    const isTls = baseUrl.protocol === 'https:'
    if (!isTls && isLoopbackHost(baseUrl.hostname)) {
      throw new SkipCheck('The server is on this machine, where TLS is not needed')
    }
    // Node makes no TLS connection older than 1.2, and everything else has come over this one.
    findings.require([bulkData(2), smart(231)], isTls, `the base URL has ${baseUrl.protocol}`)
  },
}

/** The CapabilityStatement, and the exports that it lists. */
export const CAPABILITY_STATEMENT: Check = {
  id: 'capability-statement',
  title: 'The CapabilityStatement lists the exports',
  run: async (session, findings) => {
    const { answer } = await session.metadata()
    const capabilities = await session.capabilities()
    const seen = `metadata: HTTP ${answer.status}, ${shownHeader(answer.headers, 'content-type')}`
    if (!findings.require(bulkData(217), capabilities !== undefined, seen)) return
    if (capabilities !== undefined) requireCapabilities(findings, capabilities)
  },
}

const LEVEL_REQUIREMENTS = {
  patient: [bulkData(297), bulkData(273)],
  group: [bulkData(298), bulkData(250)],
  system: [bulkData(299)],
} as const

function requireCapabilities(findings: Findings, capabilities: Capabilities): void {
  const { instantiatesBulkData, levels, stu4, undefinedOperations } = capabilities
  findings.require(
    bulkData(1),
    instantiatesBulkData,
    instantiatesBulkData ? 'instantiates names the IG' : 'instantiates does not name the IG',
  )
  const listed = levels.length === 0 ? 'no export operation' : `exports: ${levels.join(', ')}`
  findings.require(bulkData(217), levels.length > 0 || stu4.size > 0, listed)
  for (const level of levels) {
    findings.require(LEVEL_REQUIREMENTS[level], true, `listed where it belongs: ${level}`)
  }
  if (undefinedOperations > 0) {
    findings.note(`${undefinedOperations} export operations are listed without a definition`)
  }
}

/** The SMART configuration, where there is one or should be. */
export const SMART_CONFIGURATION: Check = {
  id: 'smart-configuration',
  title: 'The SMART configuration says how to log in',
  run: async (session, findings) => {
    const { answer, json } = await session.smartConfiguration()
    const seen = `HTTP ${answer.status}, ${shownHeader(answer.headers, 'content-type')}`
    if (json === undefined && !session.http.hasToken) {
      throw new SkipCheck(`No SMART configuration (${seen}), and no token was given`)
    }
    const found = json !== undefined
    findings.require([bulkData(4), bulkData(218), smart(228), smart(372)], found, seen)
    if (!found) return
    const type = answer.headers['content-type']
    findings.require([smart(374), smart(377), smart(380)], isJson(type), seen)
    requireSmart(findings, json)
    await requireJsonWhateverAccept(session, findings)
  },
}

function requireSmart(findings: Findings, json: Readonly<Record<string, unknown>>): void {
  const list = (name: string): readonly string[] => textsOf(json[name])
  const has = (name: string, ...values: readonly string[]): boolean =>
    values.length === 0 ? list(name).length > 0 : values.some((each) => list(name).includes(each))
  const tokenUrl = json['token_endpoint']
  const isUrl = typeof tokenUrl === 'string' && URL.canParse(tokenUrl)
  findings.require([smart(286), smart(385)], isUrl, isUrl ? 'an absolute URL' : 'no absolute URL')
  const capabilities = `capabilities: ${list('capabilities').join(', ') || 'none'}`
  findings.require([smart(393), smart(373)], has('capabilities'), capabilities)
  findings.require(smart(285), has('capabilities', 'client-confidential-asymmetric'), capabilities)
  findings.require(
    [smart(287), smart(389)],
    has('scopes_supported'),
    `${list('scopes_supported').length} scopes`,
  )
  requireList(findings, smart(288), { json, name: METHODS, wanted: ['private_key_jwt'] })
  requireList(findings, smart(289), { json, name: ALGORITHMS, wanted: ['RS384', 'ES384'] })
  requireList(findings, smart(384), {
    ...{ json, name: 'grant_types_supported', wanted: ['client_credentials'] },
  })
}

const METHODS = 'token_endpoint_auth_methods_supported'
const ALGORITHMS = 'token_endpoint_auth_signing_alg_values_supported'

function requireList(
  findings: Findings,
  id: string,
  list: {
    readonly json: Readonly<Record<string, unknown>>
    readonly name: string
    readonly wanted: readonly string[]
  },
): void {
  const values = textsOf(list.json[list.name])
  const holds = list.wanted.some((wanted) => values.includes(wanted))
  findings.require(id, holds, `${list.name}: ${values.join(', ') || 'none'}`)
}

async function requireJsonWhateverAccept(session: Session, findings: Findings): Promise<void> {
  const answer = await session.http.ask({
    url: session.at('.well-known/smart-configuration'),
    token: 'none',
    headers: { accept: 'application/fhir+xml' },
  })
  const holds = answer.status === 200 && isJson(answer.headers['content-type'])
  const seen = `Accept: application/fhir+xml: HTTP ${answer.status}`
  findings.require(smart(374), holds, seen)
}

/** Reading the Group that exports are made of. */
export const GROUP_READ: Check = {
  id: 'group-read',
  title: 'Groups can be read and searched',
  run: async (session, findings) => {
    const { groupId } = session.options
    if (groupId === undefined) throw new SkipCheck('No Group was named')
    const headers = { accept: 'application/fhir+json' }
    const read = await session.http.ask({
      ...{ url: session.at(`Group/${encodeURIComponent(groupId)}`), headers },
    })
    if (read.status === 401 && !session.http.hasToken) {
      throw new SkipCheck('The server asks for a token, and the run was given none')
    }
    findings.require(bulkData(42), read.status === 200, `read: HTTP ${read.status}`)
    const searched = await session.http.ask({
      ...{ url: session.at(`Group?_id=${encodeURIComponent(groupId)}`), headers },
    })
    findings.require(bulkData(42), searched.status === 200, `search: HTTP ${searched.status}`)
  },
}
