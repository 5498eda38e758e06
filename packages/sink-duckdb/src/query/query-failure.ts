import { QueryInvalidError, QueryRefusedError } from './errors.ts'

/** Kinds of DuckDB's errors whose messages speak of the query and the schema, never of rows. */
const ABOUT_THE_QUERY = /^(?:Parser|Binder|Catalog) Error: /
const KIND = /^([A-Z][A-Za-z ]*? Error)\b/

/** Whether DuckDB itself says what is wrong. */
export function isDuckDbError(error: unknown): boolean {
  return KIND.test(messageOf(error))
}

/** What DuckDB's error becomes while a query is prepared or runs. */
export function queryFailure(error: unknown): Error {
  const message = messageOf(error)
  if (message.startsWith('Permission Error')) return new QueryRefusedError('external-access')
  if (message.includes('read-only')) return new QueryRefusedError('not-read-only')
  if (ABOUT_THE_QUERY.test(message)) return new QueryInvalidError(message)
  const kind = KIND.exec(message)?.[1]
  if (kind === 'Out of Memory Error') {
    return new QueryInvalidError(
      'The query needs more memory than it may use (Out of Memory Error)',
      'Ask for less at once, or raise the memory limit.',
    )
  }
  // The rest may quote a value of a row, such as the text that is no number.
  return new QueryInvalidError(
    `The query failed while it ran${kind === undefined ? '' : ` (${kind})`}`,
    'Where a value may not convert, use TRY_CAST.',
  )
}

function messageOf(error: unknown): string {
  // The binding puts words of its own before what DuckDB says about SQL that it cannot split.
  return error instanceof Error
    ? error.message.replace(/^Failed to extract statements:\s*/, '')
    : ''
}
