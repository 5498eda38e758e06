import { isAscii, isUtf8 } from 'node:buffer'
import { ResourceInvalidError } from './errors.ts'
import type { ResourceType } from './generated/resource-types.ts'
import { formatInstant } from './instant.ts'
import { memberSpans, skipBlanks, type MemberSpan } from './json-spans.ts'
import { isResourceId } from './resource-id.ts'
import { isResourceType } from './resource-type.ts'

/** One resource: its text, untouched, and what was read from it. */
export interface ResourceText {
  readonly type: ResourceType
  /** Absent where the text has none, which only a create may. */
  readonly id: string | undefined
  /** The parsed text. For reading only: it is the bytes that are stored. */
  readonly resource: Readonly<Record<string, unknown>>
  /** UTF-8 on one line. */
  readonly bytes: Uint8Array
  /**
   * Whether the names `resourceType`, `id` and `meta` are in the whole text no more than once each,
   * so that none of these elements can be there twice.
   */
  readonly namesOnce: boolean
}

/**
 * A resource's text with a place left open inside `meta` for the store's stamp:
 * `head` + {@link versionStamp} + `tail` is the text to store.
 */
export interface StampTemplate {
  readonly head: readonly Uint8Array[]
  readonly tail: readonly Uint8Array[]
}

const ENCODER = new TextEncoder()
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const META_OPENED = ENCODER.encode(',"meta":{')
const META_CLOSED = ENCODER.encode('}')
const LEADING = ['resourceType', 'id'] as const
const LEADING_WITH_META = [...LEADING, 'meta'] as const
const SINGULAR = new Set<string>(LEADING_WITH_META)

/**
 * Reads the text of one resource, keeping the text.
 *
 * Line breaks, which JSON allows between tokens only, are taken out together with the indentation
 * after them, and so are blanks around the text; nothing else changes.
 *
 * @throws {@link ResourceInvalidError} with the fault; the message never quotes the text.
 */
export function readResourceText(bytes: Uint8Array): ResourceText {
  const text = decode(bytes)
  const resource = parseObject(text)
  const type = resource['resourceType']
  if (typeof type !== 'string' || !isResourceType(type)) {
    throw new ResourceInvalidError('unknown-type', 'resourceType is not a resource type of FHIR R4')
  }
  const id = resource['id']
  if (id !== undefined && (typeof id !== 'string' || !isResourceId(id))) {
    throw new ResourceInvalidError(
      'invalid-id',
      'id is not a FHIR id: 1 to 64 letters, digits, "-" and "."',
    )
  }
  checkMeta(resource['meta'])
  return { type, id, resource, bytes: onOneLine(bytes), namesOnce: namesOnce(text, resource) }
}

/**
 * Cuts the text where `meta.versionId` and `meta.lastUpdated` go, and takes out those that it has.
 * The rest of the text stays as it is, byte for byte.
 *
 * @param id - The id that the stored text must have; written into the text where it has another or
 *   none.
 * @throws {@link ResourceInvalidError} when an element that this depends on is there twice.
 */
export function stampTemplate(text: ResourceText, id: string): StampTemplate {
  const { bytes } = text
  const members = leadingMembers(text) ?? membersByKey(bytes)
  const type = members.get('resourceType')
  if (type === undefined) throw new TypeError('A ResourceText always has a resourceType')
  const idMember = members.get('id')
  const anchor = idMember ?? type
  const idText = idMember === undefined ? `,"id":"${id}"` : text.id === id ? undefined : `"${id}"`
  const meta = members.get('meta')
  const idEdit = {
    start: idMember === undefined || idText === undefined ? anchor.valueEnd : anchor.valueStart,
    end: anchor.valueEnd,
    text: idText ?? '',
  }
  return meta === undefined ? insertMeta(bytes, idEdit) : openMeta(bytes, { meta, idEdit })
}

/** The stamp: `"versionId":"…","lastUpdated":"…"`, as it stands inside `meta`. */
export function versionStamp(versionId: string, lastUpdated: Date): string {
  return `"versionId":"${versionId}","lastUpdated":"${formatInstant(lastUpdated)}"`
}

