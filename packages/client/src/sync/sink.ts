import type { RunKind, SyncReport } from './sync-report.ts'
import type { CohortKey, SyncState, Watermark } from './sync-state.ts'

/** A file of NDJSON on the local disk, as an export left it: complete and checked. */
export interface LandingFile {
  readonly path: string
  /** Resource type of the lines; `Bundle` for files of deletions. */
  readonly type: string
  /** Size on the disk. A name that ends in `.gz` means gzip. */
  readonly bytes: number
  /** Lines, as far as they were counted. */
  readonly resources?: number | undefined
  /** Lower-case hexadecimal SHA-256 of the NDJSON, as far as it is known. */
  readonly sha256?: string | undefined
}

/**
 * How the resources of some files came about, which decides what their absence means.
 *
 * - `all`: everything that the cohort has of the run's types. What is landed and not among it is gone.
 *   It replaces what is landed, whatever `meta.lastUpdated` says; apart from a later version held by
 *   another cohort of the source whose watermark is after {@link LandingRun.transactionTime}.
 * - `changes`: what changed since {@link LandingRun.since}. Absence means nothing; a landed version
 *   whose `meta.lastUpdated` is later stays.
 * - `history`: everything of some patients who joined the cohort; otherwise as `changes`.
 */
export type LandingPart = 'all' | 'changes' | 'history'

/** What is about to be landed. */
export interface LandingRun {
  readonly id: string
  readonly cohort: CohortKey
  readonly kind: RunKind
  readonly startedAt: Date
  /** Types that were asked for; `undefined` for all. Nothing of other types is ever removed by absence. */
  readonly types: readonly string[] | undefined
  /** `_since` of the run's changes. */
  readonly since?: Date | undefined
  /**
   * The source may send, among the changes, everything of patients who joined the cohort after
   * `since`: then what is old of those whom the landed roster has only since then tells nothing.
   *
   * @defaultValue `false`
   */
  readonly sendsHistory?: boolean | undefined
  /** Of the run's data, where it is known: another cohort may have been landed as of a later one. */
  readonly transactionTime?: Date | undefined
  /**
   * Transaction time up to which the landed data should have been in step before this run. Landed
   * data that differs from an `all` part in what is older than that has drifted.
   */
  readonly inStepUntil?: Date | undefined
}

/** Who joined and who left a cohort, compared with its landed roster. */
export interface RosterChange {
  /** Members in the files. */
  readonly members: number
  /** Members of the landed roster. */
  readonly membersBefore: number
  readonly joiners: number
  readonly leavers: number
  /** Ids of joiners, sorted; at most as many as were asked for. */
  readonly joinerIds: readonly string[]
}

/** What landing does to one type. Counts of different resources. */
export interface LandedType {
  readonly type: string
  /** Rows that the cohort held before. */
  readonly before: number
  /** Different resources in the files. */
  readonly received: number
  /** Lines beyond the first of the same id. */
  readonly duplicates: number
  readonly inserted: number
  /** Rows that get another version. */
  readonly updated: number
  /** Rows that are the version that came, or a later one. */
  readonly unchanged: number
  /** Rows that the cohort loses because the source told of a deletion. */
  readonly deletedTold: number
  /** Rows that the cohort loses because an `all` part does not have them. */
  readonly deletedComputed: number
  /** Rows that the cohort loses because their patients left. */
  readonly left: number
  /** Rows that go from the landed data, because no other cohort holds them. */
  readonly removed: number
  /**
   * Resources of `changes` that are in the compartment of a patient who did not join by this run, nor,
   * where {@link LandingRun.sendsHistory}, after {@link LandingRun.since} by an earlier one, and whose
   * `meta.lastUpdated` is earlier than that: a source that honours `_since` sends none.
   */
  readonly older: number
  /** Resources of `changes` in the compartment of such a patient. */
  readonly comparable: number
  /** Only where an `all` part met landed data. */
  readonly drift?: TypeDrift
}

