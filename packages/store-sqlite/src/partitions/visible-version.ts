import { NEVER, SEQUENCE_SPAN } from '../resource-store/keys.ts'

/**
 * SQL: the key of the version of a node that is current as of a sequence number, tombstones
 * included, or NULL.
 *
 * @param node - Alias of a row of `node`.
 * @param asOf - SQL of the sequence number.
 */
export function visibleKey(node: string, asOf: string): string {
  return `(SELECT CASE
    WHEN ${node}.current_key % ${SEQUENCE_SPAN} <= ${asOf} THEN ${node}.current_key
    ELSE (
      SELECT CASE WHEN h.key % ${SEQUENCE_SPAN} <= ${asOf} THEN h.key END FROM version h
      WHERE h.node = ${node}.node AND h.superseded_seq > ${asOf} AND h.superseded_seq < ${NEVER}
      ORDER BY h.superseded_seq LIMIT 1
    ) END)`
}
