import { BulkDataError } from '@flatfhir/protocol'

/** A query cannot be understood or failed while it ran. */
export class QueryInvalidError extends BulkDataError {
  readonly code = 'QUERY_INVALID'
  readonly retryable = false

  /**
   * @param message - DuckDB's own words where they speak of the query only; never of values of rows.
   */
  constructor(message: string, nextStep = 'Correct the SQL and run it again.') {
    super(message, { nextStep })
  }
}

/** Why a query is not run. */
export type QueryRefusal = 'not-read-only' | 'not-one-statement' | 'external-access'

const REFUSALS: Readonly<
  Record<QueryRefusal, { readonly message: string; readonly next: string }>
> = {
  'not-read-only': {
    message: 'Only queries that read are run: SELECT, WITH, VALUES, FROM, DESCRIBE, EXPLAIN',
    next: 'Copy the database and change the copy with DuckDB itself.',
  },
  'not-one-statement': {
    message: 'Exactly one statement is run at a time',
    next: 'Give each statement by a command of its own.',
  },
  'external-access': {
    message: 'Queries reach the data of the database only, no other files and no network',
    next: 'Allow external access, or export the result and go on from there.',
  },
}

/** A query that is understood is not run. */
export class QueryRefusedError extends BulkDataError {
  readonly code = 'QUERY_REFUSED'
  readonly retryable = false
  readonly refusal: QueryRefusal

  constructor(refusal: QueryRefusal) {
    super(REFUSALS[refusal].message, { nextStep: REFUSALS[refusal].next })
    this.refusal = refusal
  }
}
