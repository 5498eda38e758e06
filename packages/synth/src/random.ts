const TWO_TO_32 = 4_294_967_296
const WARM_UP_ROUNDS = 12
const HEX_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/**
 * Keeps random draws for different purposes apart, so that one thing (a person, a practice) has the
 * same draws whatever was drawn for others before it.
 */
export type RandomStream = keyof typeof STREAMS

const STREAMS = {
  identity: 1,
  person: 2,
  story: 3,
  practice: 4,
  payer: 5,
  medication: 6,
} as const

/** An item that is picked in proportion to its weight. */
export interface Weighted {
  /** Whole number above 0; only its relation to the other weights counts. */
  readonly weight: number
}

/**
 * A generator of pseudo-random numbers in 32-bit integer arithmetic (sfc32), so that every machine
 * and every version of Node draws the same numbers. Not for secrets.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /**
   * @param seed - The population's seed; see {@link hashSeed}.
   * @param stream - What the numbers are for.
   * @param index - Which one of these: the number of the patient, practice, payer or drug.
   */
  constructor(seed: SeedHash, stream: RandomStream, index: number) {
    this.#a = scramble(seed.high ^ Math.imul(STREAMS[stream], 0x9e3779b1))
    this.#b = scramble(seed.low ^ Math.imul(index + 1, 0x85ebca6b))
    this.#c = scramble(this.#a ^ Math.imul(this.#b, 0xc2b2ae35) ^ index)
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) this.next()
  }

  /** The next whole number from 0 to 2^32 - 1. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** A whole number from 0 to `bound` - 1; `bound` is at most 2^20. */
  below(bound: number): number {
    // Exact in doubles: 32 bits times 20 bits needs 52.
    return Math.floor((this.next() * bound) / TWO_TO_32)
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** `true` with the given probability in thousandths. */
  chance(perMille: number): boolean {
    return this.below(1000) < perMille
  }

  /** One of the items, each as likely as the others. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('Cannot pick from an empty list')
    return item
  }

  /** One of the items, in proportion to its weight. */
  pickWeighted<Item extends Weighted>(items: readonly Item[]): Item {
    let rest = this.below(items.reduce((sum, item) => sum + item.weight, 0))
    for (const item of items) {
      if (rest < item.weight) return item
      rest -= item.weight
    }
    throw new RangeError('Cannot pick from an empty list')
  }

  /** An id in the form of a version 4 UUID. */
  uuid(): string {
    const a = this.next()
    const b = (this.next() & 0xffff0fff) | 0x4000
    const c = (this.next() & 0x3fffffff) | 0x80000000
    return `${hex32(a)}-${hex16(b >>> 16)}-${hex16(b)}-${hex16(c >>> 16)}-${hex16(c)}${hex32(this.next())}`
  }
}

/** The seed of a population as 64 bits. */
export interface SeedHash {
  readonly high: number
  readonly low: number
}

/** Turns a seed into 64 bits; a number and its decimal text are the same seed. */
export function hashSeed(seed: number | string): SeedHash {
  const text = String(seed)
  let high = 0x6c078965
  let low = 0x2545f491
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 0x9e3779b1)
    low = Math.imul(low ^ unit ^ (high >>> 15), 0x85ebca6b)
  }
  return { high: scramble(high ^ (low >>> 16)), low: scramble(low ^ (high >>> 13)) }
}

/** Spreads every bit of a 32-bit word over the whole word (the finaliser of MurmurHash3). */
function scramble(word: number): number {
  let mixed = word | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function hex32(word: number): string {
  return hex16(word >>> 16) + hex16(word)
}

function hex16(word: number): string {
  return `${HEX_BYTES[(word >>> 8) & 0xff] ?? ''}${HEX_BYTES[word & 0xff] ?? ''}`
}
