import type { Database } from '../database.ts'
import {
  PATIENT_COMPARTMENT,
  RESOURCE_TYPES,
  SUPPORTING_TYPES,
  type OutputFileKind,
  type ResourceType,
} from '@flatfhir/protocol'
import type { ExportQuery, Partition, PlanLimits, Snapshot } from '@flatfhir/server'
import {
  SEQUENCE_SPAN,
  sequenceOf,
  typeCode,
  typeOfCode,
  versionKey,
} from '../resource-store/keys.ts'
import { SEGMENT_KEYS } from '../resource-store/schema.ts'
import { ExportScope, isAboutSome } from './export-scope.ts'
import { countPatients, patientSlices } from './patient-blocks.ts'
import type { Selector } from './selector.ts'

/** Bytes of one stretch of a type's keys. */
interface Segment {
  /** The last key that it can hold. */
  readonly lastKey: number
  readonly bytes: number
}

/** What there is of one type up to an export's snapshot. */
interface TypeSegments {
  readonly type: ResourceType
  /** Those that reach into the window. */
  readonly segments: readonly Segment[]
  /** Bytes of `segments`. */
  readonly windowBytes: number
  /** Bytes of all segments, those before the window included. */
  readonly totalBytes: number
}

interface PlanInput {
  readonly scope: ExportScope
  readonly limits: PlanLimits
}

/** Where the plan's temporary tables are, among the connection's. */
const PLAN_SCOPE = 0

/** Cuts an export into partitions by the bytes of what is stored, without reading a version. */
export function planPartitions(
  database: Database,
  { query, snapshot, limits }: { query: ExportQuery; snapshot: Snapshot; limits: PlanLimits },
): readonly Partition[] {
  using scope = new ExportScope(database, { query, snapshot, number: PLAN_SCOPE, isKept: true })
  // A cohort of nobody exports nothing, whatever else was asked for; but what was deleted of those
  // who were in it is told, as it is of everybody who left.
  if (isAboutSome(query) && scope.rosterSize() === 0) {
    return scope.hadMembers() ? planDeleted(query) : []
  }
  const stored = storedTypes(database, scope).filter(({ type }) => isAskedFor(type, query))
  const input = { scope, limits, query }
  const planned =
    query.organizedBy === 'Patient'
      ? planPatients(database, stored, input)
      : stored.flatMap((type) => planType(database, type, input))
  return [...planned, ...planDeleted(query), ...planUnresolved(query, scope)]
}

/** Whether a type belongs to the export's level, and was asked for. */
function isAskedFor(type: ResourceType, query: ExportQuery): boolean {
  if (query.types !== undefined && !query.types.includes(type)) return false
  if (query.level === 'system') return true
  // A roster names people outside the cohort.
  if (type === 'Group') return !isAboutSome(query)
  return PATIENT_COMPARTMENT[type] !== undefined || SUPPORTING_TYPES.has(type)
}

/** Everything of some patients after another; what belongs to no patient is left out. */
function planPatients(
  database: Database,
  stored: readonly TypeSegments[],
  { scope, limits }: PlanInput,
): readonly Partition[] {
  const { patients, joined } = countPatients(database, scope)
  if (patients === 0 || stored.length === 0) return []
  const all = Math.max(patients, patientCount(database))
  const expected = stored.reduce(
    (sum, { windowBytes, totalBytes }) =>
      sum + (windowBytes * patients + (totalBytes - windowBytes) * joined) / all,
    0,
  )
  const slices = Math.min(patients, Math.ceil(expected / limits.maxPartitionBytes) || 1)
  const types = stored.map(({ type }) => type)
  return patientSlices(database, scope, slices).map((slice) =>
    partition('Patient', expected / slices, { kind: 'patients', ...slice, types }),
  )
}

function planType(
  database: Database,
  stored: TypeSegments,
  { query, scope, limits }: PlanInput & { query: ExportQuery },
): readonly Partition[] {
  if (stored.type === 'Provenance' && query.provenance !== undefined) {
    return planProvenance(stored, query)
  }
  const isSupport = query.level !== 'system' && SUPPORTING_TYPES.has(stored.type)
  if (isSupport && !scope.hasSupport()) return []
  if (isSupport) return [partition(stored.type, stored.windowBytes, { kind: 'support' })]
  if (isAboutSome(query)) return planCohort(database, stored, { scope, limits })
  const ranges = planRanges(stored, { scope, limits })
  return query.level === 'patient' && stored.type !== 'Group'
    ? [...ranges, ...planAppeared(database, stored, { scope, limits })]
    : ranges
}

