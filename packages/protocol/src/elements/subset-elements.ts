import { memberSpans, skipBlanks, type MemberSpan } from '../json-spans.ts'
import { ByteSplice } from './byte-splice.ts'
import type { ElementSelection } from './element-selection.ts'
import { spliceSubsettedTag, SUBSETTED_META } from './subsetted-tag.ts'

const HASH_REFERENCES = [Buffer.from('"#'), Buffer.from(String.raw`"\u0023`)] as const
const OPEN_BRACE = Buffer.from('{')
const CLOSE_BRACE = Buffer.from('}')
const LINE_FEED = 0x0a
const LINE_FEED_BYTES = Buffer.from('\n')
/** A resource grows by no more than a `meta` with the tag in it. */
const MAX_GROWTH_BYTES = 256

/**
 * Leaves out of a resource's text what is not selected, and marks it with the tag `SUBSETTED`.
 *
 * What stays is not written anew: each member is copied byte for byte, from its key to the end of
 * its value; only the blanks between root members go. `contained` also stays, unasked, where what
 * stays refers to a contained resource. Where a key is there twice, both stay or go together, and
 * the last one counts, as for `JSON.parse`.
 *
 * @param text - UTF-8 of one JSON object that `JSON.parse` accepts: nothing is checked.
 * @returns New bytes; the text of a resource without a type keeps only what every resource keeps.
 * @see {@link https://hl7.org/fhir/R4/search.html#elements | FHIR R4: elements, SUBSETTED}
 */
export function subsetElements(text: Uint8Array, selection: ElementSelection): Uint8Array {
  const bytes = asBuffer(text)
  const output = new ByteSplice(bytes, bytes.length + MAX_GROWTH_BYTES)
  spliceSubset(output, { bytes, start: skipBlanks(bytes, 0), selection })
  return output.bytes()
}

/**
 * Does what {@link subsetElements} does to every line of a block of NDJSON.
 *
 * @param block - Complete lines, each one JSON object; the last may lack its line feed.
 * @returns As many lines, each with its line feed; blank lines are gone.
 */
export function subsetLines(block: Uint8Array, selection: ElementSelection): Uint8Array {
  const bytes = asBuffer(block)
  const output = new ByteSplice(bytes, bytes.length + countLines(bytes) * MAX_GROWTH_BYTES)
  let start = skipBlanks(bytes, 0)
  while (start < bytes.length) {
    spliceSubset(output, { bytes, start, selection })
    output.insert(LINE_FEED_BYTES)
    const end = bytes.indexOf(LINE_FEED, start)
    start = end === -1 ? bytes.length : skipBlanks(bytes, end)
  }
  return output.bytes()
}

interface Place {
  readonly bytes: Buffer
  /** Of the resource's opening brace. */
  readonly start: number
  readonly selection: ElementSelection
}

function spliceSubset(output: ByteSplice, { bytes, start, selection }: Place): void {
  const members = memberSpans(bytes, start)
  const names = selection.namesFor(typeOf(bytes, members))
  const kept = members.filter(({ key }) => names.has(key))
  join(output, bytes, withContained(bytes, { members, kept }))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Line feeds, and one for a last line without. */
function countLines(bytes: Buffer): number {
  let lines = 1
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    lines += 1
  }
  return lines
}

function typeOf(bytes: Buffer, members: readonly MemberSpan[]): string {
  const member = members.findLast(({ key }) => key === 'resourceType')
  if (member === undefined) return ''
  const value: unknown = JSON.parse(bytes.toString('utf8', member.valueStart, member.valueEnd))
  return typeof value === 'string' ? value : ''
}

/** A reference to a contained resource that is gone would lead nowhere, which FHIR forbids (ref-1). */
function withContained(
  bytes: Buffer,
  { members, kept }: { readonly members: MemberSpan[]; readonly kept: MemberSpan[] },
): MemberSpan[] {
  const isContained = ({ key }: MemberSpan): boolean => key === 'contained'
  if (!members.some(isContained) || kept.some(isContained)) return kept
  const refersInside = kept.some(({ valueStart, valueEnd }) => {
    const value = bytes.subarray(valueStart, valueEnd)
    return HASH_REFERENCES.some((reference) => value.includes(reference))
  })
  if (!refersInside) return kept
  const stays = new Set(kept)
  return members.filter((member) => stays.has(member) || isContained(member))
}

function join(output: ByteSplice, bytes: Buffer, kept: readonly MemberSpan[]): void {
  const meta = kept.findLast(({ key }) => key === 'meta')
  const metaAfter = meta === undefined ? placeForMeta(kept) : -1
  output.insert(OPEN_BRACE)
  if (metaAfter === 0) output.insert(SUBSETTED_META)
  kept.forEach((member, index) => {
    if (index > 0 || metaAfter === 0) output.comma()
    if (member === meta) {
      output.copy(member.start, member.valueStart)
      spliceSubsettedTag(output, { bytes, meta: member })
    } else output.copy(member.start, member.valueEnd)
    if (index + 1 === metaAfter) {
      output.comma()
      output.insert(SUBSETTED_META)
    }
  })
  output.insert(CLOSE_BRACE)
}

/** FHIR puts `meta` behind `resourceType` and `id`, where readers of a stream look for it. */
function placeForMeta(kept: readonly MemberSpan[]): number {
  let place = 0
  while (kept[place]?.key === 'resourceType' || kept[place]?.key === 'id') place += 1
  return place
}
