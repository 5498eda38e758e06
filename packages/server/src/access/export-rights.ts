import {
  isResourceType,
  RESOURCE_TYPES,
  type ExportLevel,
  type ResourceType,
} from '@flatfhir/protocol'
import type { OutputFile } from '../job-store.ts'
import type { ExportQuery, SearchRestriction } from '../resource-store.ts'
import { mayUseGroup, type Rights } from './rights.ts'

/** What an export may hold, fixed for its whole life. */
export interface AllowedExport {
  readonly allowed: true
  /** `undefined` means every type. */
  readonly types: readonly ResourceType[] | undefined
  /** What constrained scopes leave out. */
  readonly restrictions: readonly SearchRestriction[]
}

/** What {@link decideExport} decides. */
export type ExportDecision =
  | AllowedExport
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
  const granted = requested ?? RESOURCE_TYPES.filter((type) => rights.mayExport(type))
  if (granted.length === 0) return { allowed: false, missing: [] }
  const isAll = requested === undefined && granted.length === RESOURCE_TYPES.length
  const restrictions = granted.flatMap((type): readonly SearchRestriction[] => {
    const anyOf = rights.exportConstraints(type)
    return anyOf === undefined ? [] : [{ type, anyOf, origin: 'scope' }]
  })
  return { allowed: true, types: isAll ? undefined : granted, restrictions }
}

/**
 * Whether a token may ask about a job, and delete it: when it could have kicked off just this job.
 * The manifest says how much there is of each type, so each has to be readable.
 */
export function mayAskAbout(rights: Rights, query: ExportQuery): boolean {
  const types = query.types ?? RESOURCE_TYPES
  const missing = missingTypes(rights, query.level, types)
  const seesAll = types.every((type) => maySeeAll(rights, query, type))
  return missing.length === 0 && seesAll && mayUseGroupOf(rights, query)
}

/**
 * Whether a token may have one of a job's files. Output needs the file's own type, or all types
 * where it is organised by patients; `deleted` Bundles mix all types of the job, so every one is
 * needed; OperationOutcomes hold no data, so any one is enough.
 */
export function mayDownload(
  rights: Rights,
  query: ExportQuery,
  { kind, type }: Pick<OutputFile, 'kind' | 'type'>,
): boolean {
  if (!mayUseGroupOf(rights, query)) return false
  const types = query.types ?? RESOURCE_TYPES
  const maySee = (each: ResourceType): boolean =>
    rights.mayExport(each) && maySeeAll(rights, query, each)
  switch (kind) {
    case 'output':
      if (query.organizedBy !== undefined) return types.every(maySee)
      return isResourceType(type) && maySee(type)
    case 'deleted':
      return types.every(maySee)
    case 'outcome':
      return types.some((each) => rights.mayExport(each))
  }
}

/** Whether a token allows everything of a type that a job was allowed when it was kicked off. */
function maySeeAll(
  rights: Rights,
  { restrictions = [] }: ExportQuery,
  type: ResourceType,
): boolean {
  const allowed = rights.exportConstraints(type)
  if (allowed === undefined) return true
  const ofJob = restrictions.find((one) => one.type === type && one.origin === 'scope')
  return ofJob?.anyOf.every((query) => allowed.includes(query)) ?? false
}

function mayUseGroupOf(rights: Rights, { groupId }: ExportQuery): boolean {
  return groupId === undefined || mayUseGroup(rights, groupId)
}

function missingTypes(
  rights: Rights,
  level: ExportLevel,
  types: readonly ResourceType[],
): readonly ResourceType[] {
  const unreadable = LEVEL_NEEDS[level].filter(
    (type) => !rights.mayDo('r', type) && rights.exportConstraints(type) === undefined,
  )
  return [...new Set([...unreadable, ...types.filter((type) => !rights.mayExport(type))])]
}
