import type {
  CohortKey,
  LandedType,
  Landing,
  LandingFacts,
  LandingFile,
  LandingInspection,
  LandingPart,
  LandingRun,
  RosterChange,
  Sink,
  SinkSession,
  SyncReport,
  SyncState,
} from '@flatfhir/client'
import { readDeletionBundle } from '@flatfhir/protocol'
import { compartmentPatients, readLandingFile, replacements } from './landing-lines.ts'

/** A landed resource, as {@link MemorySink.rows} shows it. */
export interface MemoryRow {
  readonly source: string
  readonly type: string
  readonly id: string
  /** The line, byte for byte. */
  readonly text: string
  /** `meta.lastUpdated` in milliseconds since 1970; infinite without one. */
  readonly lastUpdatedMs: number
  /** Id of the run that landed this version. */
  readonly run: string
  /** Patients whose compartment it is in, sorted. */
  readonly patients: readonly string[]
  /** Cohorts that hold it, sorted. */
  readonly cohorts: readonly string[]
}

interface CohortContent {
  readonly state: SyncState
  readonly roster: ReadonlySet<string>
  /** Instants of the first rosters that had the members, in milliseconds since 1970. */
  readonly joinedMs: ReadonlyMap<string, number>
}

const NOTHING: CohortContent = {
  ...{ state: { watermarks: [], members: 0 }, roster: new Set(), joinedMs: new Map() },
}

/** What a database is to other sinks: it outlives the {@link MemorySink}s that open it. */
export class MemoryPlace {
  /** By source, type and id. */
  rows: ReadonlyMap<string, MemoryRow> = new Map<string, MemoryRow>()
  cohorts: ReadonlyMap<string, CohortContent> = new Map<string, CohortContent>()
  /** Oldest first. */
  reports: readonly SyncReport[] = []
  /** How often {@link SinkSession.publish} was called. */
  published = 0
  /** Resolves when nobody has it open. */
  free: Promise<void> = Promise.resolve()
}

/**
 * The rules of `Sink` in plain maps: slow, obvious, for small data. What other sinks are compared
 * with.
 */
export class MemorySink implements Sink {
  readonly #place: MemoryPlace

  /** @param place - Where the data is; shared by sinks that are to see the same. */
  constructor(place: MemoryPlace = new MemoryPlace()) {
    this.#place = place
  }