/** The text to store: `template` with the stamp in its place. */
export function stampResource(template: StampTemplate, stamp: string): Uint8Array {
  return Buffer.concat([...template.head, ENCODER.encode(stamp), ...template.tail])
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

function insertMeta(bytes: Uint8Array, idEdit: Edit): StampTemplate {
  return {
    head: [bytes.subarray(0, idEdit.start), ENCODER.encode(idEdit.text), META_OPENED],
    tail: [META_CLOSED, bytes.subarray(idEdit.end)],
  }
}

function openMeta(
  bytes: Uint8Array,
  { meta, idEdit }: { meta: MemberSpan; idEdit: Edit },
): StampTemplate {
  const rest = [ENCODER.encode(`${keptMetaMembers(bytes, meta)}}`)]
  const idText = ENCODER.encode(idEdit.text)
  const open = meta.valueStart + 1
  if (idEdit.start < meta.start) {
    return {
      head: [bytes.subarray(0, idEdit.start), idText, bytes.subarray(idEdit.end, open)],
      tail: [...rest, bytes.subarray(meta.valueEnd)],
    }
  }
  return {
    head: [bytes.subarray(0, open)],
    tail: [
      ...rest,
      bytes.subarray(meta.valueEnd, idEdit.start),
      idText,
      bytes.subarray(idEdit.end),
    ],
  }
}

/** The other members of `meta`, each after a comma, as they were written. */
function keptMetaMembers(bytes: Uint8Array, meta: MemberSpan): string {
  let kept = ''
  const seen = new Set<string>()
  for (const member of memberSpans(bytes, meta.valueStart)) {
    refuseTwice(seen, member.key)
    if (member.key === 'versionId' || member.key === 'lastUpdated') continue
    kept += `,${STRICT_UTF8.decode(bytes.subarray(member.start, member.valueEnd))}`
  }
  return kept
}

/** The members where they come first, as they nearly always do; the rest is not gone through. */
function leadingMembers(text: ResourceText): Map<string, MemberSpan> | undefined {
  if (!text.namesOnce) return undefined
  const expected = text.resource['meta'] === undefined ? LEADING : LEADING_WITH_META
  const members = memberSpans(text.bytes, 0, expected.length)
  if (!expected.every((key, index) => members[index]?.key === key)) return undefined
  return new Map(members.map((member) => [member.key, member]))
}

function membersByKey(bytes: Uint8Array): Map<string, MemberSpan> {
  const members = new Map<string, MemberSpan>()
  const seen = new Set<string>()
  for (const member of memberSpans(bytes, skipBlanks(bytes, 0))) {
    if (!SINGULAR.has(member.key)) continue
    refuseTwice(seen, member.key)
    members.set(member.key, member)
  }
  return members
}

// JSON.parse takes the last of two, other readers the first: whoever stores both lies to one of them.
function refuseTwice(seen: Set<string>, key: string): void {
  if (seen.has(key)) {
    throw new ResourceInvalidError('duplicate-element', 'an element of the resource is there twice')
  }
  seen.add(key)
}

/** Names in escapes, which are not seen here, count as there twice. */
const NAMES = /"(?:resourceType|id|meta)"|\\u00/g

function namesOnce(text: string, resource: Readonly<Record<string, unknown>>): boolean {
  let most: number = Object.hasOwn(resource, 'meta') ? LEADING_WITH_META.length : LEADING.length
  NAMES.lastIndex = 0
  while (NAMES.test(text)) {
    most -= 1
    if (most < 0) return false
  }
  return most === 0
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ResourceInvalidError('not-an-object', 'the text is JSON, but not a JSON object')
  }
  return value as Record<string, unknown>
}

function decode(bytes: Uint8Array): string {
  if (isAscii(bytes)) return asBuffer(bytes).toString('latin1')
  if (isUtf8(bytes)) return asBuffer(bytes).toString('utf8')
  throw new ResourceInvalidError('not-utf8', 'the text is not valid UTF-8')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

// No `cause`: the message of JSON.parse's SyntaxError quotes the text, which is patient data.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ResourceInvalidError('not-json', 'the text is not valid JSON')
  }
}

function checkMeta(meta: unknown): void {
  if (meta === undefined) return
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) {
    throw new ResourceInvalidError('invalid-meta', 'meta is not a JSON object')
  }
}

function onOneLine(bytes: Uint8Array): Uint8Array {
  const trimmed = withoutBlanksAround(bytes)
  if (!trimmed.includes(LINE_FEED) && !trimmed.includes(CARRIAGE_RETURN)) return trimmed
  const text = STRICT_UTF8.decode(trimmed)
  return ENCODER.encode(text.replace(/[\r\n]+[ \t]*/g, ''))
}

function withoutBlanksAround(bytes: Uint8Array): Uint8Array {
  const start = skipBlanks(bytes, 0)
  let end = bytes.length
  while (end > start && (bytes[end - 1] ?? 0) <= SPACE) end -= 1
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}
