import { randomInt } from 'node:crypto'

const FEWEST_PLACES = 1024
/** Filled to a half at most, so that a search ends soon. */
const PLACES_PER_ENTRY = 2

/**
 * A set of hashes that may each bear a small number: 9 bytes a place and no garbage, where a `Map` of
 * numbers takes several times as much memory and time.
 */
export class HashTable {
  // Whoever chose the ids must not be able to choose their places, too.
  readonly #factor: number = randomInt(2 ** 30) * 2 + 1
  readonly #otherFactor: number = randomInt(2 ** 30) * 2 + 1
  #entries = 0
  /** 0 is an empty place. */
  #hashes: Float64Array
  #marks: Uint8Array

  /** @param expected - How many different hashes there may be; it grows where there are more. */
  constructor(expected: number) {
    const places = 2 ** Math.ceil(Math.log2(expected * PLACES_PER_ENTRY + 1))
    this.#hashes = new Float64Array(Math.max(FEWEST_PLACES, places))
    this.#marks = new Uint8Array(this.#hashes.length)
  }

  /**
   * @param hash - A whole number of 53 bits.
   * @param mark - From 0 to 255; the latest counts.
   */
  set(hash: number, mark: number): void {
    const stored = hash === 0 ? 1 : hash
    const place = this.#placeOf(stored)
    this.#marks[place] = mark
    if (this.#hashes[place] === stored) return
    this.#hashes[place] = stored
    this.#entries += 1
    if (this.#entries * PLACES_PER_ENTRY > this.#hashes.length) this.#grow()
  }

  has(hash: number): boolean {
    return this.#hashes[this.#placeOf(hash === 0 ? 1 : hash)] !== 0
  }

  /** Calls back for every hash. */
  forEach(visit: (hash: number, mark: number) => void): void {
    for (let place = 0; place < this.#hashes.length; place += 1) {
      const hash = this.#hashes[place] ?? 0
      if (hash !== 0) visit(hash, this.#marks[place] ?? 0)
    }
  }

  #grow(): void {
    const hashes = this.#hashes
    const marks = this.#marks
    this.#hashes = new Float64Array(hashes.length * 2)
    this.#marks = new Uint8Array(marks.length * 2)
    this.#entries = 0
    for (let place = 0; place < hashes.length; place += 1) {
      const hash = hashes[place] ?? 0
      if (hash !== 0) this.set(hash, marks[place] ?? 0)
    }
  }

  /** Of the hash, or of where it would be. */
  #placeOf(hash: number): number {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    const upper = Math.imul(Math.floor(hash / 2 ** 32), this.#otherFactor)
    const mixed = Math.imul((hash | 0) ^ upper, this.#factor)
    let place = (mixed ^ (mixed >>> 15)) & mask
    for (;;) {
      const found = hashes[place]
      if (found === hash || found === 0) return place
      place = (place + 1) & mask
    }
  }
}
