import type { CheckId, CheckOptions } from '@flatfhir/conformance'
import { bulkData, smart, stu3, stu4 } from '@flatfhir/conformance'
import type { ProviderScript, ScriptedAnswer, ScriptedFile } from '@flatfhir/testkit'

/** One thing that a provider does wrong, and the requirements that a run has to name for it. */
export interface Defect {
  readonly name: string
  readonly check: CheckId
  readonly script: ProviderScript
  readonly fails?: readonly string[]
  readonly warns?: readonly string[]
  readonly options?: Partial<CheckOptions>
}

const ACCEPTED: ScriptedAnswer = { status: 202, headers: { 'content-location': '/status/1' } }
const OUTCOME = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'value' }] }
const REFUSED: ScriptedAnswer = {
  ...{ status: 400, headers: { 'content-type': 'application/fhir+json' } },
  body: JSON.stringify(OUTCOME),
}
const WITH_TOKEN: Partial<CheckOptions> = { accessToken: async () => 'the-token' }

function line(resource: object): string {
  return `${JSON.stringify(resource)}\n`
}

const ANN = { resourceType: 'Patient', id: 'ann', gender: 'female', birthDate: '1970-01-01' }
const BOB = { resourceType: 'Patient', id: 'bob', gender: 'male' }

/** A file with two patients. */
export const PATIENTS: ScriptedFile = { type: 'Patient', content: line(ANN) + line(BOB) }

const files = (...some: readonly ScriptedFile[]): ProviderScript => ({ files: some })
const file = (changes: Partial<ScriptedFile>): ProviderScript => files({ ...PATIENTS, ...changes })

const KICK_OFF_DEFECTS: readonly Defect[] = [
  {
    ...{ name: 'kick-offs answered with 200', check: 'kick-off' },
    script: { kickOff: [{ status: 200 }] },
    fails: [bulkData(300)],
  },
  {
    ...{ name: 'no Content-Location', check: 'kick-off' },
    script: { kickOff: [{ status: 202 }] },
    fails: [bulkData(301)],
  },
  {
    ...{ name: 'a relative Content-Location', check: 'kick-off' },
    script: { kickOff: [ACCEPTED] },
    fails: [bulkData(301)],
  },
  {
    ...{ name: 'everything is accepted', check: 'refusals', script: {} },
    fails: [bulkData(303), bulkData(304)],
  },
  {
    ...{ name: 'refusals without an OperationOutcome', check: 'refusals' },
    script: { kickOff: [ACCEPTED, { status: 400, body: 'no' }, REFUSED] },
    fails: [bulkData(304)],
  },
  {
    ...{ name: 'short names of NDJSON are refused', check: 'output-format' },
    script: { kickOff: [ACCEPTED, ACCEPTED, REFUSED, ACCEPTED] },
    fails: [bulkData(52)],
  },
  {
    ...{ name: 'types that there are not are exported', check: 'types', script: file({}) },
    warns: [bulkData(70)],
  },
  {
    ...{ name: '_type is ignored', check: 'types' },
    script: file({ type: 'Observation', content: line({ resourceType: 'Observation' }) }),
    fails: [bulkData(62)],
  },
  {
    ...{ name: '_since is refused', check: 'since', script: { kickOff: [ACCEPTED, REFUSED] } },
    fails: [bulkData(53)],
  },
  {
    ...{ name: '_elements is ignored', check: 'elements', script: file({}) },
    warns: [bulkData(75), bulkData(80)],
  },
  {
    ...{ name: '_typeFilter is ignored', check: 'type-filter', script: file({}) },
    fails: [bulkData(103), stu3('type-filter-matches')],
  },
  {
    ...{ name: 'patient is ignored', check: 'patient', script: file({}) },
    options: { levels: ['patient'] },
    fails: [bulkData(85)],
    warns: [bulkData(86)],
  },
  {
    ...{ name: 'separate-export-status is half applied', check: 'separate-export-status' },
    script: {
      kickOff: [
        ACCEPTED,
        {
          status: 202,
          headers: {
            'content-location': '/status/1',
            'preference-applied': 'separate-export-status',
          },
        },
      ],
    },
    fails: [stu3('separate-export-status-applied'), stu3('separate-export-status-code')],
  },
  {
    ...{ name: 'the export of STU4 speaks STU2', check: 'stu4' },
    script: {
      files: [{ ...PATIENTS, entry: { extension: {} } }],
      capabilities: {
        resourceType: 'CapabilityStatement',
        rest: [{ operation: [{ name: 'export-v4', definition: 'https://example.org/export' }] }],
      },
    },
    fails: [
      ...['manifest-outcome', 'manifest-no-request', 'manifest-extensions'],
      ...['kick-off-get', 'no-comma-lists'],
    ].map(stu4),
  },
]