function planRanges({ type, segments }: TypeSegments, input: PlanInput): readonly Partition[] {
  const { after, upTo } = input.scope.window
  const code = typeCode(type)
  const end = versionKey(code, upTo)
  const partitions: Partition[] = []
  let start = versionKey(code, after)
  let bytes = 0
  segments.forEach((segment, index) => {
    bytes += segment.bytes
    const isLast = index === segments.length - 1
    if (!isLast && bytes < input.limits.maxPartitionBytes) return
    const last = isLast ? end : segment.lastKey
    partitions.push(partition(type, bytes, { kind: 'range', after: start, upTo: last }))
    start = last
    bytes = 0
  })
  return partitions
}

/**
 * A cohort's share of a type is taken to be its share of the patients; members who joined after
 * `_since` count with all that there is of them.
 */
function planCohort(
  database: Database,
  { type, windowBytes, totalBytes }: TypeSegments,
  { scope, limits }: PlanInput,
): readonly Partition[] {
  const { members, joined } = scope.cohortSize()
  if (members === 0) return []
  const patients = Math.max(members, patientCount(database))
  const olderBytes = totalBytes - windowBytes
  const expected = (windowBytes * members + olderBytes * joined) / patients
  const slices = Math.min(members, Math.ceil(expected / limits.maxPartitionBytes) || 1)
  return scope
    .cohortSlices(slices)
    .map((slice) => partition(type, expected / slices, { kind: 'cohort', ...slice }))
}

/** What patients who are there only since `_since` bring with them. */
function planAppeared(
  database: Database,
  { type, windowBytes, totalBytes }: TypeSegments,
  { scope, limits }: PlanInput,
): readonly Partition[] {
  const { joined } = scope.cohortSize()
  if (joined === 0) return []
  const patients = Math.max(joined, patientCount(database))
  const expected = ((totalBytes - windowBytes) * joined) / patients
  const slices = Math.min(joined, Math.ceil(expected / limits.maxPartitionBytes) || 1)
  return scope
    .cohortSlices(slices)
    .map((slice) => partition(type, expected / slices, { kind: 'appeared', ...slice }))
}

/** With `includeAssociatedData`: what is about the export's other resources. */
function planProvenance({ totalBytes }: TypeSegments, query: ExportQuery): readonly Partition[] {
  const { provenance: which = 'relevant' } = query
  const types = RESOURCE_TYPES.filter((type) => type !== 'Provenance' && isAskedFor(type, query))
  return [partition('Provenance', totalBytes, { kind: 'provenance', which, types })]
}

function planDeleted(query: ExportQuery): readonly Partition[] {
  if (query.sinceMs === undefined) return []
  const types = query.types ?? RESOURCE_TYPES
  const selector: Selector = { kind: 'deleted', types }
  return [makePartition('deleted', 'Bundle', { bytes: 0, selector })]
}

function planUnresolved(query: ExportQuery, scope: ExportScope): readonly Partition[] {
  if (query.level !== 'group' || scope.unresolvedMembers().length === 0) return []
  const selector: Selector = { kind: 'unresolved-members' }
  return [makePartition('outcome', 'OperationOutcome', { bytes: 0, selector })]
}

/** Types that had been written by the snapshot, with the segments that hold them. */
function storedTypes(database: Database, { window }: ExportScope): readonly TypeSegments[] {
  const types = new Map<
    ResourceType,
    { segments: Segment[]; windowBytes: number; totalBytes: number }
  >()
  for (const { segment, bytes } of allSegments(database)) {
    const firstKey = segment * SEGMENT_KEYS
    const lastKey = firstKey + SEGMENT_KEYS - 1
    if (sequenceOf(firstKey) > window.upTo) continue
    const type = typeOfCode(Math.floor(firstKey / SEQUENCE_SPAN))
    const stored = types.get(type) ?? { segments: [], windowBytes: 0, totalBytes: 0 }
    types.set(type, stored)
    stored.totalBytes += bytes
    if (sequenceOf(lastKey) <= window.after) continue
    stored.segments.push({ lastKey, bytes })
    stored.windowBytes += bytes
  }
  return [...types].map(([type, stored]) => ({ type, ...stored }))
}

function allSegments(database: Database): readonly { segment: number; bytes: number }[] {
  return database.prepare('SELECT segment, bytes FROM segment ORDER BY segment').all() as {
    segment: number
    bytes: number
  }[]
}

function patientCount(database: Database): number {
  const row = database
    .prepare('SELECT count(*) AS n FROM node WHERE type = ?')
    .get(typeCode('Patient')) as { n: number }
  return row.n
}

function partition(type: ResourceType, bytes: number, selector: Selector): Partition {
  return makePartition('output', type, { bytes, selector })
}

function makePartition(
  kind: OutputFileKind,
  type: string,
  { bytes, selector }: { bytes: number; selector: Selector },
): Partition {
  return { kind, type, estimatedBytes: Math.ceil(bytes), selector: JSON.stringify(selector) }
}
