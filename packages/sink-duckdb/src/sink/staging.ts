import type { LandingFile, LandingPart } from '@flatfhir/client'
import { quoteName } from '../columns/quote-name.ts'
import { typedSelectSql, type TypedSelectOptions } from '../columns/typed-select.ts'
import { ResourceTypeRefusedError, warehouseError } from '../errors.ts'
import { withNdjsonLines, type RunOverLines } from '../ndjson/ndjson-lines.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import type { LandingContext } from './landing-context.ts'
import { checkTypeName } from './resource-table.ts'

/** Files of one part, in the order in which they were written. */
export interface PendingFiles {
  readonly files: readonly LandingFile[]
  readonly part: LandingPart
}

/**
 * Lines of one type.
 *
 * - `waiting`: nothing of the source's is landed of this type, so the files are read once only, straight
 *   into its table.
 * - `staged`: the lines are in a temporary table, with what has to be compared.
 */
export type StagedType =
  | { readonly state: 'waiting'; readonly type: string; readonly pending: readonly PendingFiles[] }
  | { readonly state: 'staged'; readonly type: string }

/** SELECT-able text of lines that are JSON objects: column `raw`. */
const ROUTED = 'temp.routed_lines'

/** Takes a landing's lines in, type by type, outside of the transaction. */
export class Staging {
  readonly #context: LandingContext
  readonly #types = new Map<string, StagedType>()

  constructor(context: LandingContext) {
    this.#context = context
  }

  /** Sorted by type. */
  types(): readonly StagedType[] {
    return [...this.#types.values()].sort((a, b) => (a.type < b.type ? -1 : 1))
  }

  async add(files: readonly LandingFile[], part: LandingPart): Promise<void> {
    for (const group of neighboursOfOneType(files)) {
      const type = group[0]?.type ?? '*'
      if (type === '*') await this.#route(group, part)
      else await this.#addTyped(type, { files: group, part })
    }
  }

  /** Stages what waits, so that every type can be compared. */
  async stageAll(): Promise<void> {
    for (const { type } of this.types()) await this.#stage(type)
  }

  async #addTyped(type: string, pending: PendingFiles): Promise<void> {
    checkTypeName(type)
    const known = this.#types.get(type)
    if (known?.state === 'waiting' || (known === undefined && (await this.#isFirst(type)))) {
      const before = known?.state === 'waiting' ? known.pending : []
      this.#types.set(type, { state: 'waiting', type, pending: [...before, pending] })
      return
    }
    await this.#stage(type)
    await this.#insert(type, pending)
  }

  /** Whether nothing of the source's is landed of a type. */
  async #isFirst(type: string): Promise<boolean> {
    const { sql, source } = this.#context
    return (
      (await sql.count(
        `SELECT count(*) AS n FROM sync.row_counts
         WHERE source = ${source} AND type = ${sqlText(type)} AND row_count > 0`,
      )) === 0
    )
  }

  async #stage(type: string): Promise<void> {
    const known = this.#types.get(type)
    if (known?.state === 'staged') return
    await this.#context.sql.run(
      `CREATE OR REPLACE TEMP TABLE ${stagedName(type)} (part VARCHAR, id VARCHAR,
         last_updated TIMESTAMPTZ, _patients VARCHAR[], raw VARCHAR, _digest UBIGINT)`,
    )
    this.#types.set(type, { state: 'staged', type })
    for (const pending of known?.pending ?? []) await this.#insert(type, pending)
  }

  async #insert(type: string, { files, part }: PendingFiles): Promise<void> {
    await readLines(files, (from, areParsable) =>
      this.#context.sql.connection.run(insertStagedSql(type, part, { from, areParsable })),
    )
  }

  /** Lines of several types go by their `resourceType`. */
  async #route(files: readonly LandingFile[], part: LandingPart): Promise<void> {
    const { sql } = this.#context
    await readLines(files, (lines) =>
      sql.connection.run(
        `CREATE OR REPLACE TEMP TABLE routed_lines AS
         SELECT raw, ${typeSql('raw')} AS type FROM ${lines}`,
      ),
    )
    const found = await sql.rows(`SELECT DISTINCT type FROM ${ROUTED} ORDER BY type`)
    for (const { type } of found) {
      if (typeof type !== 'string') throw new ResourceTypeRefusedError()
      checkTypeName(type)
      await this.#stage(type)
      const from = `(SELECT raw FROM ${ROUTED} WHERE type = ${sqlText(type)})`
      await sql.run(insertStagedSql(type, part, { from }))
    }
    await sql.run(`DROP TABLE ${ROUTED}`)
  }
}

/** Name of the temporary table of a type. */
export function stagedName(type: string): string {
  return `temp.${quoteName(`staged_${type.toLowerCase()}`)}`
}

/**
 * SQL of a text in a resource; escapes of half a surrogate pair, which DuckDB's parser refuses, are
 * replaced before it reads.
 */
export function mendedSql(raw: string): string {
  return String.raw`regexp_replace(${raw}, '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\ufffd', 'g')`
}

/** Runs one statement over the lines of some files, and wraps what DuckDB throws. */
export async function readLines(
  files: readonly LandingFile[],
  run: RunOverLines<unknown>,
): Promise<void> {
  try {
    await withNdjsonLines(files, run)
  } catch (error) {
    throw warehouseError(error, 'read the lines of the files')
  }
}

function typeSql(raw: string): string {
  const path = `'$.resourceType'`
  return `CASE WHEN json_valid(${raw}) THEN json_extract_string(${raw}, ${path})
    ELSE json_extract_string(${mendedSql(raw)}, ${path}) END`
}

function insertStagedSql(
  type: string,
  part: LandingPart,
  lines: Pick<TypedSelectOptions, 'from' | 'areParsable'>,
): string {
  const keys = typedSelectSql(type, {
    ...lines,
    columns: ['id', 'last_updated', '_patients'],
    keep: ['raw'],
  })
  return `INSERT INTO ${stagedName(type)} (part, id, last_updated, _patients, raw, _digest)
    SELECT ${sqlText(part)}, id, last_updated, _patients, raw, hash(raw) FROM (${keys})`
}

function neighboursOfOneType(files: readonly LandingFile[]): readonly (readonly LandingFile[])[] {
  const groups: LandingFile[][] = []
  for (const file of files) {
    const group = groups.at(-1)
    if (group?.[0]?.type === file.type) group.push(file)
    else groups.push([file])
  }
  return groups
}
