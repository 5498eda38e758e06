import { parseReference, RESOURCE_TYPES } from '@flatfhir/protocol'
import type { LineScanner } from '../verification/line-scanner.ts'

/** Ids and references of a run of lines, as hashes: memory does not follow the length of ids. */
export interface CollectedReferences {
  /** Hash of `Type/id` of each resource. */
  readonly keys: Float64Array
  /** Hash of each different `Type/id` that is referred to. */
  readonly targets: Float64Array
  /** Place in `RESOURCE_TYPES` of the type of each target. */
  readonly targetTypes: Uint8Array
}

const NEEDLE = '"reference"'
/** Behind the element's name, in the form without blanks that nearly everybody writes. */
const COMPACT = ':"'
const BACKSLASH = '\\'
/** Texts that are remembered by their hash; a power of two. */
const REMEMBERED = 4096
const TYPE_PLACES: ReadonlyMap<string, number> = new Map(
  RESOURCE_TYPES.map((type, place) => [type, place]),
)

/**
 * Collects who is there and who is referred to.
 *
 * References are found in the text: looking for the element's name costs far less than walking
 * through every parsed resource. Absolute references to other servers, contained resources and
 * logical references lead nowhere that an export could hold, and are left out.
 */
export class ReferenceCollector {
  readonly #baseUrl: string
  readonly #keys: number[] = []
  readonly #targets = new Map<number, number>()
  /** Texts that were looked at: most references of a run are to the same few resources. */
  readonly #seen = new Set<string>()
  /** The same for texts that are still bytes: hashes, at places that follow from them. */
  readonly #remembered = new Float64Array(REMEMBERED)
  readonly #typePrefix: string

  /** @param type - Of the lines that a {@link LineScanner} accepts. */
  constructor(baseUrl: string, type: string) {
    this.#baseUrl = baseUrl
    this.#typePrefix = `${type}/`
  }

  /** Takes the line that a scanner has just accepted. */
  addScanned(scanner: LineScanner, buffer: Buffer): void {
    const { idStart, idEnd, references, referencesLength } = scanner
    if (idStart > 0) this.#keys.push(this.#keyOf(buffer, idStart, idEnd))
    for (let index = 0; index < referencesLength; index += 2) {
      this.#targetAt(buffer, references[index] ?? 0, references[index + 1] ?? 0)
    }
  }

  #keyOf(buffer: Buffer, start: number, end: number): number {
    const id = buffer.toString('utf8', start, end)
    const text = id.includes(BACKSLASH) ? (JSON.parse(`"${id}"`) as string) : id
    return hash53(this.#typePrefix + text)
  }

  #targetAt(buffer: Buffer, start: number, end: number): void {
    const hash = hashBytes53(buffer, start, end)
    const place = hash % REMEMBERED
    if (this.#remembered[place] === hash) return
    this.#remembered[place] = hash
    const text = buffer.toString('utf8', start, end)
    this.#target(text.includes(BACKSLASH) ? undefined : text)
  }

  add(text: string, resource: Readonly<Record<string, unknown>>): void {
    const { resourceType, id } = resource
    if (typeof resourceType === 'string' && typeof id === 'string') {
      this.#keys.push(hash53(`${resourceType}/${id}`))
    }
    for (let at = text.indexOf(NEEDLE); at !== -1; at = text.indexOf(NEEDLE, at)) {
      at += NEEDLE.length
      this.#target(valueAt(text, at))
    }
  }

  collected(): CollectedReferences {
    return {
      keys: Float64Array.from(this.#keys),
      targets: Float64Array.from(this.#targets.keys()),
      targetTypes: Uint8Array.from(this.#targets.values()),
    }
  }

  #target(text: string | undefined): void {
    if (text === undefined || this.#seen.has(text)) return
    this.#seen.add(text)
    const isOwn = this.#baseUrl !== '' && text.startsWith(this.#baseUrl)
    const reference = parseReference(isOwn ? text.slice(this.#baseUrl.length) : text)
    if (reference === undefined) return
    const place = TYPE_PLACES.get(reference.type)
    if (place !== undefined) this.#targets.set(hash53(`${reference.type}/${reference.id}`), place)
  }
}

/** The string behind a colon, when there is one without escapes; references need none. */
function valueAt(text: string, at: number): string | undefined {
  if (text.startsWith(COMPACT, at)) {
    const start = at + COMPACT.length
    const value = text.slice(start, text.indexOf('"', start))
    return value.includes(BACKSLASH) ? undefined : value
  }
  const match = /\s*:\s*"([^"\\]*)"/y
  match.lastIndex = at
  return match.exec(text)?.[1]
}

const HIGH_SEED = 0xdeadbeef
const LOW_SEED = 0x41c6ce57
const HIGH_FACTOR = 0x9e3779b1
const LOW_FACTOR = 0x5f356495

/**
 * 53 bits of a text: as many as a number holds exactly. Two different ids of ten million have the
 * same ones in less than one of a hundred exports, and then one missing resource goes uncounted.
 */
function hash53(text: string): number {
  let high = HIGH_SEED
  let low = LOW_SEED
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, HIGH_FACTOR)
    low = Math.imul(low ^ code, LOW_FACTOR)
  }
  return mixed53(high, low)
}

/** The same of bytes; of other characters than ASCII's it is another number. */
function hashBytes53(bytes: Uint8Array, start: number, end: number): number {
  let high = HIGH_SEED
  let low = LOW_SEED
  for (let at = start; at < end; at += 1) {
    const code = bytes[at] ?? 0
    high = Math.imul(high ^ code, HIGH_FACTOR)
    low = Math.imul(low ^ code, LOW_FACTOR)
  }
  return mixed53(high, low)
}

function mixed53(highSum: number, lowSum: number): number {
  let high = highSum
  let low = lowSum
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0)
}
