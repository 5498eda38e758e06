import type { Sent } from '../http/send.ts'
import { FHIR, resource } from '../http/test-provider.ts'
import type { FinishedExport } from './secure-provider.ts'

/** Who sends a request; the columns of the table. */
export const SENDERS = [
  'no token',
  'expired token',
  'other client',
  'too few scopes',
  'right',
] as const

export type Sender = (typeof SENDERS)[number]

/** What a row may refer to. */
export interface World {
  /** A finished export of the owner: Patient, Observation, a deletion and an outcome. */
  readonly job: FinishedExport
  /** Another finished export of the owner, to be deleted. */
  readonly doomed: FinishedExport
}

/** One endpoint, and the status that each sender gets. */
export interface AccessRow {
  /** As in the documentation. */
  readonly endpoint: string
  /** In the order of {@link SENDERS}. */
  readonly statuses: readonly [number, number, number, number, number]
  readonly request: (world: World) => Sent & { readonly path: string }
  /** What the token with too few scopes has. */
  readonly tooFew: string
  /** What the table says of the `too few scopes` column. */
  readonly needs: string
  /** Outside the FHIR base. */
  readonly isOutsideBase?: true
}

const PUBLIC = [200, 200, 200, 200, 200] as const
const ASYNC = { prefer: 'respond-async' }
const PARAMETERS = resource('Parameters')

function fileOf(kind: 'output' | 'deleted' | 'error', type: string) {
  return ({ job }: World): { path: string } => {
    const file = job.files.find((each) => each.kind === kind && each.type === type)
    if (file === undefined) throw new Error(`The export has no ${kind} file of ${type}`)
    return { path: file.path }
  }
}

function bundle(type: string, method: string, url: string): Buffer {
  const entry = { request: { method, url }, resource: { resourceType: 'Encounter', id: 'e' } }
  return resource('Bundle', { type, entry: [entry] })
}

/**
 * The access table of docs/access.md, which is generated from it, and the tests of its cells.
 *
 * The sender of a right request is the owner: the client that kicked the exports off, with the
 * Group `own` in its registration. The other client has the same scopes, but not this Group.
 */
