import type { Database } from '../database.ts'

/** One block of rows, as the database hands it over. */
export interface BlockRow {
  /** Where the block ends; `null` when no row was left. */
  readonly last: number | null
  /** Number of rows in `block`. */
  readonly resourceCount: number
  /** Sum of the lengths of the bodies in `block`, line feeds not counted. */
  readonly bytes: number
  /** The bodies, each ended by a line feed; `null` when there is none. */
  readonly block: Uint8Array | null
  /** Comma-separated keys of rows that are too large for a block. */
  readonly largeKeys: string | null
}

/** Bodies larger than this go one by one, so that a block's memory is bounded. */
export const MAX_BLOCK_ROW_BYTES: number = 16 * 1024

/** Makes one query out of `rows`, which yields `ord, key, bytes, body` in the order of `ord`. */
export function prepareBlockQuery(
  database: Database,
  rows: string,
): ReturnType<Database['prepare']> {
  const fits = `bytes <= ${MAX_BLOCK_ROW_BYTES}`
  return database.prepare(`
    SELECT max(ord) AS last,
      count(CASE WHEN ${fits} THEN 1 END) AS resourceCount,
      coalesce(sum(CASE WHEN ${fits} THEN bytes END), 0) AS bytes,
      CAST(group_concat(CASE WHEN ${fits} THEN body END, x'0a') || x'0a' AS BLOB) AS block,
      group_concat(CASE WHEN bytes > ${MAX_BLOCK_ROW_BYTES} THEN key END) AS largeKeys
    FROM (${rows})`)
}
