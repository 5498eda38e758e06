import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { ExportReport } from '@flatfhir/client'
import { readNdjson } from '@flatfhir/protocol'
import type { DemoRosterChange } from './demo-roster.ts'
import { sendWrite, type FhirServer } from './fhir-requests.ts'

/** What was changed between two exports. */
export interface DemoChanges {
  /** The version that each update made, by `Type/id`. */
  readonly updated: ReadonlyMap<string, string | undefined>
  /** `Type/id`. */
  readonly deleted: ReadonlySet<string>
}

type Resource = Readonly<Record<string, unknown>>

interface PlannedChange {
  readonly type: string
  readonly updates: number
  readonly deletions: number
  update(resource: Resource): Resource
}

const PLAN: readonly PlannedChange[] = [
  {
    type: 'Patient',
    updates: 3,
    deletions: 0,
    update: (patient) => ({
      ...patient,
      telecom: [
        ...(Array.isArray(patient['telecom']) ? (patient['telecom'] as unknown[]) : []),
        { system: 'phone', value: '555-0100', use: 'mobile' },
      ],
    }),
  },
  {
    type: 'Observation',
    updates: 5,
    deletions: 3,
    update: (observation) => ({
      ...observation,
      status: observation['status'] === 'amended' ? 'corrected' : 'amended',
    }),
  },
  {
    type: 'Immunization',
    updates: 0,
    deletions: 1,
    update: (immunization) => immunization,
  },
]

/** Where the resources to change are, and where to change them. */
export interface MakeChangesOptions {
  readonly server: FhirServer
  /** An export that holds resources to change, and its directory. */
  readonly report: ExportReport
  readonly directory: string
  /** What was changed before, in the Group. */
  readonly roster: DemoRosterChange | undefined
}

/** Updates and deletes some of the exported resources by ordinary PUT and DELETE requests. */
export async function makeChanges(options: MakeChangesOptions): Promise<DemoChanges> {
  const { roster } = options
  const updated = new Map<string, string | undefined>()
  if (roster !== undefined) updated.set(roster.group, roster.versionId)
  const deleted = new Set<string>()
  for (const change of PLAN) {
    const resources = await firstResources(options, change.type, change.updates + change.deletions)
    for (const resource of resources.slice(0, change.updates)) {
      const body = JSON.stringify(change.update(resource))
      const write = { method: 'PUT', resource: nameOf(resource), body } as const
      updated.set(write.resource, await sendWrite(options.server, write))
    }
    for (const resource of resources.slice(change.updates)) {
      const write = { method: 'DELETE', resource: nameOf(resource) } as const
      await sendWrite(options.server, write)
      deleted.add(write.resource)
    }
  }
  return { updated, deleted }
}

/** `Type/id` of a resource. */
export function nameOf(resource: Resource): string {
  return `${String(resource['resourceType'])}/${String(resource['id'])}`
}

async function firstResources(
  { report, directory }: MakeChangesOptions,
  type: string,
  count: number,
): Promise<readonly Resource[]> {
  const file = report.files.find((one) => one.kind === 'output' && one.type === type)
  const resources: Resource[] = []
  if (file === undefined) return resources
  for await (const { resource } of readNdjson(createReadStream(join(directory, file.path)))) {
    resources.push(resource)
    if (resources.length === count) break
  }
  return resources
}
