import { typedSelectSql } from '../columns/typed-select.ts'
import { numberOf, sqlInstant } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import type { LandingContext } from './landing-context.ts'
import { hasOthersSql } from './received.ts'
import { insertHead, mainTable } from './resource-table.ts'
import type { TypeFigures } from './type-figures.ts'
import { keysSql, type TypeKeys } from './type-keys.ts'

type UpsertFigures = Pick<
  TypeFigures,
  'inserted' | 'updated' | 'unchanged' | 'gained' | 'missing' | 'outdated'
>

/**
 * Brings staged lines into the table of their type: only rows that change are written, and of the
 * landed ones only the columns are read that decide it, never their texts.
 *
 * @param joiners - Name of the temporary table of this run's joiners; `undefined` where nobody joins.
 */
export async function upsert(
  context: LandingContext,
  keys: TypeKeys,
  joiners: string | undefined,
): Promise<UpsertFigures> {
  const { sql } = context
  await sql.run(matchSql(context, keys, await cohortsAhead(context)))
  const figures = await countMatches(context, keys, joiners)
  await sql.run(
    `DELETE FROM ${mainTable(keys.type)}
     WHERE rowid IN (SELECT landed_rid FROM temp.matched WHERE wins)`,
  )
  // Rows that change are written once; the others are held by one more cohort.
  if (figures.unchanged > 0 && figures.gained > figures.inserted) await hold(context, keys.type)
  if (figures.inserted + figures.updated > 0) await insert(context, keys)
  return figures
}

/** SQL of the list of the source's other cohorts that are landed as of a later time than this run. */
async function cohortsAhead({ sql, source, cohort, run }: LandingContext): Promise<string> {
  if (run.transactionTime === undefined) return '[]'
  const ahead = await sql.rows(
    `SELECT DISTINCT cohort FROM sync.watermarks WHERE source = ${source} AND cohort <> ${cohort}
       AND transaction_time > ${sqlInstant(run.transactionTime)}`,
  )
  return `[${ahead.map((each) => sqlText(String(each['cohort']))).join(', ')}]::VARCHAR[]`
}

/** `wins`: the line replaces the landed version. Without an instant is later than any with. */
function matchSql(context: LandingContext, keys: TypeKeys, ahead: string): string {
  const { source, cohort, run } = context
  const isLater = `coalesce(t.last_updated > s.last_updated,
    t.last_updated IS NULL AND s.last_updated IS NOT NULL)`
  return `CREATE OR REPLACE TEMP TABLE matched AS
    SELECT s.rid AS staged_rid, t.rowid AS landed_rid, t._cohorts AS cohorts,
      list_contains(t._cohorts, ${cohort}) AS is_held,
      coalesce(s.last_updated <= ${sqlInstant(run.inStepUntil)}
        AND t.last_updated < s.last_updated, false) AS is_outdated,
      t._digest IS DISTINCT FROM s._digest AND ((s.part = 'all' AND NOT list_has_any(t._cohorts, ${ahead})) OR NOT ${isLater}) AS wins
    FROM ${keysSql(context, keys)} s
    JOIN (SELECT rowid, id, last_updated, _digest, _cohorts
      FROM ${mainTable(keys.type)} WHERE _source = ${source}) t ON t.id = s.id`
}

async function countMatches(
  context: LandingContext,
  keys: TypeKeys,
  joiners: string | undefined,
): Promise<UpsertFigures> {
  const { sql, run } = context
  const staged = await sql.count(`SELECT count(*) AS n FROM ${keysSql(context, keys)}`)
  const matched = await sql.row(
    `SELECT count(*) AS rows, count(*) FILTER (wins) AS updated, count(*) FILTER (is_held) AS held,
       count(*) FILTER (is_held AND is_outdated) AS outdated FROM temp.matched`,
  )
  const isJoiners = `len(_patients) > 0 AND NOT (${hasOthersSql(context, keys, joiners)})`
  const missing =
    run.inStepUntil === undefined
      ? 0
      : await sql.count(
          `SELECT count(*) AS n FROM ${keysSql(context, keys)} k
           WHERE last_updated <= ${sqlInstant(run.inStepUntil)}
             AND rid NOT IN (SELECT staged_rid FROM temp.matched WHERE is_held)
             AND NOT (${isJoiners})`,
        )
  const rows = numberOf(matched['rows'])
  const updated = numberOf(matched['updated'])
  return {
    inserted: staged - rows,
    updated,
    unchanged: rows - updated,
    gained: staged - numberOf(matched['held']),
    missing,
    outdated: numberOf(matched['outdated']),
  }
}

async function hold({ sql, cohort }: LandingContext, type: string): Promise<void> {
  await sql.run(
    `UPDATE ${mainTable(type)} SET _cohorts = list_sort(list_append(_cohorts, ${cohort}))
     WHERE rowid IN (SELECT landed_rid FROM temp.matched WHERE NOT wins AND NOT is_held)`,
  )
}

async function insert(context: LandingContext, keys: TypeKeys): Promise<void> {
  const { sql, source, cohort, runId } = context
  const cohorts = `list_sort(list_distinct(list_append(coalesce(m.cohorts, []), ${cohort})))`
  const changed = `(SELECT s.raw, s._digest, ${cohorts} AS _held_by
    FROM (SELECT rowid AS rid, raw, _digest FROM ${keys.table}) s
    LEFT JOIN temp.matched m ON m.staged_rid = s.rid
    WHERE m.staged_rid IS NULL OR m.wins)`
  const typed = typedSelectSql(keys.type, { from: changed, keep: ['raw', '_digest', '_held_by'] })
  await sql.run(`${insertHead(keys.type)} SELECT *, ${source}, ${runId}, now() FROM (${typed})`)
}
