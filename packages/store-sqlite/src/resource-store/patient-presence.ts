import type { Database } from '../database.ts'
import { NEVER } from './keys.ts'

/**
 * From when to when each Patient was there. Versions are pruned, this is not: an export must know of
 * any `_since`, however old, whether a patient's records were in reach of an export then.
 */
export class PatientPresence {
  readonly #open
  readonly #close

  constructor(database: Database) {
    this.#open = database.prepare(
      `INSERT INTO patient_presence (node, from_seq, to_seq) VALUES (?, ?, ${NEVER})`,
    )
    this.#close = database.prepare(
      `UPDATE patient_presence SET to_seq = ? WHERE node = ? AND to_seq = ${NEVER}`,
    )
  }

  begin(node: number, sequence: number): void {
    this.#open.run(node, sequence)
  }

  end(node: number, sequence: number): void {
    this.#close.run(sequence, node)
  }
}

/**
 * SQL: whether a Patient was there as of a sequence number.
 *
 * @param node - SQL of the node's number.
 * @param asOf - SQL of the sequence number.
 */
export function isPresent(node: string, asOf: string): string {
  return `EXISTS (SELECT 1 FROM patient_presence pp
    WHERE pp.node = ${node} AND pp.from_seq <= ${asOf} AND pp.to_seq > ${asOf})`
}
