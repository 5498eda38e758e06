import { parseReference, RESOURCE_TYPES } from '@flatfhir/protocol'

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

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl
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

/**
 * 53 bits of a text: as many as a number holds exactly. Two different ids of ten million have the
 * same ones in less than one of a hundred exports, and then one missing resource goes uncounted.
 */
function hash53(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 0x9e3779b1)
    low = Math.imul(low ^ code, 0x5f356495)
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0)
}