export const ACCESS_TABLE: readonly AccessRow[] = [
  {
    endpoint: '`GET /healthz`',
    statuses: PUBLIC,
    request: () => ({ path: '/healthz' }),
    tooFew: 'system/Binary.d',
    needs: 'nothing',
    isOutsideBase: true,
  },
  {
    endpoint: '`GET metadata`',
    statuses: PUBLIC,
    request: () => ({ path: '/metadata' }),
    tooFew: 'system/Binary.d',
    needs: 'nothing',
  },
  {
    endpoint: '`GET .well-known/smart-configuration`',
    statuses: PUBLIC,
    request: () => ({ path: '/.well-known/smart-configuration' }),
    tooFew: 'system/Binary.d',
    needs: 'nothing',
  },
  {
    endpoint: '`GET $export`',
    statuses: [401, 401, 202, 403, 202],
    request: () => ({ path: '/$export', headers: ASYNC }),
    tooFew: 'system/*.cud system/Patient.r system/Observation.s',
    needs: '`rs` on at least one type',
  },
  {
    endpoint: '`POST $export`',
    statuses: [401, 401, 202, 403, 202],
    request: () => ({
      method: 'POST',
      path: '/$export',
      headers: { ...ASYNC, ...FHIR },
      body: PARAMETERS,
    }),
    tooFew: 'system/*.cud',
    needs: '`rs` on at least one type',
  },
  {
    endpoint: '`GET $export?_type=…`',
    statuses: [401, 401, 202, 403, 202],
    request: () => ({ path: '/$export?_type=Patient,Observation', headers: ASYNC }),
    tooFew: 'system/Observation.rs system/Patient.r',
    needs: '`rs` on every type of `_type`',
  },
  {
    endpoint: '`GET Patient/$export`',
    statuses: [401, 401, 202, 403, 202],
    request: () => ({ path: '/Patient/$export', headers: ASYNC }),
    tooFew: 'system/Observation.rs',
    needs: '`r` on Patient, and as for `$export`',
  },
  {
    endpoint: '`GET Group/own/$export`',
    statuses: [401, 401, 404, 403, 202],
    request: () => ({ path: '/Group/own/$export', headers: ASYNC }),
    tooFew: 'system/Patient.rs system/Observation.rs',
    needs: '`r` on Group and Patient, and as for `$export`',
  },
  {
    endpoint: '`POST Group/own/$export`',
    statuses: [401, 401, 404, 403, 202],
    request: () => ({
      method: 'POST',
      path: '/Group/own/$export',
      headers: { ...ASYNC, ...FHIR },
      body: PARAMETERS,
    }),
    tooFew: 'system/Group.rs system/Observation.rs',
    needs: '`r` on Group and Patient, and as for `$export`',
  },
  {
    endpoint: '`GET` of a status URL',
    statuses: [401, 401, 404, 403, 200],
    request: ({ job }) => ({ path: job.statusPath }),
    tooFew: 'system/Observation.rs',
    needs: 'what the export’s own kick-off needed, and `rs` on every type of the export',
  },
  {
    endpoint: '`DELETE` of a status URL',
    statuses: [401, 401, 404, 403, 202],
    request: ({ doomed }) => ({ method: 'DELETE', path: doomed.statusPath }),
    tooFew: 'system/Observation.rs',
    needs: 'the same as `GET`',
  },
  {
    endpoint: '`GET` of an output file',
    statuses: [401, 401, 404, 403, 200],
    request: fileOf('output', 'Patient'),
    tooFew: 'system/Observation.read',
    needs: '`rs` on the file’s type',
  },
  {
    endpoint: '`HEAD` of an output file',
    statuses: [401, 401, 404, 403, 200],
    request: (world) => ({ method: 'HEAD', ...fileOf('output', 'Observation')(world) }),
    tooFew: 'system/Patient.read',
    needs: '`rs` on the file’s type',
  },
  {
    endpoint: '`GET` of a `deleted` file',
    statuses: [401, 401, 404, 403, 200],
    request: fileOf('deleted', 'Bundle'),
    tooFew: 'system/Patient.rs',
    needs: '`rs` on every type of the export',
  },
  {
    endpoint: '`GET` of an `error` file',
    statuses: [401, 401, 404, 403, 200],
    request: fileOf('error', 'OperationOutcome'),
    tooFew: 'system/Encounter.rs system/Patient.r',
    needs: '`rs` on at least one type of the export',
  },
  {
    endpoint: '`GET Patient/p`',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({ path: '/Patient/p' }),
    tooFew: 'system/Patient.cuds system/Observation.rs',
    needs: '`r` on the type',
  },
  {
    endpoint: '`GET Group/own`',
    statuses: [401, 401, 404, 403, 200],
    request: () => ({ path: '/Group/own' }),
    tooFew: 'system/Patient.rs',
    needs: '`r` on Group',
  },
  {
    endpoint: '`GET Patient?…`',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({ path: '/Patient?_id=p' }),
    tooFew: 'system/Patient.r',
    needs: '`s` on the type',
  },
  {
    endpoint: '`POST Patient/_search`',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({
      method: 'POST',
      path: '/Patient/_search',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: '_id=p',
    }),
    tooFew: 'system/Group.rs',
    needs: '`s` on the type',
  },
  {
    endpoint: '`GET Group?…`',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({ path: '/Group?_id=own' }),
    tooFew: 'system/Group.r',
    needs: '`s` on Group',
  },
  {
    endpoint: '`POST Encounter`',
    statuses: [401, 401, 201, 403, 201],
    request: () => ({
      method: 'POST',
      path: '/Encounter',
      headers: FHIR,
      body: resource('Encounter'),
    }),
    tooFew: 'system/Encounter.ruds',
    needs: '`c` on the type',
  },
  {
    endpoint: '`PUT Patient/p`',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({
      method: 'PUT',
      path: '/Patient/p',
      headers: FHIR,
      body: resource('Patient', { id: 'p' }),
    }),
    tooFew: 'system/Patient.crds',
    needs: '`u` on the type',
  },
  {
    endpoint: '`DELETE Encounter/gone`',
    statuses: [401, 401, 204, 403, 204],
    request: () => ({ method: 'DELETE', path: '/Encounter/gone' }),
    tooFew: 'system/Encounter.crus',
    needs: '`d` on the type',
  },
  {
    endpoint: '`PUT Group/own`',
    statuses: [401, 401, 404, 403, 200],
    request: () => ({
      method: 'PUT',
      path: '/Group/own',
      headers: FHIR,
      body: resource('Group', { id: 'own', type: 'person', actual: true }),
    }),
    tooFew: 'system/Group.crds',
    needs: '`u` on Group',
  },
  {
    endpoint: '`DELETE Group/own`',
    statuses: [401, 401, 404, 403, 204],
    request: () => ({ method: 'DELETE', path: '/Group/own' }),
    tooFew: 'system/Group.crus',
    needs: '`d` on Group',
  },
  {
    endpoint: '`POST` of a batch or transaction',
    statuses: [401, 401, 200, 403, 200],
    request: () => ({
      method: 'POST',
      path: '',
      headers: FHIR,
      body: bundle('transaction', 'PUT', 'Encounter/e'),
    }),
    tooFew: 'system/Encounter.crds system/Patient.cruds',
    needs: '`c`, `u` or `d` on the type of every entry',
  },
]

/** The table in Markdown, as it stands in docs/access.md. */
export function accessTableMarkdown(): string {
  const header = ['endpoint', ...SENDERS, 'a scope has to allow']
  const rows = ACCESS_TABLE.map((row) => [row.endpoint, ...row.statuses.map(String), row.needs])
  const lines = [header, header.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
