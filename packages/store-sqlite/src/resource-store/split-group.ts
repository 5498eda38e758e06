import { isUtf8 } from 'node:buffer'
import { readResourceText, ResourceInvalidError } from '@flatfhir/protocol'
import { GroupTextScanner, type GroupShell } from './group-text-scanner.ts'
import {
  indexResource,
  rosterMembers,
  type IndexedResource,
  type RosterMember,
} from './resource-index.ts'

/** Groups whose text is longer than this, in bytes, are stored without their members' texts. */
export const SPLIT_BYTES: number = 1024 * 1024

/** Some elements of a roster: their text, and who they are. */
export interface RosterPiece {
  readonly text: Uint8Array
  readonly members: readonly RosterMember[]
}

/** A large Group, taken apart. */
export interface SplitGroup {
  /** Without members. */
  readonly shell: IndexedResource
  /** Texts of the roster's pieces, read by {@link readPiece} when it is their turn. */
  readonly pieces: readonly Uint8Array[]
}

/** Takes a Group's text apart that is in memory as a whole; members are not looked at yet. */
export function splitGroup(bytes: Uint8Array): {
  shell: GroupShell
  pieces: readonly Uint8Array[]
} {
  const pieces: Uint8Array[] = []
  const scanner = new GroupTextScanner({ onPiece: (text) => pieces.push(text) })
  scanner.push(bytes)
  return { shell: scanner.end(), pieces }
}

/**
 * Reads a shell; `id` is the id to store it by, where it is not the text's own.
 *
 * @throws `ResourceInvalidError`
 */
export function indexShell({ bytes, pieces }: GroupShell, id?: string): IndexedResource {
  const text = readResourceText(bytes)
  if (text.type !== 'Group') {
    throw new ResourceInvalidError('wrong-type', 'resourceType is not Group')
  }
  const known = id ?? text.id
  if (known === undefined) throw new ResourceInvalidError('missing-id', 'the resource has no id')
  const member = text.resource['member']
  // A second roster under a name with escapes.
  if (Array.isArray(member) ? member.length > 0 : member !== undefined) {
    throw new ResourceInvalidError('duplicate-element', 'Group.member is there twice')
  }
  return indexResource(text, known, { hasMembersElsewhere: pieces > 0 })
}

/**
 * Reads the elements of a piece. Line breaks are taken out, as they are out of every resource.
 *
 * @param firstIndex - Of the first element in `Group.member`, for messages.
 * @throws `ResourceInvalidError`
 */
export function readPiece(
  bytes: Uint8Array,
  firstIndex: number,
): RosterPiece & { readonly count: number } {
  if (!isUtf8(bytes)) {
    throw new ResourceInvalidError('not-utf8', 'the text is not valid UTF-8')
  }
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const hasBreaks = raw.includes(0x0a) || raw.includes(0x0d)
  const string = raw.toString('utf8')
  const text = hasBreaks ? Buffer.from(string.replace(/[\r\n]+[ \t]*/g, '')) : bytes
  const elements = parseElements(string)
  return { text, members: rosterMembers(elements, firstIndex), count: elements.length }
}

// No `cause`: the message of JSON.parse's SyntaxError quotes the text, which is patient data.
function parseElements(text: string): readonly unknown[] {
  try {
    const elements = JSON.parse(`[${text}]`) as unknown[]
    if (elements.length > 0) return elements
  } catch {
    // The same as nothing between two commas.
  }
  throw new ResourceInvalidError('not-json', 'the text is not valid JSON')
}
