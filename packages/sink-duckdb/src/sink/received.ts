import { numberOf, sqlInstant } from '../database/sql.ts'
import { ResourceWithoutIdError } from '../errors.ts'
import type { LandingContext } from './landing-context.ts'
import { keysSql, type TypeKeys } from './type-keys.ts'

/** What is known of the lines by themselves. */
export interface ReceivedFigures {
  readonly received: number
  readonly duplicates: number
  readonly older: number
  readonly comparable: number
}

/**
 * Takes out the lines that lose against another of the same id, and counts the rest.
 *
 * @param newcomers - Name of the temporary table of patients whose history may be among the changes;
 *   `undefined` for nobody.
 * @throws {@link ResourceWithoutIdError}
 */
export async function settleReceived(
  context: LandingContext,
  keys: TypeKeys,
  newcomers: string | undefined,
): Promise<ReceivedFigures> {
  const { sql } = context
  const { lines, without } = await sql.row(
    `SELECT count(*) AS lines, count(*) FILTER (id IS NULL) AS without
     FROM ${keysSql(context, keys)}`,
  )
  if (numberOf(without) > 0) throw new ResourceWithoutIdError(keys.type, numberOf(without))
  const duplicates = await removeDuplicates(context, keys)
  const compared = await countComparable(context, keys, newcomers)
  return { received: numberOf(lines) - duplicates, duplicates, ...compared }
}

/** The newest wins, then the last; without an instant is as new as can be. */
async function removeDuplicates(context: LandingContext, keys: TypeKeys): Promise<number> {
  const { sql } = context
  const lines = keysSql(context, keys)
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE repeated_ids AS
     SELECT id FROM ${lines} GROUP BY id HAVING count(*) > 1`,
  )
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE losing_lines AS
     SELECT rid, id, part FROM (
       SELECT rid, id, part, row_number() OVER (
         PARTITION BY id ORDER BY last_updated DESC NULLS FIRST, rid DESC) AS place
       FROM ${lines} WHERE id IN (SELECT id FROM temp.repeated_ids))
     WHERE place > 1`,
  )
  const duplicates = await sql.count(`SELECT count(*) AS n FROM temp.losing_lines`)
  if (duplicates > 0) {
    await sql.run(`DELETE FROM ${keys.table} WHERE rowid IN (SELECT rid FROM temp.losing_lines)`)
  }
  return duplicates
}

async function countComparable(
  context: LandingContext,
  keys: TypeKeys,
  newcomers: string | undefined,
): Promise<Pick<ReceivedFigures, 'older' | 'comparable'>> {
  const { older, comparable } = await context.sql.row(
    `SELECT count(*) AS comparable,
       count(*) FILTER (last_updated < ${sqlInstant(context.run.since)}) AS older
     FROM ${keysSql(context, keys)} k
     WHERE (part = 'changes' OR id IN (SELECT id FROM temp.losing_lines WHERE part = 'changes'))
       AND ${hasOthersSql(context, keys, newcomers)}`,
  )
  return { older: numberOf(older), comparable: numberOf(comparable) }
}

/** SQL of whether a line is in the compartment of a patient who is no joiner. */
export function hasOthersSql(
  context: LandingContext,
  keys: TypeKeys,
  joiners: string | undefined,
): string {
  if (joiners === undefined) return `len(_patients) > 0`
  return `rid IN (SELECT rid FROM (SELECT rid, unnest(_patients) AS patient
      FROM ${keysSql(context, keys)}) p
    ANTI JOIN temp.${joiners} j ON j.patient = p.patient)`
}
