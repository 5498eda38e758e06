import type { OutcomeIssue } from '@flatfhir/protocol'
import type { WriteAuthor } from '@flatfhir/server'
import { typeCode } from './keys.ts'
import type { IndexedResource, RosterMember } from './resource-index.ts'

const GROUP = typeCode('Group')

/**
 * What of a resource goes beyond its author's rights. A Group with a filter over Condition tells who
 * has one, and a Group with another one nested in it tells who is in that: neither may be written
 * by somebody who could not find out otherwise.
 */
export function authorFault(
  { members = [], memberFilter }: Pick<IndexedResource, 'members' | 'memberFilter'>,
  author: WriteAuthor | undefined,
): OutcomeIssue | undefined {
  const searchable = author?.searchable ?? 'all'
  const unsearchable = memberFilter?.searches.find(
    ({ type }) => searchable !== 'all' && !searchable.includes(type),
  )
  if (unsearchable === undefined) return memberFault(members, author)
  return forbidden(
    `A member filter searches ${unsearchable.type}, which the scopes do not allow to export in full`,
  )
}

/** The same words for Groups that are not there, so that nobody finds out which are. */
export function memberFault(
  members: readonly RosterMember[],
  author: WriteAuthor | undefined,
): OutcomeIssue | undefined {
  const groups = author?.groups ?? 'all'
  if (groups === 'all') return undefined
  const isForeign = members.some(({ code, id }) => code === GROUP && !groups.includes(id))
  return isForeign ? forbidden('Group.member names a Group that is not yours to use') : undefined
}

function forbidden(diagnostics: string): OutcomeIssue {
  return { severity: 'error', code: 'forbidden', diagnostics }
}
