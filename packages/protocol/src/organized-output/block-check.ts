import { isJsonObject } from '../json.ts'
import { readBlockHeader } from './block-header.ts'

/** What is wrong with a line of an organised file. */
export type BlockFault =
  /** The file, or what follows a Parameters resource that is no header, does not begin with a header. */
  | 'no-header'
  /** The header refers to a resource of another type than the output is organised by. */
  | 'header-of-other-type'
  /** The line behind a header is not the resource that the header refers to. */
  | 'subject-not-first'
  /** There was a block of this resource in the file before. */
  | 'block-repeated'
  /** A header with nothing behind it. */
  | 'block-empty'

/** How an organised file is to be checked. */
export interface BlockCheckOptions {
  /** Type that the output is organised by. */
  readonly organizedBy: string
  /**
   * Whether another file goes on in this one: its first block then is the rest of one, without the
   * resource that it is about.
   *
   * @defaultValue false
   */
  readonly continues?: boolean
  /**
   * Whether to watch for blocks that come twice, which takes memory for each block of the file.
   *
   * @defaultValue true
   */
  readonly findRepeated?: boolean
}

/**
 * Checks that the lines of one file are blocks as `organizeOutputBy` promises them: a header, the
 * resource that it refers to, then whatever belongs to that resource.
 *
 * Lines are given in their order. What a block may hold is not checked: the IG leaves that open.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU3/export.html#bulk-data-output-file-organization | Bulk Data: Output File Organization}
 */
export class BlockCheck {
  readonly #organizedBy: string
  readonly #seen: Set<string> | undefined
  #blocks = 0
  /** Whether the first block may lack its resource. */
  #isRest: boolean
  #state: 'outside' | 'after-header' | 'inside' = 'outside'
  #subject: string | undefined

  constructor({ organizedBy, continues = false, findRepeated = true }: BlockCheckOptions) {
    this.#organizedBy = organizedBy
    this.#isRest = continues
    this.#seen = findRepeated ? new Set() : undefined
  }

  /** Headers so far. */
  get blocks(): number {
    return this.#blocks
  }

  /** Takes the next line, parsed; says what is wrong with it, if anything. */
  line(resource: unknown): BlockFault | undefined {
    const type = isJsonObject(resource) ? resource['resourceType'] : undefined
    if (type === 'Parameters') return this.#header(resource)
    const state = this.#state
    // One missing header is one fault, not one for each line behind it.
    this.#state = 'inside'
    if (state === 'outside') return 'no-header'
    return state === 'after-header' ? this.#first(resource) : undefined
  }

  /** Says what is wrong with the end of the file, if anything. */
  end(): BlockFault | undefined {
    return this.#state === 'after-header' ? 'block-empty' : undefined
  }

  #header(resource: unknown): BlockFault | undefined {
    const wasEmpty = this.#state === 'after-header'
    const header = readBlockHeader(resource)
    if (header === undefined) {
      this.#state = 'outside'
      return 'no-header'
    }
    if (this.#blocks > 0) this.#isRest = false
    this.#blocks += 1
    this.#state = 'after-header'
    this.#subject = `${header.type}/${header.id}`
    if (header.type !== this.#organizedBy) return 'header-of-other-type'
    if (wasEmpty) return 'block-empty'
    return this.#isRepeated(this.#subject) ? 'block-repeated' : undefined
  }

  #isRepeated(subject: string): boolean {
    if (this.#seen === undefined) return false
    const isRepeated = this.#seen.has(subject)
    this.#seen.add(subject)
    return isRepeated
  }

  #first(resource: unknown): BlockFault | undefined {
    if (this.#isRest) return undefined
    if (isJsonObject(resource)) {
      const { resourceType, id } = resource as { resourceType?: unknown; id?: unknown }
      if (`${String(resourceType)}/${String(id)}` === this.#subject) return undefined
    }
    return 'subject-not-first'
  }
}
