import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { ExportReport } from '@flatfhir/client'
import { readDeletionBundle, readNdjson, type OutputFileKind } from '@flatfhir/protocol'
import { DemoCheckFailedError } from '../../errors.ts'
import { nameOf, type DemoChanges } from './demo-changes.ts'

/** What an export with `_since` holds. */
export interface DemoDelta {
  /** The version of each resource, by `Type/id`. */
  readonly resources: ReadonlyMap<string, string | undefined>
  /** `Type/id`. */
  readonly deleted: ReadonlySet<string>
}

/** Reads the files of an export with `_since`. */
export async function readDelta(report: ExportReport, directory: string): Promise<DemoDelta> {
  const resources = new Map<string, string | undefined>()
  const deleted = new Set<string>()
  for await (const resource of readKind('output', report, directory)) {
    const name = nameOf(resource)
    if (resources.has(name)) throw new DemoCheckFailedError('The delta holds a resource twice')
    resources.set(name, versionOf(resource))
  }
  for await (const bundle of readKind('deleted', report, directory)) {
    for (const { type, id } of readDeletionBundle(bundle)) deleted.add(`${type}/${id}`)
  }
  return { resources, deleted }
}

/**
 * Checks that the delta is what was changed: every update at the version that it made, every
 * deletion, and nothing else.
 *
 * @throws `DemoCheckFailedError` when it is not.
 */
export function checkDelta(delta: DemoDelta, changes: DemoChanges): void {
  const updates = differences(new Set(delta.resources.keys()), new Set(changes.updated.keys()))
  if (updates > 0) {
    throw new DemoCheckFailedError(`The delta and the updates differ in ${updates} resources`)
  }
  const deletions = differences(delta.deleted, changes.deleted)
  if (deletions > 0) {
    throw new DemoCheckFailedError(`The delta and the deletions differ in ${deletions} resources`)
  }
  for (const [name, versionId] of changes.updated) {
    if (versionId !== undefined && delta.resources.get(name) !== versionId) {
      throw new DemoCheckFailedError('The delta holds another version than the update made')
    }
  }
}

function differences(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const onlyIn = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
    [...a].filter((name) => !b.has(name)).length
  return onlyIn(one, other) + onlyIn(other, one)
}

async function* readKind(
  kind: OutputFileKind,
  report: ExportReport,
  directory: string,
): AsyncGenerator<Readonly<Record<string, unknown>>, void, void> {
  for (const file of report.files.filter((one) => one.kind === kind)) {
    for await (const { resource } of readNdjson(createReadStream(join(directory, file.path)))) {
      yield resource
    }
  }
}

function versionOf(resource: Readonly<Record<string, unknown>>): string | undefined {
  const meta = resource['meta']
  if (typeof meta !== 'object' || meta === null || !('versionId' in meta)) return undefined
  return typeof meta.versionId === 'string' ? meta.versionId : undefined
}
