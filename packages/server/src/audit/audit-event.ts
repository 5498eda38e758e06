import type { AuditActor, AuditRecord } from './audit-log.ts'
import {
  ACTIVITIES,
  AGENT_TYPES,
  AUDIT_RECORD_SYSTEM,
  ENTITY_ROLES,
  SOURCE_TYPE,
  SYSTEM_OBJECT,
  type AuditEventCoding,
} from './audit-codes.ts'

/*
 * R4 AuditEvent. Everything that a client may have chosen is cleaned and cut: a log that a stranger
 * can fill or break lines in is no evidence.
 */

const MAX_TEXT_LENGTH = 8192
const IP_ADDRESS = '2'
const SUCCESS = '0'
const MINOR_FAILURE = '4'
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

/** Says that a line was found half-written after a crash, and goes on after it. */
export interface LogRecovered {
  readonly name: 'log-recovered'
  /** The file that ends in the half-written line. */
  readonly file: string
  /** Of the half-written line. */
  readonly bytes: number
  /** Lower-case hexadecimal, of the half-written line. */
  readonly sha256: string
}

/** What an event says beside its record. */
export interface AuditEventContext {
  readonly recordedAt: Date
  /** Name of this server, for `source.observer`. */
  readonly observer: string
}

interface Detail {
  readonly type: string
  readonly valueString: string
}

interface Entity {
  readonly what: {
    readonly reference?: string
    readonly identifier?: { readonly value: string }
  }
  readonly type: AuditEventCoding
  readonly role: AuditEventCoding
  readonly detail?: readonly Detail[]
}

/** The elements of an AuditEvent that flatfhir writes, `resourceType` and the chain left out. */
export type AuditEventBody = Readonly<Record<string, unknown>>

/**
 * Says in FHIR what a record says.
 *
 * @see {@link https://hl7.org/fhir/R4/auditevent.html | FHIR R4: AuditEvent}
 */
export function auditEventBody(
  record: AuditRecord | LogRecovered,
  { recordedAt, observer }: AuditEventContext,
): AuditEventBody {
  const { type, subtypes, action } = ACTIVITIES[record.name]
  const entities = entitiesOf(record)
  const failure = failureOf(record)
  return {
    type,
    subtype: [...subtypes, { system: AUDIT_RECORD_SYSTEM, code: record.name }],
    action,
    recorded: recordedAt.toISOString(),
    outcome: failure === undefined ? SUCCESS : MINOR_FAILURE,
    ...(failure !== undefined && { outcomeDesc: failure }),
    agent: [agentOf(record)],
    source: { observer: { display: observer }, type: [SOURCE_TYPE] },
    ...(entities.length > 0 && { entity: entities }),
  }
}

function failureOf(record: AuditRecord | LogRecovered): string | undefined {
  if (record.name === 'token-refused' || record.name === 'access-refused') {
    return clean(record.reason) ?? 'unknown'
  }
  return record.name === 'file-served' && !record.complete ? 'interrupted' : undefined
}

function agentOf(record: AuditRecord | LogRecovered): Readonly<Record<string, unknown>> {
  switch (record.name) {
    case 'server-started':
    case 'log-recovered':
      return { type: { coding: [AGENT_TYPES.application] }, name: 'flatfhir', requestor: false }
    case 'client-added':
    case 'client-rotated':
    case 'client-revoked':
      return {
        type: { coding: [AGENT_TYPES.person] },
        name: clean(record.operator) ?? 'unknown operator',
        requestor: true,
      }
    default:
      return clientAgent(record)
  }
}

function clientAgent({ clientId, address }: AuditActor): Readonly<Record<string, unknown>> {
  const [knownId, knownAddress] = [clean(clientId), clean(address)]
  return {
    type: { coding: [AGENT_TYPES.application] },
    ...(knownId === undefined
      ? { name: 'unauthenticated' }
      : { who: { identifier: { value: knownId } } }),
    requestor: true,
    ...(knownAddress !== undefined && { network: { address: knownAddress, type: IP_ADDRESS } }),
  }
}

function entitiesOf(record: AuditRecord | LogRecovered): readonly Entity[] {
  switch (record.name) {
    case 'kick-off':
      return kickOffEntities(record)
    case 'file-served':
      return [entity('job', record.jobId), entity('file', record.fileId, fileDetails(record))]
    case 'job-deleted':
      return [entity('job', record.jobId, details({ cause: record.cause }))]
    case 'access-refused':
      return refusedEntities(record)
    case 'client-added':
    case 'client-rotated':
    case 'client-revoked': {
      const { clientId, scope, groupIds } = record
      return [entity('client', clientId, details({ scope, groups: groupIds?.join(' ') }))]
    }
    case 'token-issued': {
      const { clientId, scope, expiresInSeconds } = record
      return [entity('client', clientId, details({ scope, expiresInSeconds }))]
    }
    case 'token-refused':
      return []
    case 'server-started': {
      const { accessMode, version } = record
      return [entity('log', 'server', details({ accessMode, version }))]
    }
    case 'log-recovered': {
      const { file, bytes, sha256 } = record
      return [entity('log', file, details({ bytes, sha256 }))]
    }
  }
}

function kickOffEntities(record: AuditRecord & { name: 'kick-off' }): readonly Entity[] {
  const { jobId, level, groupId, types, since, until, patientCount } = record
  const job = entity(
    'job',
    jobId,
    details({
      level,
      types: types?.join(','),
      since: since?.toISOString(),
      until: until?.toISOString(),
      patientCount,
    }),
  )
  const group = clean(groupId)
  if (group === undefined) return [job]
  const what = { reference: `Group/${group}` }
  return [job, { what, type: SYSTEM_OBJECT, role: ENTITY_ROLES.group }]
}

function fileDetails(record: AuditRecord & { name: 'file-served' }): readonly Detail[] {
  const { kind, type, resourceCount, range, bytes } = record
  return details({
    kind,
    type,
    resourceCount,
    range: range === undefined ? 'whole' : `${range.start}-${range.end}`,
    bytes,
  })
}

function refusedEntities(record: AuditRecord & { name: 'access-refused' }): readonly Entity[] {
  const { attempted, jobId, fileId } = record
  const about = details({ attempted })
  if (fileId !== undefined) return [entity('file', fileId, about)]
  return [jobId === undefined ? entity('log', 'server', about) : entity('job', jobId, about)]
}

function entity(
  role: keyof typeof ENTITY_ROLES,
  id: string,
  detail: readonly Detail[] = [],
): Entity {
  return {
    what: { identifier: { value: clean(id) ?? 'unknown' } },
    type: SYSTEM_OBJECT,
    role: ENTITY_ROLES[role],
    ...(detail.length > 0 && { detail }),
  }
}

function details(values: Readonly<Record<string, string | number | undefined>>): readonly Detail[] {
  return Object.entries(values).flatMap(([type, value]) => {
    const valueString = clean(value === undefined ? undefined : String(value))
    return valueString === undefined ? [] : [{ type, valueString }]
  })
}

/** FHIR knows no empty strings. */
function clean(text: string | undefined): string | undefined {
  const cleaned = text?.slice(0, MAX_TEXT_LENGTH).replaceAll(CONTROL_CHARACTERS, ' ').trim()
  return cleaned === '' ? undefined : cleaned
}