const STATUS_DEFECTS: readonly Defect[] = [
  {
    ...{
      name: 'no Retry-After, no Expires',
      check: 'status',
      script: { status: [{ status: 202 }] },
    },
    warns: [bulkData(125), bulkData(146)],
  },
  {
    ...{ name: 'Retry-After that is an epoch number with a fraction', check: 'status' },
    script: { status: [{ status: 202, headers: { 'retry-after': '1.5e9' } }] },
    warns: [bulkData(125)],
  },
  {
    ...{ name: 'the manifest comes as HTML', check: 'status' },
    script: { status: [{ status: 200, headers: { 'content-type': 'text/html' }, body: '{}' }] },
    fails: [bulkData(145)],
  },
  {
    ...{ name: 'the status of a complete export is 500', check: 'status' },
    script: { status: [{ status: 500 }] },
    fails: [bulkData(144)],
  },
  {
    ...{ name: 'the connection breaks', check: 'status' },
    script: { status: [{ status: 0, instead: 'close' }] },
    fails: [bulkData(13)],
  },
  {
    ...{ name: 'an export that there never was has a status', check: 'unknown-job' },
    script: { content: { '/status/e': { status: 200, body: {} } } },
    fails: [bulkData(136), bulkData(308)],
  },
  {
    ...{ name: 'errors without an OperationOutcome', check: 'unknown-job', script: {} },
    fails: [bulkData(309)],
  },
  {
    ...{ name: 'an OperationOutcome as plain JSON', check: 'unknown-job' },
    script: { content: { '/status/e': { status: 404, body: OUTCOME } } },
    fails: [bulkData(137)],
  },
  {
    ...{ name: 'Delete Requests answered with 204', check: 'delete' },
    script: { delete: [{ status: 204 }] },
    fails: [bulkData(306)],
  },
  {
    ...{ name: 'deleted exports live on', check: 'delete', script: {} },
    fails: [bulkData(122)],
  },
]

const without =
  (field: string): NonNullable<ProviderScript['manifest']> =>
  (manifest) =>
    Object.fromEntries(Object.entries(manifest).filter(([name]) => name !== field))

const withField =
  (field: string, value: unknown): NonNullable<ProviderScript['manifest']> =>
  (manifest) => ({ ...manifest, [field]: value })

const MANIFEST_DEFECTS: readonly Defect[] = (
  [
    ['no transactionTime', without('transactionTime'), 150],
    ['transactionTime is no instant', withField('transactionTime', '2026-11-01'), 151],
    ['transactionTime in the future', withField('transactionTime', '2999-01-01T00:00:00Z'), 152],
    ['no request', without('request'), 155],
    ['request is an object', withField('request', {}), 156],
    ['request is relative', withField('request', '/$export'), 157],
    ['no requiresAccessToken', without('requiresAccessToken'), 159],
    ['requiresAccessToken is a text', withField('requiresAccessToken', 'false'), 160],
    ['no output', without('output'), 164],
    ['output is an object', withField('output', {}), 165],
    ['an entry is no object', withField('output', ['x']), 166],
    ['no type', withField('output', [{ url: 'http://127.0.0.1/x' }]), 168],
    ['a relative URL', withField('output', [{ type: 'Patient', url: 'x' }]), 175],
    ['count is a text', withField('output', [{ type: 'Patient', url: 'x', count: '1' }]), 178],
    ['deleted is an object', withField('deleted', {}), 180],
    ['a deleted entry without type', withField('deleted', [{ url: 'x' }]), 181],
    ['no error', without('error'), 191],
    ['error is null', withField('error', null), 192],
    ['an error entry without type', withField('error', [{ url: 'x' }]), 193],
    ['extension is an array', withField('extension', []), 198],
  ] as const
).map(([name, manifest, id]) => {
  return { name, check: 'manifest', script: { manifest }, fails: [bulkData(id)] }
})

