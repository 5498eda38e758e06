import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { readNdjson } from '@flatfhir/protocol'
import { nameOf } from './demo-changes.ts'
import { DEMO_GROUP, type DemoExport } from './demo-exports.ts'
import { sendWrite, type FhirServer } from './fhir-requests.ts'

/** Who joined and who left the Group, and the version that this made of it. */
export interface DemoRosterChange {
  readonly joiners: number
  readonly leavers: number
  /** `Group/id`. */
  readonly group: string
  readonly versionId: string | undefined
}

type Resource = Readonly<Record<string, unknown>>

/**
 * Has a patient join the Group and another leave it, by a PUT of the Group.
 *
 * @param system - An export with everything in it.
 * @returns `undefined` where there are too few patients for that.
 */
export async function changeRoster(
  system: DemoExport,
  server: FhirServer,
): Promise<DemoRosterChange | undefined> {
  const group = await find(system, 'Group', ({ id }) => id === DEMO_GROUP)
  const members: readonly unknown[] = Array.isArray(group?.['member']) ? group['member'] : []
  const references = new Set(members.map(referenceOf))
  const outsider = await find(system, 'Patient', (patient) => !references.has(nameOf(patient)))
  if (group === undefined || outsider === undefined || members.length === 0) return undefined
  const joiner = { entity: { reference: nameOf(outsider) } }
  const body = JSON.stringify({ ...group, member: [...members.slice(0, -1), joiner] })
  const name = nameOf(group)
  const versionId = await sendWrite(server, { method: 'PUT', resource: name, body })
  return { joiners: 1, leavers: 1, group: name, versionId }
}

function referenceOf(member: unknown): string | undefined {
  if (typeof member !== 'object' || member === null || !('entity' in member)) return undefined
  const { entity } = member
  if (typeof entity !== 'object' || entity === null || !('reference' in entity)) return undefined
  return typeof entity.reference === 'string' ? entity.reference : undefined
}

async function find(
  { report, directory }: DemoExport,
  type: string,
  isWanted: (resource: Resource) => boolean,
): Promise<Resource | undefined> {
  for (const file of report.files.filter((one) => one.kind === 'output' && one.type === type)) {
    for await (const { resource } of readNdjson(createReadStream(join(directory, file.path)))) {
      if (isWanted(resource)) return resource
    }
  }
  return undefined
}
