/** Whose data: a cohort of a source. */
export interface CohortKey {
  /** The source's FHIR base URL, without a slash at the end. */
  readonly source: string
  /** `system`, `patient`, or `group/` and the id of the Group. */
  readonly cohort: string
}

/** Up to when one type of a cohort has been landed. */
export interface Watermark {
  /** Resource type, or `*` where the export named no types. */
  readonly type: string
  /** The `_typeFilter` of this type, several joined by a space; empty without one. */
  readonly filter: string
  /** The source's `transactionTime`: never an instant of our own clock. */
  readonly transactionTime: Date
  /** The one before, for looking back. */
  readonly previousTransactionTime?: Date | undefined
}

/** What a sink holds of a cohort: read from it, and moved only by its commits. */
export interface SyncState {
  readonly watermarks: readonly Watermark[]
  /** `transactionTime` of the last roster; absent where there is none. */
  readonly rosterAt?: Date
  /** Members of the landed roster. */
  readonly members: number
  /** `transactionTime` of the last run that compared everything. */
  readonly lastFullAt?: Date
  /** Id of the run of the last commit. */
  readonly lastRunId?: string
}