  async open(): Promise<SinkSession> {
    const before = this.#place.free
    let release = (): void => undefined
    this.#place.free = new Promise((resolve) => {
      release = resolve
    })
    await before
    return new MemorySession(this.#place, release)
  }

  /** Everything that is landed, sorted by source, type and id. */
  rows(): readonly MemoryRow[] {
    return [...this.#place.rows.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => row)
  }

  /** Ids of a cohort's landed roster, sorted. */
  roster(cohort: CohortKey): readonly string[] {
    return [...contentOf(this.#place, cohort).roster].sort()
  }
}

class MemorySession implements SinkSession {
  readonly #place: MemoryPlace
  readonly #release: () => void

  constructor(place: MemoryPlace, release: () => void) {
    this.#place = place
    this.#release = release
  }

  async readState(cohort: CohortKey): Promise<SyncState> {
    return contentOf(this.#place, cohort).state
  }

  async compareRoster(
    cohort: CohortKey,
    files: readonly LandingFile[],
    { maxJoinerIds }: { readonly maxJoinerIds: number },
  ): Promise<RosterChange> {
    const { roster } = contentOf(this.#place, cohort)
    const change = rosterChange(roster, await patientIds(files))
    return { ...change, joinerIds: change.joinerIds.slice(0, maxJoinerIds) }
  }

  async begin(run: LandingRun): Promise<Landing> {
    return new MemoryLanding(this.#place, run)
  }

  async recordRun(report: SyncReport): Promise<void> {
    record(this.#place, report)
  }

  async runs(options: {
    readonly limit: number
    readonly source?: string
  }): Promise<readonly SyncReport[]> {
    return this.#place.reports
      .filter(({ source }) => options.source === undefined || source === options.source)
      .toReversed()
      .slice(0, options.limit)
  }

  async publish(): Promise<void> {
    this.#place.published += 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release()
  }
}

interface Staged {
  readonly row: MemoryRow
  readonly part: LandingPart
  /** Lines of the same resource. */
  readonly lines: number
}

interface Outcome {
  readonly inspection: LandingInspection
  readonly rows: ReadonlyMap<string, MemoryRow>
}

class MemoryLanding implements Landing {
  readonly #place: MemoryPlace
  readonly #run: LandingRun
  readonly #staged = new Map<string, Staged>()
  readonly #changes = new Set<string>()
  readonly #deletions = new Set<string>()
  #hasAll = false
  #roster: { readonly ids: ReadonlySet<string>; readonly asOf: Date } | undefined

  constructor(place: MemoryPlace, run: LandingRun) {
    this.#place = place
    this.#run = run
  }

  async write(files: readonly LandingFile[], part: LandingPart): Promise<void> {
    if (part === 'all') this.#hasAll = true
    for (const file of files) {
      for await (const { resource, text } of readLandingFile(file)) {
        const row = this.#rowOf(resource, text)
        const key = keyOf(row)
        if (part === 'changes') this.#changes.add(key)
        const known = this.#staged.get(key)
        const wins = known === undefined || row.lastUpdatedMs >= known.row.lastUpdatedMs
        const winner = wins ? { row, part } : known
        this.#staged.set(key, { ...winner, lines: (known?.lines ?? 0) + 1 })
      }
    }
  }

  async delete(files: readonly LandingFile[]): Promise<void> {
    for (const file of files) {
      for await (const { resource } of readLandingFile(file)) {
        for (const { type, id } of readDeletionBundle(resource)) {
          this.#deletions.add(keyOf({ source: this.#run.cohort.source, type, id }))
        }
      }
    }
  }

  async setRoster(files: readonly LandingFile[], asOf: Date): Promise<void> {
    this.#roster = { ids: await patientIds(files), asOf }
  }

  async inspect(): Promise<LandingInspection> {
    return this.#work().inspection
  }

  async commit({ watermarks, report }: LandingFacts): Promise<void> {
    const { rows } = this.#work()
    const { cohort, id, kind } = this.#run
    const before = contentOf(this.#place, cohort)
    const replaced = new Set(watermarks.map(({ type, filter }) => `${type} ${filter}`))
    const kept = before.state.watermarks.filter(
      (mark) => !replaced.has(`${mark.type} ${mark.filter}`),
    )
    const fullAt =
      kind === 'full' && report.transactionTime !== undefined
        ? new Date(report.transactionTime)
        : before.state.lastFullAt
    const rosterAt = this.#roster?.asOf ?? before.state.rosterAt
    const roster = this.#roster?.ids ?? before.roster
    const state: SyncState = {
      watermarks: [...kept, ...watermarks],
      members: roster.size,
      lastRunId: id,
      ...(rosterAt !== undefined && { rosterAt }),
      ...(fullAt !== undefined && { lastFullAt: fullAt }),
    }
    this.#place.rows = rows
    const content = { state, roster, joinedMs: this.#joinedMs(before) }
    this.#place.cohorts = new Map(this.#place.cohorts).set(nameOf(cohort), content)
    record(this.#place, report)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#staged.clear()
  }

  #rowOf(resource: Readonly<Record<string, unknown>>, text: string): MemoryRow {
    const meta = resource['meta'] as { readonly lastUpdated?: string } | undefined
    const lastUpdatedMs = Date.parse(meta?.lastUpdated ?? '')
    return {
      source: this.#run.cohort.source,
      type: String(resource['resourceType']),
      id: String(resource['id']),
      text,
      lastUpdatedMs: Number.isNaN(lastUpdatedMs) ? Infinity : lastUpdatedMs,
      run: this.#run.id,
      patients: compartmentPatients(resource),
      cohorts: [this.#run.cohort.cohort],
    }
  }

  /** What the data will be, and how it differs from what it is. */
  #work(): Outcome {
    const { source, cohort } = this.#run.cohort
    const rows = new Map(this.#place.rows)
    const counts = new TypeCounts()
    for (const row of rows.values()) {
      if (row.source === source && row.cohorts.includes(cohort)) counts.add(row.type, 'before')
    }
    this.#land(rows, counts)
    const merges = replacements([...rows.values()].filter((row) => row.source === source))
    const change = this.#rosterChange()
    this.#letGo(rows, { counts, merges, leavers: change?.leaverIds ?? new Set() })
    this.#countOlder(counts, change?.joinerIds ?? [])
    const roster = change && {
      members: change.members,
      membersBefore: change.membersBefore,
      joiners: change.joiners,
      leavers: change.leavers,
    }
    const types = counts.types(this.#hasAll && this.#run.inStepUntil !== undefined)
    return { rows, inspection: { types, ...(roster && { roster }), merged: merges.size } }
  }

  #land(rows: Map<string, MemoryRow>, counts: TypeCounts): void {
    const { inStepUntil, cohort } = this.#run
    const joiners = new Set(this.#rosterChange()?.joinerIds)
    for (const [key, { row, part, lines }] of this.#staged) {
      const landed = rows.get(key)
      counts.add(row.type, 'received')
      counts.add(row.type, 'duplicates', lines - 1)
      const isHeld = landed?.cohorts.includes(cohort.cohort) === true
      const isOld = inStepUntil !== undefined && row.lastUpdatedMs <= inStepUntil.getTime()
      const isJoiners = row.patients.length > 0 && row.patients.every((id) => joiners.has(id))
      if (isOld && !isHeld && !isJoiners) counts.add(row.type, 'missing')
      if (isOld && isHeld && landed.lastUpdatedMs < row.lastUpdatedMs) {
        counts.add(row.type, 'outdated')
      }
      if (landed === undefined) {
        counts.add(row.type, 'inserted')
        rows.set(key, row)
        continue
      }
      const isWeak = part !== 'all' || landed.cohorts.some((each) => this.#isAhead(each))
      const stays = landed.text === row.text || (isWeak && landed.lastUpdatedMs > row.lastUpdatedMs)
      counts.add(row.type, stays ? 'unchanged' : 'updated')
      const cohorts = [...new Set([...landed.cohorts, cohort.cohort])].sort()
      rows.set(key, { ...(stays ? landed : row), cohorts })
    }
  }

  #letGo(
    rows: Map<string, MemoryRow>,
    parts: {
      readonly counts: TypeCounts
      readonly merges: ReadonlyMap<string, ReadonlySet<string>>
      readonly leavers: ReadonlySet<string>
    },
  ): void {
    const { source, cohort } = this.#run.cohort
    for (const [key, row] of rows) {
      if (row.source !== source || !row.cohorts.includes(cohort) || this.#staged.has(key)) continue
      const why = this.#whyGone(key, row, parts)
      if (why === undefined) continue
      parts.counts.add(row.type, why)
      const cohorts = row.cohorts.filter((each) => each !== cohort)
      if (cohorts.length > 0) {
        rows.set(key, { ...row, cohorts })
      } else {
        parts.counts.add(row.type, 'removed')
        rows.delete(key)
      }
    }
  }

  #whyGone(
    key: string,
    row: MemoryRow,
    {
      merges,
      leavers,
    }: {
      readonly merges: ReadonlyMap<string, ReadonlySet<string>>
      readonly leavers: ReadonlySet<string>
    },
  ): 'deletedTold' | 'left' | 'deletedComputed' | undefined {
    if (this.#deletions.has(key)) return 'deletedTold'
    const persons = row.patients.flatMap((id) => [...personOf(id, merges)])
    const isMembers = persons.some((id) => this.#roster?.ids.has(id) === true)
    if (persons.some((id) => leavers.has(id)) && !isMembers) return 'left'
    const { types } = this.#run
    return this.#hasAll && types?.includes(row.type) !== false ? 'deletedComputed' : undefined
  }

  #joinedMs({ roster, joinedMs }: CohortContent): ReadonlyMap<string, number> {
    if (this.#roster === undefined) return joinedMs
    const nowMs = this.#roster.asOf.getTime()
    return new Map(
      [...this.#roster.ids].map((id) => {
        return [id, (roster.has(id) ? joinedMs.get(id) : undefined) ?? nowMs] as const
      }),
    )
  }

  /** Whether another cohort is landed as of a later time than this run. */
  #isAhead(cohort: string): boolean {
    const { cohort: own, transactionTime } = this.#run
    if (cohort === own.cohort || transactionTime === undefined) return false
    const { state } = contentOf(this.#place, { source: own.source, cohort })
    return state.watermarks.some((mark) => mark.transactionTime > transactionTime)
  }

  #countOlder(counts: TypeCounts, joinerIds: readonly string[]): void {
    const sinceMs = this.#run.since?.getTime() ?? -Infinity
    const { joinedMs } = contentOf(this.#place, this.#run.cohort)
    const newcomers =
      this.#run.sendsHistory === true ? [...joinedMs].filter(([, atMs]) => atMs > sinceMs) : []
    const joiners = new Set([...joinerIds, ...newcomers.map(([id]) => id)])
    for (const key of this.#changes) {
      const row = this.#staged.get(key)?.row
      if (row?.patients.some((id) => !joiners.has(id)) !== true) continue
      counts.add(row.type, 'comparable')
      if (row.lastUpdatedMs < sinceMs) counts.add(row.type, 'older')
    }
  }

  #rosterChange(): ReturnType<typeof rosterChange> | undefined {
    const { roster } = contentOf(this.#place, this.#run.cohort)
    return this.#roster && rosterChange(roster, this.#roster.ids)
  }
}

type Figure = Exclude<keyof LandedType, 'type' | 'drift'> | 'missing' | 'outdated'

const FIGURES: readonly Figure[] = [
  ...(['before', 'received', 'duplicates', 'inserted', 'updated', 'unchanged'] as const),
  ...(['deletedTold', 'deletedComputed', 'left', 'removed', 'older', 'comparable'] as const),
  ...(['missing', 'outdated'] as const),
]

class TypeCounts {
  readonly #counts = new Map<string, Record<Figure, number>>()

  add(type: string, figure: Figure, count = 1): void {
    const zero = (): Record<Figure, number> =>
      Object.fromEntries(FIGURES.map((name) => [name, 0])) as Record<Figure, number>
    const figures = this.#counts.get(type) ?? zero()
    figures[figure] += count
    this.#counts.set(type, figures)
  }

  types(withDrift: boolean): readonly LandedType[] {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, { missing, outdated, ...figures }]) => {
        const drift = { missing, outdated, extra: figures.deletedComputed }
        return { type, ...figures, ...(withDrift && figures.before > 0 && { drift }) }
      })
  }
}

/** The patient, and those that replaced it, however many steps away. */
function personOf(
  id: string,
  merges: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const person = new Set([id])
  for (const each of person) for (const other of merges.get(each) ?? []) person.add(other)
  return person
}

function rosterChange(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): RosterChange & { readonly leaverIds: ReadonlySet<string> } {
  const joinerIds = [...after].filter((id) => !before.has(id)).sort()
  const leaverIds = new Set([...before].filter((id) => !after.has(id)))
  return {
    members: after.size,
    membersBefore: before.size,
    joiners: joinerIds.length,
    leavers: leaverIds.size,
    joinerIds,
    leaverIds,
  }
}

async function patientIds(files: readonly LandingFile[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const file of files) {
    for await (const { resource } of readLandingFile(file)) {
      if (resource['resourceType'] === 'Patient') ids.add(String(resource['id']))
    }
  }
  return ids
}

function record(place: MemoryPlace, report: SyncReport): void {
  place.reports = [...place.reports.filter(({ runId }) => runId !== report.runId), report]
}

function contentOf(place: MemoryPlace, cohort: CohortKey): CohortContent {
  return place.cohorts.get(nameOf(cohort)) ?? NOTHING
}

function nameOf({ source, cohort }: CohortKey): string {
  return `${source} ${cohort}`
}

function keyOf(row: Pick<MemoryRow, 'source' | 'type' | 'id'>): string {
  return `${row.source} ${row.type}/${row.id}`
}
