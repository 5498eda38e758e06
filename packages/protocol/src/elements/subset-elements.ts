import { memberSpans, skipBlanks, type MemberSpan } from '../json-spans.ts'
import { ByteSplice } from './byte-splice.ts'
import type { ElementSelection } from './element-selection.ts'
import { spliceSubsettedTag, SUBSETTED_META } from './subsetted-tag.ts'

const HASH_REFERENCES = [Buffer.from('"#'), Buffer.from(String.raw`"\u0023`)] as const
const COMMA = Buffer.from(',')
const OPEN_BRACE = Buffer.from('{')
const CLOSE_BRACE = Buffer.from('}')

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
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.length)
  const members = memberSpans(bytes, skipBlanks(bytes, 0))
  const type = typeOf(bytes, members)
  const names = selection.namesFor(type)
  const kept = members.filter(({ key }) => names.has(key))
  return join(bytes, withContained(bytes, { members, kept }))
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

function join(bytes: Buffer, kept: readonly MemberSpan[]): Uint8Array {
  const output = new ByteSplice(bytes)
  const meta = kept.findLast(({ key }) => key === 'meta')
  const metaAfter = meta === undefined ? placeForMeta(kept) : -1
  output.insert(OPEN_BRACE)
  if (metaAfter === 0) output.insert(SUBSETTED_META)
  kept.forEach((member, index) => {
    if (index > 0 || metaAfter === 0) output.insert(COMMA)
    if (member === meta) {
      output.copy(member.start, member.valueStart)
      spliceSubsettedTag(output, { bytes, meta: member })
    } else output.copy(member.start, member.valueEnd)
    if (index + 1 === metaAfter) output.insert(COMMA, SUBSETTED_META)
  })
  output.insert(CLOSE_BRACE)
  return output.bytes()
}

/** FHIR puts `meta` behind `resourceType` and `id`, where readers of a stream look for it. */
function placeForMeta(kept: readonly MemberSpan[]): number {
  let place = 0
  while (kept[place]?.key === 'resourceType' || kept[place]?.key === 'id') place += 1
  return place
}
