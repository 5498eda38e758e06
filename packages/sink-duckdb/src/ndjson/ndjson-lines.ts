import type { LandingFile } from '@flatfhir/client'
import { LandingRefusedError } from './errors.ts'
import { checkUnchanged, readFileFacts, type FileFacts } from './file-facts.ts'
import { examineLines } from './examine-lines.ts'
import { sqlPath, sqlText } from './sql-text.ts'

/**
 * Steps of `maximum_object_size`: DuckDB allocates two buffers of twice as much for each thread. Small
 * buffers also make short vectors of long texts, whose parsed form has to fit into memory.
 */
const MIB = 1024 * 1024
/** Thrown inside of DuckDB for a line that is JSON and not an object. */
const NOT_AN_OBJECT = 'flatfhir: a line is not a JSON object'
/** Control characters cannot occur in JSON but as white space, so these separate and quote nothing. */
const NO_DELIMITER = '\u0001'
const NO_VALUE = '\u0002'
/** What DuckDB says of lines that it does not take. */
const ABOUT_LINES = [NOT_AN_OBJECT, 'Malformed JSON', 'CSV Error', 'maximum_object_size']

/** A statement over lines: see {@link withNdjsonLines}. */
export type RunOverLines<T> = (lines: string, areParsable: boolean) => Promise<T>

/**
 * Runs a query over the lines of some NDJSON files.
 *
 * `run` gets a table expression for FROM with one column, `raw` (VARCHAR): the lines, byte for byte,
 * without white space around them; blank lines are left out. With `preserve_insertion_order` rows come
 * in the order of the files and of their lines. Lines are checked as they are read: each is a JSON
 * object, so that JSON functions do not fail on them.
 *
 * Memory follows the longest line, at some four times its length for each thread, and not the files.
 * A plain file of more than 2 MiB is read by several threads, gzip by one; several files side by side.
 *
 * `areParsable` says that DuckDB's parser takes every line, so that none has to be tried first. Where the
 * statement fails for what is in a line, such as escapes of half a surrogate pair, `run` is called once
 * more, with another expression and without that promise; so it should be one statement, outside of a
 * transaction.
 *
 * @throws {@link LandingFileMissingError}, {@link LandingFileChangedError}, {@link LandingFileDamagedError}
 *   when a file is not what it was, before or after the query.
 * @throws {@link LandingLineInvalidError} naming file and line, and quoting nothing.
 *
 * @example
 * ```ts
 * await withNdjsonLines(files, (lines) => connection.run(`INSERT INTO staged SELECT raw FROM ${lines}`))
 * ```
 */
export async function withNdjsonLines<T>(
  files: readonly LandingFile[],
  run: RunOverLines<T>,
): Promise<T> {
  const facts = await inTurn(files, readFileFacts)
  const areParsable = facts.every(({ reader }) => reader === 'json')
  const result = await run(ndjsonLinesSql(facts), areParsable).catch(async (error: unknown) => {
    await inTurn(files, checkUnchanged)
    if (!isAboutLines(error)) throw error
    return runAgain(facts, run)
  })
  await inTurn(files, checkUnchanged)
  return result
}

/** What DuckDB's JSON reader refused may be readable as text; otherwise we find out what it is. */
async function runAgain<T>(facts: readonly FileFacts[], run: RunOverLines<T>): Promise<T> {
  const examined = await inTurn(facts, examineLines)
  try {
    return await run(ndjsonLinesSql(examined), false)
  } catch (error) {
    throw isAboutLines(error) ? new LandingRefusedError() : error
  }
}

async function inTurn<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  for (const item of items) results.push(await act(item))
  return results
}

/** The table expression for files whose facts are known; see {@link withNdjsonLines}. */
export function ndjsonLinesSql(files: readonly FileFacts[]): string {
  const parts = alike(files).map(linesOfAlike)
  if (parts.length === 0) return `(SELECT NULL::VARCHAR AS raw WHERE false)`
  return `(${parts.join(' UNION ALL ')})`
}

function isAboutLines(error: unknown): boolean {
  return error instanceof Error && ABOUT_LINES.some((words) => error.message.includes(words))
}

/** Neighbours that one call of a reader takes, so that the order of the files stays. */
function alike(files: readonly FileFacts[]): readonly (readonly FileFacts[])[] {
  const groups: FileFacts[][] = []
  for (const file of files) {
    const group = groups.at(-1)
    const [first] = group ?? []
    if (group !== undefined && first !== undefined && kindOf(first) === kindOf(file)) {
      group.push(file)
    } else {
      groups.push([file])
    }
  }
  return groups
}

function kindOf(file: FileFacts): string {
  return [file.isGzip, file.reader, lineLimit(file)].join()
}

/** A power of two of MiB above the longest line. */
function lineLimit({ maxLineBytes }: FileFacts): number {
  return MIB * 2 ** Math.ceil(Math.log2((maxLineBytes + 1) / MIB))
}

function linesOfAlike(files: readonly FileFacts[]): string {
  const [first] = files
  if (first === undefined) throw new RangeError('A group of files is never empty')
  const paths = `[${files.map(({ path }) => sqlPath(path)).join(', ')}]`
  const compression = sqlText(first.isGzip ? 'gzip' : 'uncompressed')
  const source = `${paths}, compression = ${compression}, hive_partitioning = false`
  return first.reader === 'text'
    ? textLines(source, lineLimit(first))
    : jsonLines(source, lineLimit(first))
}

function jsonLines(source: string, limit: number): string {
  return `SELECT CASE WHEN starts_with(json, '{') THEN json::VARCHAR ELSE error(${sqlText(NOT_AN_OBJECT)}) END AS raw
    FROM read_ndjson_objects(${source}, maximum_object_size = ${limit})`
}

/** The CSV reader takes any text and skips a byte order mark; so we check by ourselves. */
function textLines(source: string, limit: number): string {
  const line = `trim(line, E' \\t\\r')`
  const mended = `regexp_replace(${line}, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd', 'g')`
  const isObject = `starts_with(${line}, '{') AND (json_valid(${line}) OR json_valid(${mended}))`
  const dialect = `columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, strict_mode = false,
    delim = ${sqlText(NO_DELIMITER)}, quote = '', escape = '', nullstr = ${sqlText(NO_VALUE)}`
  return `SELECT CASE WHEN ${isObject} THEN ${line} ELSE error(${sqlText(NOT_AN_OBJECT)}) END AS raw
    FROM read_csv(${source}, ${dialect}, max_line_size = ${limit})
    WHERE ${line} <> ''`
}