const FILE_DEFECTS: readonly Defect[] = [
  {
    ...{ name: 'the manifest is a text', check: 'manifest' },
    script: { status: [{ status: 200, body: 'done' }] },
    fails: [bulkData(147)],
  },
  {
    ...{ name: 'a file is not there', check: 'files' },
    script: file({ always: { answer: { status: 404 } } }),
    fails: [bulkData(148), bulkData(206)],
  },
  {
    ...{ name: 'files come as JSON', check: 'files' },
    script: file({ always: { headers: { 'content-type': 'application/json' } } }),
    fails: [bulkData(208)],
  },
  {
    ...{ name: 'two types in a file', check: 'files' },
    script: file({ content: line(ANN) + line({ resourceType: 'Device' }) }),
    fails: [bulkData(170), stu3('one-type-per-file')],
  },
  {
    ...{ name: 'another type than the manifest says', check: 'files' },
    script: file({ type: 'Observation' }),
    fails: [bulkData(169)],
  },
  {
    ...{ name: 'a line that is no JSON', check: 'files' },
    script: file({ content: `${line(ANN)}{"resourceType":"Patient","family":"Smith\n` }),
    fails: [bulkData(209)],
  },
  {
    ...{ name: 'a JSON array instead of NDJSON', check: 'files' },
    script: file({ content: `${JSON.stringify([ANN])}\n` }),
    fails: [bulkData(209)],
  },
  {
    ...{ name: 'fewer resources than counted', check: 'files' },
    script: file({ entry: { count: 3 } }),
    fails: [bulkData(178)],
  },
  {
    ...{ name: 'an empty file', check: 'files', script: file({ content: '' }) },
    warns: [bulkData(173)],
  },
  {
    ...{ name: 'a file breaks off', check: 'files' },
    script: file({ always: { cutAfterBytes: 20 } }),
    fails: [bulkData(209)],
  },
  {
    ...{ name: 'gzip for those who do not accept it', check: 'file-encoding' },
    script: file({ always: { coding: 'gzip' } }),
    fails: [stu3('file-encoding')],
  },
  {
    ...{ name: 'gzip that is none', check: 'file-encoding' },
    script: file({ always: { headers: { 'content-encoding': 'gzip' }, coding: 'identity' } }),
    fails: [stu3('file-encoding')],
  },
  {
    ...{ name: 'deletions that are no transactions', check: 'deleted-files' },
    script: files({ kind: 'deleted', type: 'Bundle', content: line({ resourceType: 'Bundle' }) }),
    fails: [bulkData(187), bulkData(188)],
  },
  {
    ...{ name: 'deletions that put', check: 'deleted-files' },
    script: files({
      ...{ kind: 'deleted', type: 'Bundle' },
      content: line({
        ...{ resourceType: 'Bundle', type: 'transaction' },
        entry: [{ request: { method: 'PUT', url: 'Patient/x' } }, { request: {} }],
      }),
    }),
    fails: [bulkData(189), bulkData(190)],
  },
  {
    ...{ name: 'patients in an error file', check: 'error-files' },
    script: files({ kind: 'outcome', type: 'OperationOutcome', content: line(ANN) }),
    fails: [bulkData(196)],
  },
]

const SMART_PATH = '/fhir/.well-known/smart-configuration'

const ACCESS_DEFECTS: readonly Defect[] = [
  {
    ...{ name: 'no CapabilityStatement', check: 'capability-statement', script: {} },
    warns: [bulkData(217)],
  },
  {
    ...{ name: 'a CapabilityStatement without exports', check: 'capability-statement' },
    script: { capabilities: { resourceType: 'CapabilityStatement' } },
    warns: [bulkData(1), bulkData(217)],
  },
  {
    ...{ name: 'the Group cannot be read', check: 'group-read', script: {} },
    options: { groupId: 'g' },
    warns: [bulkData(42)],
  },
  {
    ...{ name: 'nobody is asked for a token', check: 'token-required', script: {} },
    options: WITH_TOKEN,
    fails: [bulkData(5), smart(247), smart(265)],
  },
  {
    ...{ name: 'files are open though a token is asked for', check: 'file-access' },
    script: { ...file({}), token: 'the-token' },
    options: WITH_TOKEN,
    fails: [bulkData(161), bulkData(162), bulkData(5)],
  },
  {
    ...{ name: 'files are closed though no token is asked for', check: 'file-access' },
    script: file({ always: { answer: { status: 403 } } }),
    fails: [bulkData(161), stu3('capability-urls')],
  },
  {
    ...{ name: 'no SMART configuration', check: 'smart-configuration', script: {} },
    options: WITH_TOKEN,
    fails: [smart(228), smart(372)],
    warns: [bulkData(4)],
  },
  {
    ...{ name: 'an empty SMART configuration in HTML', check: 'smart-configuration' },
    script: {
      content: {
        [SMART_PATH]: { status: 200, headers: { 'content-type': 'text/html' }, body: '{}' },
      },
    },
    fails: [374, 377, 286, 285, 287, 288, 289, 384, 393].map(smart),
  },
]

/** Every defect. */
export const DEFECTS: readonly Defect[] = [
  ...KICK_OFF_DEFECTS,
  ...STATUS_DEFECTS,
  ...MANIFEST_DEFECTS,
  ...FILE_DEFECTS,
  ...ACCESS_DEFECTS,
]
