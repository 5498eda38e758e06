import { NEVER, typeCode } from '../resource-store/keys.ts'

const GROUP = typeCode('Group')

/** SQL: whether row `m` of `group_member` counts as of `:asOf`, at the instant `:at`. */
export function activeMember(): string {
  return `m.from_seq <= :asOf AND m.to_seq > :asOf AND m.to_seq <= ${NEVER}
  AND m.inactive = 0 AND m.starts_at <= :at AND m.ends_at > :at`
}

/** SQL of the table expression `rosters`: the Group `:groupId` and those nested in it. */
export function rosters(): string {
  return `rosters (node) AS (
  SELECT node FROM node WHERE type = ${GROUP} AND id = :groupId
  UNION
  SELECT m.member FROM rosters r
    JOIN group_member m ON m.roster = r.node
    JOIN node n ON n.node = m.member
  WHERE n.type = ${GROUP} AND ${activeMember()}
)`
}
