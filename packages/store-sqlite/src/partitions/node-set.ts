const FIRST_BYTES = 4096
const INSERTED_AT_ONCE = 10_000

/** A set of node numbers, a bit each: a million patients among ten million nodes take 1.25 MB. */
export class NodeSet {
  #bits = new Uint8Array(FIRST_BYTES)
  #size = 0

  /** How many numbers are in the set. */
  get size(): number {
    return this.#size
  }

  has(node: number): boolean {
    return ((this.#bits[node >>> 3] ?? 0) & (1 << (node & 7))) !== 0
  }

  add(node: number): void {
    if (this.has(node)) return
    const byte = node >>> 3
    if (byte >= this.#bits.length) this.#grow(byte + 1)
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (node & 7))
    this.#size += 1
  }

  /** Adds all numbers of another set. */
  addAll(other: NodeSet): void {
    for (const node of other) this.add(node)
  }

  /** The numbers in ascending order. */
  *[Symbol.iterator](): Iterator<number> {
    for (let byte = 0; byte < this.#bits.length; byte += 1) {
      const bits = this.#bits[byte] ?? 0
      if (bits === 0) continue
      for (let bit = 0; bit < 8; bit += 1) if ((bits & (1 << bit)) !== 0) yield byte * 8 + bit
    }
  }

  /** The numbers in ascending order, as JSON arrays of so many at most. */
  *jsonParts(): Iterable<string> {
    let part: number[] = []
    for (const node of this) {
      part.push(node)
      if (part.length < INSERTED_AT_ONCE) continue
      yield JSON.stringify(part)
      part = []
    }
    if (part.length > 0) yield JSON.stringify(part)
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, this.#bits.length * 2))
    larger.set(this.#bits)
    this.#bits = larger
  }
}
