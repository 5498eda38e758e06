import type { AuditRecord } from './audit-log.ts'

/** A code of a code system, as AuditEvent has it. */
export interface AuditEventCoding {
  readonly system: string
  readonly code: string
  readonly display?: string
}

/** Which codes an event of one name has. */
export interface AuditActivity {
  readonly type: AuditEventCoding
  readonly subtypes: readonly AuditEventCoding[]
  /** Create, read, update, delete or execute. */
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E'
}

/** Code system of the names of our records, the last subtype of every event. */
export const AUDIT_RECORD_SYSTEM = 'https://flatfhir.org/fhir/CodeSystem/audit-record'

const DICOM = 'http://dicom.nema.org/resources/ontology/DCM'
const INTERACTION = 'http://hl7.org/fhir/restful-interaction'
const REST: AuditEventCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'RESTful Operation',
}

const EXPORT = dicom('110106', 'Export')
const APPLICATION_ACTIVITY = dicom('110100', 'Application Activity')
const USER_AUTHENTICATION = dicom('110114', 'User Authentication')
const LOGIN = dicom('110122', 'Login')
const CLIENT_CHANGED = {
  type: dicom('110113', 'Security Alert'),
  subtypes: [dicom('110137', 'User Security Attributes Changed')],
}

/** The codes of every record. */
export const ACTIVITIES: Readonly<Record<AuditRecord['name'] | 'log-recovered', AuditActivity>> = {
  'server-started': {
    type: APPLICATION_ACTIVITY,
    subtypes: [dicom('110120', 'Application Start')],
    action: 'E',
  },
  'log-recovered': {
    type: APPLICATION_ACTIVITY,
    subtypes: [dicom('110134', 'Audit Recording Started')],
    action: 'E',
  },
  'token-issued': { type: USER_AUTHENTICATION, subtypes: [LOGIN], action: 'E' },
  'token-refused': { type: USER_AUTHENTICATION, subtypes: [LOGIN], action: 'E' },
  'access-refused': { type: REST, subtypes: [], action: 'E' },
  'kick-off': { type: REST, subtypes: [interaction('operation')], action: 'E' },
  'file-served': { type: EXPORT, subtypes: [interaction('read')], action: 'R' },
  'job-deleted': { type: REST, subtypes: [interaction('delete')], action: 'D' },
  'client-added': { ...CLIENT_CHANGED, action: 'C' },
  'client-rotated': { ...CLIENT_CHANGED, action: 'U' },
  'client-revoked': { ...CLIENT_CHANGED, action: 'U' },
}

/** What the acting party is. */
export const AGENT_TYPES: Readonly<Record<'application' | 'person', AuditEventCoding>> = {
  application: dicom('110150', 'Application'),
  person: {
    system: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
    code: 'humanuser',
    display: 'human user',
  },
}

/** What entities are: objects of a system, none of them a person. */
export const SYSTEM_OBJECT: AuditEventCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type',
  code: '2',
  display: 'System Object',
}

/** What entities are for. */
export const ENTITY_ROLES: Readonly<
  Record<'job' | 'file' | 'group' | 'client' | 'log', AuditEventCoding>
> = {
  job: objectRole('20', 'Job'),
  file: objectRole('4', 'Domain Resource'),
  group: objectRole('7', 'List'),
  client: objectRole('11', 'Security User Entity'),
  log: objectRole('13', 'Security Resource'),
}

/** What observed and wrote down the event. */
export const SOURCE_TYPE: AuditEventCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
  code: '4',
  display: 'Application Server',
}

function dicom(code: string, display: string): AuditEventCoding {
  return { system: DICOM, code, display }
}

function interaction(code: string): AuditEventCoding {
  return { system: INTERACTION, code }
}

function objectRole(code: string, display: string): AuditEventCoding {
  return { system: 'http://terminology.hl7.org/CodeSystem/object-role', code, display }
}
