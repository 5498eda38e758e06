import { createHash } from 'node:crypto'
import { ExportOptionsInvalidError } from '../errors.ts'
import { planOf } from '../provider/plan.ts'
import { fhirBaseUrl, resolveSettings } from '../settings.ts'
import type { SyncConnection, SyncThresholds } from './sync-options.ts'
import type { CohortKey } from './sync-state.ts'

const HOUR_MS = 3_600_000
const DEFAULT_RECONCILE_MS = 28 * 24 * HOUR_MS

/** One cohort of a connection. */
export interface SyncCohort {
  readonly key: CohortKey
  readonly groupId: string | undefined
}

/** A type and its filter: what a watermark is for. */
export interface WatermarkName {
  readonly type: string
  readonly filter: string
}

/** A connection with every default filled in and every value checked. */
export interface SyncSettings {
  readonly connection: SyncConnection
  readonly cohorts: readonly SyncCohort[]
  /** What the runs of this connection move. */
  readonly watermarks: readonly WatermarkName[]
  readonly overlapMs: number
  /** `undefined`: never. */
  readonly reconcileEveryMs: number | undefined
  readonly thresholds: SyncThresholds
  readonly backfillBatchSize: number
}

/**
 * Fills in defaults and checks what comes from the user.
 *
 * @throws {@link ExportOptionsInvalidError}
 */
export function resolveConnection(connection: SyncConnection): SyncSettings {
  const cohorts = cohortsOf(connection)
  for (const { groupId } of cohorts) checkExport(connection, groupId)
  const { reconcileEveryMs = DEFAULT_RECONCILE_MS } = connection
  return {
    connection,
    cohorts,
    watermarks: watermarkNames(connection),
    overlapMs: atLeast(0, 'overlapMs', connection.overlapMs ?? HOUR_MS),
    reconcileEveryMs:
      reconcileEveryMs === 'never' ? undefined : atLeast(1, 'reconcileEveryMs', reconcileEveryMs),
    thresholds: {
      shrinkShare: share('shrinkShare', connection.thresholds?.shrinkShare ?? 0.2),
      shrinkRows: atLeast(0, 'shrinkRows', connection.thresholds?.shrinkRows ?? 10),
      olderShare: share('olderShare', connection.thresholds?.olderShare ?? 0.2),
    },
    backfillBatchSize: atLeast(1, 'backfillBatchSize', connection.backfillBatchSize ?? 200),
  }
}

/** The source of a base URL, as the landed data names it. */
export function sourceOf(url: string): string {
  return fhirBaseUrl(url).href.replace(/\/$/, '')
}

/**
 * Tells definitions of a connection apart: an unfinished run goes on only under the one that it was
 * planned for.
 */
export function definitionOf(connection: SyncConnection, { key }: SyncCohort): string {
  const { types, typeFilters, includeAssociatedData, vendor, profile, edition } = connection
  const text = JSON.stringify([
    key.source,
    key.cohort,
    types && [...types].sort(),
    typeFilters && [...typeFilters].sort(),
    includeAssociatedData && [...includeAssociatedData].sort(),
    vendor?.map(({ name, value }) => [name, value]),
    typeof profile === 'object' ? profile.id : profile,
    edition,
    [connection.lenient, connection.separateExportStatus, connection.backfillBatchSize],
  ])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function cohortsOf({ url, level, groupIds }: SyncConnection): readonly SyncCohort[] {
  const source = sourceOf(url)
  if (level !== 'group') {
    if (groupIds !== undefined && groupIds.length > 0) {
      throw new ExportOptionsInvalidError(`Group ids do not go with the level ${level}`)
    }
    return [{ key: { source, cohort: level }, groupId: undefined }]
  }
  if (groupIds === undefined || groupIds.length === 0) {
    throw new ExportOptionsInvalidError('The level group needs the id of a Group', {
      nextStep: 'Give the ids that the provider has for the Groups, without "Group/".',
    })
  }
  return [...new Set(groupIds)].map((groupId) => ({
    key: { source, cohort: `group/${groupId}` },
    groupId,
  }))
}

/** The checks that the exports would make later, so that nothing is begun that cannot be done. */
function checkExport(connection: SyncConnection, groupId: string | undefined): void {
  const { url, level, types, typeFilters, includeAssociatedData, vendor } = connection
  const parameters = { types, typeFilters, includeAssociatedData, vendor }
  const { profile, edition } = connection
  const options = { url, level, groupId, profile, edition, parameters, directory: '.' }
  planOf(options)
  resolveSettings(options)
}

function watermarkNames({ types, typeFilters = [] }: SyncConnection): readonly WatermarkName[] {
  if (types === undefined) return [{ type: '*', filter: [...typeFilters].sort().join(' ') }]
  return [...new Set(types)].sort().map((type) => {
    const own = typeFilters.filter((filter) => filter.startsWith(`${type}?`))
    return { type, filter: own.sort().join(' ') }
  })
}

function atLeast(least: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new ExportOptionsInvalidError(`${name} must be a whole number, ${least} or more`)
}

function share(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new ExportOptionsInvalidError(`${name} must be a number from 0 to 1`)
}
