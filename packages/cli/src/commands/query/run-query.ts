import { formatQuery, queryDatabase, type QueryCell, type QueryResult } from '@flatfhir/sink-duckdb'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { formatQuantity } from '../../output/format-number.ts'
import { outputWidth } from '../../output/output-width.ts'
import { TableWriter } from '../../output/table-writer.ts'
import { writeThrough } from '../../output/write-through.ts'
import type { CommandContext } from '../command.ts'
import type { QueryOptions } from './command.ts'

/** Text is written in pieces of about so many characters. */
const PIECE_LENGTH = 64 * 1024
const ROWS_AT_ONCE = 256

/** Runs `flatfhir query`. @returns the exit code. */
export async function runQuery(options: QueryOptions, context: CommandContext): Promise<number> {
  const { database, csv } = options
  const { json } = context.options
  if (csv && json) throw new UsageError('--csv and --json exclude each other')
  const { signal } = context.io
  const sql = options.sql === '-' ? await readSql(context) : options.sql
  await using result = await queryDatabase(database, sql, { signal })
  if (csv || json) await writePieces(formatQuery(result, csv ? 'csv' : 'json'), context)
  else await writeTable(result, context)
  return EXIT_COMPLETE
}

async function readSql({ io }: CommandContext): Promise<string> {
  const decoder = new TextDecoder()
  let sql = ''
  for await (const piece of io.stdin) {
    io.signal.throwIfAborted()
    sql += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
  }
  if (sql.trim() !== '') return sql
  throw new UsageError('There is no query on stdin', 'Pipe it in, or give it as an argument.')
}

/** Gathers small pieces, since each write costs. */
async function writePieces(pieces: AsyncIterable<string>, { io }: CommandContext): Promise<void> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length < PIECE_LENGTH) continue
    await writeThrough(io.stdout, text, io.signal)
    text = ''
  }
  await writeThrough(io.stdout, text, io.signal)
}

async function writeTable(result: QueryResult, context: CommandContext): Promise<void> {
  const { io, style, progress } = context
  const width = io.stdout.isTTY === true ? outputWidth(io.stdout, 80) : undefined
  const table = new TableWriter(result.columns, { width, style })
  let count = 0
  await writePieces(
    (async function* () {
      for await (const rows of inBatches(result.rows)) {
        count += rows.length
        yield table.rows(rows)
      }
      yield table.end()
    })(),
    context,
  )
  progress.note({ text: formatQuantity(count, 'row'), event: 'rows', fields: { count } })
}

async function* inBatches(
  rows: AsyncIterable<readonly QueryCell[]>,
): AsyncGenerator<readonly (readonly QueryCell[])[], void, void> {
  let batch: (readonly QueryCell[])[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < ROWS_AT_ONCE) continue
    yield batch
    batch = []
  }
  yield batch
}
