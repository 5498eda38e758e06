import type { LandedType, LandingInspection, RosterChange } from '@flatfhir/client'
import { sqlText } from '../ndjson/sql-text.ts'
import { numberOf } from '../database/sql.ts'
import { insertDirectly } from './direct-insert.ts'
import type { LandingContext } from './landing-context.ts'
import { countMerged, writeMerges } from './merges.ts'
import { settleReceived } from './received.ts'
import { findGonePatients, letGo } from './removal.ts'
import { ensureTable } from './resource-table.ts'
import { countRosterChange, joinersSql, newcomersSql } from './rosters.ts'
import type { Staging } from './staging.ts'
import { landedType, lost, untouched, type TypeFigures } from './type-figures.ts'
import { stagedKeys, type TypeKeys } from './type-keys.ts'
import { upsert } from './upsert.ts'

/** Temporary table of the roster that a run brings. */
export const ROSTER = 'staged_roster'
const JOINERS = 'staged_joiners'
const NEWCOMERS = 'staged_newcomers'

/** Names of temporary tables of patients; `undefined` for nobody. */
interface Newcomers {
  /** Who joins by this run. */
  readonly joiners: string | undefined
  /** They, and whoever joined so lately that the source may send their history once more. */
  readonly newcomers: string | undefined
}

/** What was staged for one landing. */
export interface StagedRun {
  readonly staging: Staging
  /** An `all` part was written, if only without files. */
  readonly hasAll: boolean
  readonly hasRoster: boolean
}

/**
 * Does everything that a landing does to the resources, in a transaction that it leaves open: so that
 * what is counted is what a commit makes true, and nothing is until then.
 */
export async function applyLanding(
  context: LandingContext,
  staged: StagedRun,
): Promise<LandingInspection> {
  const { sql, run } = context
  const keysOf = await beginWithLines(context, staged.staging)
  const before = await rowCounts(context)
  const roster = staged.hasRoster ? await countRosterChange(sql, run.cohort, ROSTER) : undefined
  const people = await findNewcomers(context, await findJoiners(context, roster))
  const received = new Map<string, TypeFigures>()
  for (const [type, keys] of keysOf) {
    received.set(type, await land(context, keys, { before: before.get(type) ?? 0, ...people }))
  }
  const patients = keysOf.get('Patient')
  if (patients !== undefined) await writeMerges(context, patients)
  const merged = await countMerged(context)
  const figures = await letEverythingGo(context, staged, { keysOf, before, received })
  await writeRowCounts(context, figures)
  await noteChanges(context, figures)
  return { types: typesOf(context, staged, figures), ...(roster && { roster }), merged }
}

/** Begins the transaction, and reads what waits; where that fails, it is staged and says why. */
async function beginWithLines(
  context: LandingContext,
  staging: Staging,
): Promise<ReadonlyMap<string, TypeKeys>> {
  const { sql } = context
  await sql.run('BEGIN')
  try {
    return await readLines(context, staging)
  } catch {
    // The same reading outside of a transaction succeeds, or throws an error that names the line.
    await sql.run('ROLLBACK')
    await staging.stageAll()
    await sql.run('BEGIN')
    return readLines(context, staging)
  }
}

async function readLines(
  context: LandingContext,
  staging: Staging,
): Promise<ReadonlyMap<string, TypeKeys>> {
  const keysOf = new Map<string, TypeKeys>()
  for (const staged of staging.types()) {
    const { type } = staged
    await ensureTable(context.sql, type)
    const keys =
      staged.state === 'waiting'
        ? await insertDirectly(context, type, staged.pending)
        : stagedKeys(type)
    keysOf.set(type, keys)
  }
  return keysOf
}

/** Rows that the cohort holds, by type; types of which it holds none are left out. */
async function rowCounts({
  sql,
  source,
  cohort,
}: LandingContext): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.rows(
    `SELECT type, row_count FROM sync.row_counts
     WHERE source = ${source} AND cohort = ${cohort} AND row_count > 0`,
  )
  return new Map(rows.map((row) => [String(row['type']), numberOf(row['row_count'])]))
}

