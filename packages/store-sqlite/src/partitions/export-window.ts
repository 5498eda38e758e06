import type { Database } from '../database.ts'
import type { ExportQuery, Snapshot } from '@flatfhir/server'

/**
 * Which versions an export is about, in sequence numbers: written after `after` and up to `upTo`,
 * and current as of `asOf`.
 */
export interface ExportWindow {
  /** 0 without `_since`. */
  readonly after: number
  readonly upTo: number
  readonly asOf: number
  /** Epoch milliseconds of the snapshot, for what is valid at an instant. */
  readonly asOfMs: number
  /** Epoch milliseconds of `_since`; `undefined` without. */
  readonly sinceMs: number | undefined
}

/** Translates instants into sequence numbers; the same at every call for the same snapshot. */
export function exportWindow(
  database: Database,
  query: ExportQuery,
  snapshot: Snapshot,
): ExportWindow {
  const asOf = Number(snapshot.position)
  const sequenceBefore = (ms: number): number => {
    const row = database
      .prepare('SELECT max(last_sequence) AS sequence FROM write_log WHERE written_at < ?')
      .get(ms) as { sequence: number | null }
    return Math.min(asOf, row.sequence ?? 0)
  }
  return {
    after: query.sinceMs === undefined ? 0 : sequenceBefore(query.sinceMs + 1),
    upTo: query.untilMs === undefined ? asOf : sequenceBefore(query.untilMs),
    asOf,
    asOfMs: snapshot.transactionTime.getTime(),
    sinceMs: query.sinceMs,
  }
}
