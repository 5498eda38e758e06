import { isJsonObject } from '../json.ts'
import { memberSpans, type MemberSpan } from '../json-spans.ts'
import type { ByteSplice } from './byte-splice.ts'

const SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'
const CODE = 'SUBSETTED'
const CODING = `{"system":"${SYSTEM}","code":"${CODE}"}`
const TAGS = Buffer.from(`[${CODING}]`)
const FIRST_TAG = Buffer.from(`"tag":[${CODING}]`)
const NEXT_TAG = Buffer.from(`,"tag":[${CODING}]`)
const FIRST_CODING = Buffer.from(CODING)
const NEXT_CODING = Buffer.from(`,${CODING}`)
const META = Buffer.from(`{"tag":[${CODING}]}`)
const OPEN_BRACE = 0x7b

/** The member `meta` of a resource that has none of its own. */
export const SUBSETTED_META: Uint8Array = Buffer.from(`"meta":{"tag":[${CODING}]}`)

/** A resource's text and where its `meta` is. */
export interface MetaPlace {
  readonly bytes: Buffer
  readonly meta: MemberSpan
}

/** Adds the value of `meta` with the tag in it; the rest of `meta` stays as it was written. */
export function spliceSubsettedTag(output: ByteSplice, { bytes, meta }: MetaPlace): void {
  const { valueStart, valueEnd } = meta
  if (bytes[valueStart] !== OPEN_BRACE) {
    output.insert(META)
    return
  }
  const members = memberSpans(bytes, valueStart)
  const tag = members.findLast(({ key }) => key === 'tag')
  if (tag !== undefined) spliceIntoTags(output, { bytes, tag, valueStart, valueEnd })
  else {
    output.copy(valueStart, valueEnd - 1)
    output.insert(members.length === 0 ? FIRST_TAG : NEXT_TAG)
    output.copy(valueEnd - 1, valueEnd)
  }
}

function spliceIntoTags(
  output: ByteSplice,
  place: {
    readonly bytes: Buffer
    readonly tag: MemberSpan
    readonly valueStart: number
    readonly valueEnd: number
  },
): void {
  const { bytes, tag, valueStart, valueEnd } = place
  const tags: unknown = JSON.parse(bytes.toString('utf8', tag.valueStart, tag.valueEnd))
  if (!Array.isArray(tags)) {
    output.copy(valueStart, tag.valueStart)
    output.insert(TAGS)
    output.copy(tag.valueEnd, valueEnd)
    return
  }
  if (tags.some(isSubsetted)) {
    output.copy(valueStart, valueEnd)
    return
  }
  output.copy(valueStart, tag.valueEnd - 1)
  output.insert(tags.length === 0 ? FIRST_CODING : NEXT_CODING)
  output.copy(tag.valueEnd - 1, valueEnd)
}

function isSubsetted(tag: unknown): boolean {
  return isJsonObject(tag) && tag['system'] === SYSTEM && tag['code'] === CODE
}
