import { typedSelectSql } from '../columns/typed-select.ts'
import type { LandingContext } from './landing-context.ts'
import { insertHead, mainTable } from './resource-table.ts'
import { readLines, type PendingFiles } from './staging.ts'
import type { LandedPart, TypeKeys } from './type-keys.ts'

/**
 * Reads files straight into the table of their type, within the landing's transaction. Only for a type
 * of which nothing of the source's is landed, so that whatever is there afterwards came just now.
 *
 * A statement that fails ends the transaction; the caller begins another and stages the files.
 */
export async function insertDirectly(
  context: LandingContext,
  type: string,
  pending: readonly PendingFiles[],
): Promise<TypeKeys> {
  const parts: LandedPart[] = []
  let rows = 0
  for (const { files, part } of pending) {
    await readLines(files, async (from, areParsable) => {
      const lines = typedSelectSql(type, { from, areParsable, keep: ['raw'] })
      const result = await context.sql.connection.run(insertSql(context, type, lines))
      rows += result.rowsChanged
    })
    parts.push({ part, untilRow: rows })
  }
  return {
    type,
    isDirect: true,
    table: mainTable(type),
    parts,
    firstRow: await firstRow(context, type),
  }
}

function insertSql(context: LandingContext, type: string, lines: string): string {
  const { source, cohort, runId } = context
  return `${insertHead(type)}
    SELECT * EXCLUDE (raw), raw, hash(raw), [${cohort}], ${source}, ${runId}, now()
    FROM (${lines})`
}

async function firstRow({ sql, source }: LandingContext, type: string): Promise<string> {
  const { first } = await sql.row(
    `SELECT min(rowid)::VARCHAR AS first FROM ${mainTable(type)} WHERE _source = ${source}`,
  )
  return typeof first === 'string' ? first : '0'
}
