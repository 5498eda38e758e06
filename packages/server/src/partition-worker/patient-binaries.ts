import { createHash } from 'node:crypto'
import { parseReference, type OutcomeIssue } from '@flatfhir/protocol'
import { patientsOf, type JsonObject } from '@flatfhir/search'
import type { ExportQuery } from '../resource-store.ts'
import type { resourceFinder } from './resource-finder.ts'

/**
 * Ids of made DocumentReferences are digests of that of the Binary: they stay the same from export to
 * export, and no resource that somebody wrote has one of them.
 */
const ID_PREFIX = 'flatfhir:Binary/'
const ID_LENGTH = 40

/** Finds out whose a Binary is, and serialises it. */
export class PatientBinaries {
  readonly #query: ExportQuery
  readonly #find: ReturnType<typeof resourceFinder>

  constructor(query: ExportQuery, find: ReturnType<typeof resourceFinder>) {
    this.#query = query
    this.#find = find
  }

  /**
   * The patients that a Binary belongs to: by `securityContext`, which is one of them or something in
   * a compartment. Empty for one that is no patient's.
   */
  patientsOf(binary: JsonObject): readonly string[] {
    const context = binary['securityContext']
    if (!isObject(context) || typeof context['reference'] !== 'string') return []
    const reference = parseReference(this.#relative(context['reference']))
    if (reference === undefined) return []
    if (reference.type === 'Patient') return [reference.id]
    const owner = this.#find(reference)
    return owner === undefined ? [] : patientsOf(owner, this.#base())
  }

  /** Whether the DocumentReferences that Binaries become may be in this export. */
  get mayBeDocuments(): boolean {
    return this.#query.types?.includes('DocumentReference') ?? true
  }

  #relative(reference: string): string {
    const base = this.#query.fhirBaseUrl
    const isOwn = base !== undefined && reference.startsWith(`${base}/`)
    return isOwn ? reference.slice(base.length + 1) : reference
  }

  #base(): { baseUrl?: string } {
    const { fhirBaseUrl } = this.#query
    return fhirBaseUrl === undefined ? {} : { baseUrl: fhirBaseUrl }
  }
}

/**
 * A patient's Binary as a DocumentReference with the content in it, as which it SHALL be serialised.
 *
 * @param patients - Whose it is; with several no single one is the subject.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request | Bulk Data: Kick-off Request}
 */
export function documentOfBinary(binary: JsonObject, patients: readonly string[]): JsonObject {
  const { id, meta, contentType, data } = binary
  const [patient, ...others] = patients
  const digest = createHash('sha256').update(`${ID_PREFIX}${String(id)}`)
  return {
    resourceType: 'DocumentReference',
    id: digest.digest('hex').slice(0, ID_LENGTH),
    ...(isObject(meta) && { meta: withoutProfiles(meta) }),
    status: 'current',
    ...(patient !== undefined &&
      others.length === 0 && { subject: { reference: `Patient/${patient}` } }),
    content: [
      {
        attachment: {
          ...(typeof contentType === 'string' && { contentType }),
          ...(typeof data === 'string' && { data }),
        },
      },
    ],
  }
}

/** Said instead of documents whose type is not in the export. */
export function binariesLeftOut(count: number): OutcomeIssue {
  const diagnostics =
    `${count} Binary resources of patients are exported as DocumentReference only, ` +
    'which is not among the types of this export'
  return { severity: 'warning', code: 'incomplete', diagnostics }
}

/** Those are the Binary's. */
function withoutProfiles({ versionId, lastUpdated, security, tag }: JsonObject): JsonObject {
  return { versionId, lastUpdated, security, tag }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null
}
