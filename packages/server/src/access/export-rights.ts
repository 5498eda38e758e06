import {
  isResourceType,
  RESOURCE_TYPES,
  type ExportLevel,
  type ResourceType,
} from '@flatfhir/protocol'
import type { OutputFile } from '../job-store.ts'
import type { ExportQuery } from '../resource-store.ts'
import { mayUseGroup, type Rights } from './rights.ts'

/** What {@link decideExport} decides. */
export type ExportDecision =
  | {
      readonly allowed: true
      /** What the export may hold, fixed for its whole life; `undefined` means every type. */
      readonly types: readonly ResourceType[] | undefined
    }
  | {
      readonly allowed: false
      /** What a scope is missing for; empty where not a single type may be exported. */
      readonly missing: readonly ResourceType[]
    }

/** To be read for finding out whose data it is, whatever else is exported. */
const LEVEL_NEEDS: Readonly<Record<ExportLevel, readonly ResourceType[]>> = {
  system: [],
  patient: ['Patient'],
  group: ['Group', 'Patient'],
}

/**
 * Decides which types an export may hold: every one that the request names, or it is refused; and
 * where it names none, every one that the token allows.
 *
 * @param requested - `_type`; `undefined` where the request does not say.
 */
export function decideExport(
  rights: Rights,
  level: ExportLevel,
  requested: readonly ResourceType[] | undefined,
): ExportDecision {
  const missing = missingTypes(rights, level, requested ?? [])
  if (missing.length > 0) return { allowed: false, missing }
  if (requested !== undefined) return { allowed: true, types: requested }
  const granted = RESOURCE_TYPES.filter((type) => rights.mayExport(type))
  if (granted.length === 0) return { allowed: false, missing: [] }
  const types = granted.length === RESOURCE_TYPES.length ? undefined : granted
  return { allowed: true, types }
}

/**
 * Whether a token may ask about a job, and delete it: when it could have kicked off just this job.
 * The manifest says how much there is of each type, so each has to be readable.
 */
export function mayAskAbout(rights: Rights, query: ExportQuery): boolean {
  const missing = missingTypes(rights, query.level, query.types ?? RESOURCE_TYPES)
  return missing.length === 0 && mayUseGroupOf(rights, query)
}

/**
 * Whether a token may have one of a job's files. Output needs the file's own type; `deleted`
 * Bundles mix all types of the job, so every one is needed; OperationOutcomes hold no data, so any
 * one is enough.
 */
export function mayDownload(
  rights: Rights,
  query: ExportQuery,
  { kind, type }: Pick<OutputFile, 'kind' | 'type'>,
): boolean {
  if (!mayUseGroupOf(rights, query)) return false
  const types = query.types ?? RESOURCE_TYPES
  switch (kind) {
    case 'output':
      return isResourceType(type) && rights.mayExport(type)
    case 'deleted':
      return types.every((each) => rights.mayExport(each))
    case 'outcome':
      return types.some((each) => rights.mayExport(each))
  }
}

function mayUseGroupOf(rights: Rights, { groupId }: ExportQuery): boolean {
  return groupId === undefined || mayUseGroup(rights, groupId)
}

function missingTypes(
  rights: Rights,
  level: ExportLevel,
  types: readonly ResourceType[],
): readonly ResourceType[] {
  const unreadable = LEVEL_NEEDS[level].filter((type) => !rights.mayDo('r', type))
  return [...new Set([...unreadable, ...types.filter((type) => !rights.mayExport(type))])]
}
