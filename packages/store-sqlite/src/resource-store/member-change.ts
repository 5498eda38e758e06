import { parseReference, readResourceText, ResourceInvalidError } from '@flatfhir/protocol'
import type { OutcomeIssue } from '@flatfhir/protocol'
import type { MemberChange, MemberChangeResult, WriteAuthor } from '@flatfhir/server'
import { memberFault } from './author-rights.ts'
import { elementsOfPiece, joinGroupText } from './group-text-scanner.ts'
import { typeCode } from './keys.ts'
import { indexResource, rosterMembers, type RosterMember } from './resource-index.ts'
import { issueOf, putResource } from './resource-operations.ts'
import type { ResourceWriter } from './resource-writer.ts'
import { indexShell, SPLIT_BYTES, splitGroup } from './split-group.ts'
import type { VersionRow } from './version-table.ts'

/** An element that joins a roster. */
export interface JoiningMember {
  readonly text: string
  readonly member: RosterMember
}

/** A change that is to be made, with what changes nothing left out. */
interface EffectiveChange {
  readonly joining: readonly JoiningMember[]
  /** References of members who are there. */
  readonly leaving: ReadonlySet<string>
}

const GROUP = typeCode('Group')

/** Within a transaction: adds members to a Group and takes others out. */
export function changeMembers(
  writer: ResourceWriter,
  change: MemberChange,
  author: WriteAuthor | undefined,
): MemberChangeResult {
  const row = writer.current(GROUP, change.groupId)
  if (row === undefined || row.bytes === 0) return { state: 'unknown' }
  if (change.ifMatch !== undefined && change.ifMatch !== String(row.version)) {
    return { state: 'version-conflict' }
  }
  try {
    const effective = effectiveChange(writer, row, change)
    const members = effective.joining.map(({ member }) => member)
    const fault = selectionFault(writer, row, members) ?? memberFault(members, author)
    const issue = fault ?? apply(writer, row, effective)
    return issue === undefined ? changed(writer, row, effective) : { state: 'invalid', issue }
  } catch (error) {
    return { state: 'invalid', issue: issueOf(error) }
  }
}

/** Who selects from everybody would select from the new members alone from then on. */
function selectionFault(
  writer: ResourceWriter,
  { node }: VersionRow,
  joining: readonly RosterMember[],
): OutcomeIssue | undefined {
  if (joining.length === 0 || !writer.selectsFromEverybody(node)) return undefined
  return {
    severity: 'error',
    code: 'business-rule',
    diagnostics:
      'The member filter of this Group selects from all patients: to select from members, update the Group',
  }
}

function effectiveChange(
  writer: ResourceWriter,
  { node }: VersionRow,
  { add, remove }: MemberChange,
): EffectiveChange {
  const leaving = new Set(remove.filter((reference) => writer.isMember(node, targetOf(reference))))
  const joining = new Map<string, JoiningMember>()
  add.forEach((text, index) => {
    const member = memberOf(text, index)
    const name = JSON.stringify(Object.values(member))
    const comesBack = leaving.has(referenceTo(text))
    if (comesBack || !writer.isMemberAlready(node, member)) joining.set(name, { text, member })
  })
  return { joining: [...joining.values()], leaving }
}

function apply(
  writer: ResourceWriter,
  row: VersionRow,
  change: EffectiveChange,
): OutcomeIssue | undefined {
  const { joining, leaving } = change
  if (joining.length + leaving.size === 0) return undefined
  const isLeaving = (element: unknown): boolean => leaving.has(referenceIn(element) ?? '')
  if (writer.isSplit(row)) {
    const targets = [...leaving].map(targetOf)
    writer.changePieces(row, { joining, leaving: targets, isLeaving })
    return undefined
  }
  const texts = joining.map(({ text }) => Buffer.from(text))
  const body = withMembers(writer.body(row.key), texts, isLeaving)
  const split = body.length > SPLIT_BYTES ? splitGroup(body) : undefined
  const text = readResourceText(split?.shell.bytes ?? body)
  const id = text.id ?? ''
  const effect = putResource(
    writer,
    split === undefined
      ? { resource: indexResource(text, id) }
      : { resource: indexShell(split.shell, id), pieces: split.pieces },
    undefined,
  )
  return 'issue' in effect ? effect.issue : undefined
}

function changed(
  writer: ResourceWriter,
  before: VersionRow,
  { joining, leaving }: EffectiveChange,
): MemberChangeResult {
  const row = writer.currentOf(before.node)
  return {
    state: row.key === before.key ? 'unchanged' : 'updated',
    versionId: String(row.version),
    lastUpdated: writer.writtenAt(row),
    added: joining.length,
    removed: leaving.size,
  }
}

/** The text of a Group with some elements of its roster taken out and others put behind it. */
function withMembers(
  body: Uint8Array,
  joining: readonly Uint8Array[],
  isLeaving: (element: unknown) => boolean,
): Uint8Array {
  const { shell, pieces } = splitGroup(body)
  const elements = pieces.flatMap(elementsOfPiece)
  const kept = elements.filter((one) => !isLeaving(JSON.parse(Buffer.from(one).toString('utf8'))))
  const roster = [...kept, ...joining]
  if (shell.memberAt !== undefined) return joinGroupText(shell, roster)
  // The text has no `member` yet: it becomes the last element.
  const end = shell.bytes.lastIndexOf(0x7d)
  const head = Buffer.concat([shell.bytes.subarray(0, end), Buffer.from(',"member":[')])
  const bytes = Buffer.concat([head, Buffer.from(']'), shell.bytes.subarray(end)])
  return joinGroupText({ bytes, memberAt: head.length }, roster)
}

function memberOf(text: string, index: number): RosterMember {
  const [member] = rosterMembers([JSON.parse(text)], index)
  if (member !== undefined) return member
  throw new ResourceInvalidError(
    'invalid-group-member',
    'A member to be added is neither a Patient nor a Group',
  )
}

function referenceTo(text: string): string {
  return referenceIn(JSON.parse(text)) ?? ''
}

/** `Type/id` of a roster's element. */
function referenceIn(element: unknown): string | undefined {
  const { entity } = element as { entity?: { reference?: unknown } }
  const reference = entity?.reference
  const target = typeof reference === 'string' ? parseReference(reference) : undefined
  return target === undefined ? undefined : `${target.type}/${target.id}`
}

function targetOf(reference: string): { code: number; id: string } {
  const target = parseReference(reference)
  if (target === undefined) {
    throw new ResourceInvalidError(
      'invalid-group-member',
      'A member to be removed is not named as Patient/id or Group/id',
    )
  }
  return { code: typeCode(target.type), id: target.id }
}