/** In what the landed data of a type differed from the source, although it should have been in step. */
export interface TypeDrift {
  /** In the source since before {@link LandingRun.inStepUntil}, and not landed. */
  readonly missing: number
  /** Landed in an earlier version than the source had by {@link LandingRun.inStepUntil}. */
  readonly outdated: number
  /** Landed, and no longer in the source; deletions that this run told of are not counted. */
  readonly extra: number
}

/** What {@link Landing.commit} is about to do. */
export interface LandingInspection {
  /** Sorted by type; types of which neither rows nor lines exist are left out. */
  readonly types: readonly LandedType[]
  /** Absent where the cohort has no roster. */
  readonly roster?: Omit<RosterChange, 'joinerIds'>
  /** Patients that `Patient.link` says have been replaced by another, in all of the source's landed data. */
  readonly merged: number
}

/** What becomes true together with the data. */
export interface LandingFacts {
  /** New watermarks; those of other types and filters stay. */
  readonly watermarks: readonly Watermark[]
  /** Stored as it is, for {@link SinkSession.runs}. */
  readonly report: SyncReport
}

/**
 * One landing: files are staged, looked at, and committed all together or not at all.
 *
 * Rules that every sink keeps:
 *
 * - A resource is one row, by source, type and id. Of several lines the newest `meta.lastUpdated` wins,
 *   then the one written last; a line without `meta.lastUpdated` is as new as can be.
 * - Each row knows the cohorts that hold it. Deletions, absence and leaving take one cohort's hold;
 *   a row that nobody holds is removed.
 * - A resource that the run's files hold is never removed by the same run.
 * - When a patient leaves, the cohort lets go of the rows whose compartments hold no patient of its
 *   roster, unless the patient was replaced, by `Patient.link`, by one who is in the roster.
 * - The text of a resource is kept byte for byte.
 *
 * Disposed of without a commit, it has done nothing, and neither has one whose process was killed.
 */
export interface Landing extends AsyncDisposable {
  /** Stages resources. Files may hold lines of several types where `type` says so (`*`). */
  write(files: readonly LandingFile[], part: LandingPart): Promise<void>
  /** Stages deletions: transaction Bundles of DELETE requests, one on each line. */
  delete(files: readonly LandingFile[]): Promise<void>
  /** Stages the roster: the ids of the Patients in the files are the cohort's members, as of `asOf`. */
  setRoster(files: readonly LandingFile[], asOf: Date): Promise<void>
  /** Works out what a commit does. To be called when everything is staged, before `commit`. */
  inspect(): Promise<LandingInspection>
  /** Does it, in one transaction with the watermarks and the report, and flushes it to the disk. */
  commit(facts: LandingFacts): Promise<void>
}

/** A sink that is open. Others may have to wait, so it is kept open for as short as possible. */
export interface SinkSession extends AsyncDisposable {
  /** What is landed of a cohort. */
  readState(cohort: CohortKey): Promise<SyncState>
  /**
   * Compares the Patients in some files with the landed roster, changing nothing.
   *
   * @param options - `maxJoinerIds`: how many ids to hand out.
   */
  compareRoster(
    cohort: CohortKey,
    files: readonly LandingFile[],
    options: { readonly maxJoinerIds: number },
  ): Promise<RosterChange>
  begin(run: LandingRun): Promise<Landing>
  /** Notes a run that committed nothing, so that the history has it. The data stays as it is. */
  recordRun(report: SyncReport): Promise<void>
  /** Reports of the latest runs, newest first. */
  runs(options: {
    readonly limit: number
    readonly source?: string
  }): Promise<readonly SyncReport[]>
  /**
   * Brings what is derived from the data, such as a Parquet dataset, to the state of the last commit.
   * Does nothing where it is; so it heals what a crash after the commit left.
   */
  publish(): Promise<void>
}

/**
 * Where resources land: a database, a dataset.
 *
 * Every implementation passes `sinkContract` of the testkit package.
 */
export interface Sink {
  /** Opens it, waiting for a while for whoever has it open. Made when it is missing. */
  open(): Promise<SinkSession>
}