async function findJoiners(
  { sql, run }: LandingContext,
  roster: Omit<RosterChange, 'joinerIds'> | undefined,
): Promise<string | undefined> {
  if (roster === undefined || roster.joiners === 0) return undefined
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE ${JOINERS} AS SELECT * FROM ${joinersSql(run.cohort, ROSTER)}`,
  )
  return JOINERS
}

/** A source may take the overlap before a Group's roster for the time when they joined. */
async function findNewcomers(
  { sql, run }: LandingContext,
  joiners: string | undefined,
): Promise<Newcomers> {
  if (run.since === undefined || run.sendsHistory !== true) {
    return { joiners, newcomers: joiners }
  }
  const also = joiners === undefined ? '' : `UNION SELECT patient FROM temp.${joiners}`
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE ${NEWCOMERS} AS
     SELECT patient FROM ${newcomersSql(run.cohort, run.since)} ${also}`,
  )
  return { joiners, newcomers: NEWCOMERS }
}

async function land(
  context: LandingContext,
  keys: TypeKeys,
  options: Newcomers & { readonly before: number },
): Promise<TypeFigures> {
  const figures = untouched(keys.type, options.before)
  const received = await settleReceived(context, keys, options.newcomers)
  const count = received.received
  const changed = keys.isDirect
    ? { inserted: count, gained: count }
    : await upsert(context, keys, options.joiners)
  return { ...figures, ...received, ...changed }
}

async function letEverythingGo(
  context: LandingContext,
  staged: StagedRun,
  known: {
    readonly keysOf: ReadonlyMap<string, TypeKeys>
    readonly before: ReadonlyMap<string, number>
    readonly received: ReadonlyMap<string, TypeFigures>
  },
): Promise<readonly TypeFigures[]> {
  const { sql, run } = context
  const told = await sql.rows(`SELECT DISTINCT type FROM temp.deletions`)
  const toldTypes = new Set(told.map(({ type }) => type))
  const hasLeavers = staged.hasRoster && (await findGonePatients(context, ROSTER)) > 0
  const figures: TypeFigures[] = []
  for (const type of [...new Set([...known.before.keys(), ...known.received.keys()])].sort()) {
    const before = known.before.get(type) ?? 0
    const landed = known.received.get(type) ?? untouched(type, before)
    const isComplete = staged.hasAll && run.types?.includes(type) !== false
    const reasons = { isTold: toldTypes.has(type), isComplete, hasLeavers }
    const gone =
      before === 0 ? {} : await letGo(context, type, { keys: known.keysOf.get(type), reasons })
    figures.push({ ...landed, ...gone })
  }
  return figures
}

async function writeRowCounts(
  { sql, source, cohort }: LandingContext,
  figures: readonly TypeFigures[],
): Promise<void> {
  for (const each of figures.filter((one) => one.gained + lost(one) > 0)) {
    const type = sqlText(each.type)
    await sql.run(
      `DELETE FROM sync.row_counts
       WHERE source = ${source} AND cohort = ${cohort} AND type = ${type}`,
    )
    const count = each.before + each.gained - lost(each)
    await sql.run(`INSERT INTO sync.row_counts VALUES (${source}, ${cohort}, ${type}, ${count})`)
  }
}

/** Tells publications which tables they have to look at. */
async function noteChanges(
  { sql, runId }: LandingContext,
  figures: readonly TypeFigures[],
): Promise<void> {
  const changed = figures.filter((one) => one.gained + one.updated + lost(one) > 0)
  for (const { type } of changed) {
    await sql.run(
      `UPDATE sync.tables SET changes = changes + 1, changed_by = ${runId}
       WHERE type = ${sqlText(type)}`,
    )
  }
}

function typesOf(
  { run }: LandingContext,
  { hasAll }: StagedRun,
  figures: readonly TypeFigures[],
): readonly LandedType[] {
  const hasDrift = hasAll && run.inStepUntil !== undefined
  return figures
    .filter(({ before, received }) => before + received > 0)
    .map((each) => landedType(each, hasDrift))
}
