import { inTransaction, type Database } from '../database.ts'
import { NEVER, SEQUENCE_SPAN } from './keys.ts'
import { SEGMENT_KEYS } from './schema.ts'

const ROWS_AT_ONCE = 5000

/**
 * Removes bodies that were superseded before an instant, a batch a transaction so that other
 * writers get their turn. Tombstones that are current stay, for whoever syncs rarely.
 */
export function prune(database: Database, supersededBeforeMs: number): void {
  const horizon = database
    .prepare('SELECT max(last_sequence) AS sequence FROM write_log WHERE written_at < ?')
    .get(supersededBeforeMs) as { sequence: number | null }
  dropEvaluations(database, supersededBeforeMs)
  if (horizon.sequence === null) return
  while (pruneSome(database, horizon.sequence) === ROWS_AT_ONCE) continue
  while (prunePieces(database, horizon.sequence) === ROWS_AT_ONCE) continue
}

/** Pieces of rosters that no version is left of. */
function prunePieces(database: Database, horizon: number): number {
  return inTransaction(database, () => {
    const ended = database
      .prepare(
        `SELECT roster, place, from_seq AS fromSeq, text FROM roster_piece
         WHERE to_seq <= ? AND to_seq < ${NEVER} LIMIT ${ROWS_AT_ONCE}`,
      )
      .all(horizon) as { roster: number; place: number; fromSeq: number; text: number }[]
    const dropPiece = database.prepare(
      'DELETE FROM roster_piece WHERE roster = ? AND place = ? AND from_seq = ?',
    )
    const dropText = database.prepare('DELETE FROM roster_text WHERE text = ?')
    for (const { roster, place, fromSeq, text } of ended) {
      dropPiece.run(roster, place, fromSeq)
      dropText.run(text)
    }
    return ended.length
  })
}

/** What member filters came to for exports of long ago. */
function dropEvaluations(database: Database, beforeMs: number): void {
  inTransaction(database, () => {
    database
      .prepare(
        `DELETE FROM cohort_part WHERE evaluation IN (
           SELECT evaluation FROM cohort_evaluation WHERE at_ms < ?)`,
      )
      .run(beforeMs)
    database.prepare('DELETE FROM cohort_evaluation WHERE at_ms < ?').run(beforeMs)
  })
}

function pruneSome(database: Database, horizon: number): number {
  return inTransaction(database, () => {
    database.exec('CREATE TABLE IF NOT EXISTS temp.pruned (key INTEGER PRIMARY KEY, bytes INTEGER)')
    database.exec('DELETE FROM temp.pruned')
    const { changes } = database
      .prepare(
        `INSERT INTO temp.pruned SELECT key, bytes FROM version
         WHERE superseded_seq <= ? AND superseded_seq < ${NEVER} LIMIT ${ROWS_AT_ONCE}`,
      )
      .run(horizon)
    database.exec(`
      DELETE FROM compartment WHERE (patient, type, key) IN (
        SELECT c.patient, c.type, c.key FROM temp.pruned p
          JOIN version v ON v.key = p.key
          JOIN compartment c ON c.patient = v.patient AND c.type = v.key / ${SEQUENCE_SPAN}
            AND c.key = v.key
        UNION ALL
        SELECT s.patient, s.key / ${SEQUENCE_SPAN}, s.key FROM temp.pruned p
          JOIN shared_compartment s ON s.key = p.key
      );
      DELETE FROM shared_compartment WHERE key IN (SELECT key FROM temp.pruned);
      UPDATE segment SET
        versions = versions - (SELECT count(*) FROM temp.pruned WHERE key / ${SEGMENT_KEYS} = segment),
        bytes = bytes - (
          SELECT coalesce(sum(bytes), 0) FROM temp.pruned WHERE key / ${SEGMENT_KEYS} = segment)
      WHERE segment IN (SELECT key / ${SEGMENT_KEYS} FROM temp.pruned);
      DELETE FROM version WHERE key IN (SELECT key FROM temp.pruned);
      DELETE FROM split_roster WHERE key IN (SELECT key FROM temp.pruned);
    `)
    return changes
  })
}
