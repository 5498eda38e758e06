import type { OutputFile } from '../job-store.ts'
import { countLines } from './count-lines.ts'
import { OutputFileEncoder } from './output-file-encoder.ts'
import type { OutputFileSequenceOptions } from './output-file-sequence.ts'

const LINE_FEED = 0x0a

/** What {@link OrganizedFileSequence} needs beyond the options of every sequence. */
export interface OrganizedFileSequenceOptions extends OutputFileSequenceOptions {
  /** The line that a block begins with, its line feed included. */
  readonly headerOf: (organizerId: string) => Uint8Array
}

/**
 * Writes blocks of lines, one for each resource that the output is organised by, each after a header.
 *
 * A block begins in a new file once a file is half full, so that only one larger than half a file can
 * be split (the IG: SHOULD NOT where it can be helped). Where it is, the header is repeated in the
 * file that goes on with it, and the file before says which that is.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU3/export.html#bulk-data-output-file-organization | Bulk Data: Output File Organization}
 */
export class OrganizedFileSequence {
  readonly #options: OrganizedFileSequenceOptions
  readonly #files: OutputFile[] = []
  #fileId: string
  #current: OutputFileEncoder | undefined
  #organizerId: string | undefined
  #header: Uint8Array = new Uint8Array(0)

  constructor(options: OrganizedFileSequenceOptions) {
    this.#options = options
    this.#fileId = options.nextFileId()
  }

  /** Appends complete lines of the block of one organizer; its calls follow each other. */
  async write(lines: Uint8Array, organizerId: string): Promise<void> {
    if (organizerId !== this.#organizerId) await this.#beginBlock(organizerId, lines)
    let rest = lines
    while (rest.length > 0) {
      const head = this.#headOf(rest)
      if (head.length === 0) {
        await this.#continueInNextFile()
        continue
      }
      await this.#current?.write(head, countLines(head))
      rest = rest.subarray(head.length)
    }
  }

  /** Commits the last file. @returns all files, in order. */
  async commit(): Promise<readonly OutputFile[]> {
    await this.#commitCurrent({})
    return this.#files
  }

  /** Removes the file being written; those committed before are left to `retainFiles`. */
  async abort(): Promise<void> {
    await this.#current?.abort()
  }

  async #beginBlock(organizerId: string, lines: Uint8Array): Promise<void> {
    this.#organizerId = organizerId
    this.#header = this.#options.headerOf(organizerId)
    const { maxFileBytes } = this.#options
    const bytes = this.#current?.bytes ?? 0
    const firstBytes = this.#header.length + (lines.indexOf(LINE_FEED) + 1)
    const isFull = 2 * bytes >= maxFileBytes || bytes + firstBytes > maxFileBytes
    if (bytes > 0 && isFull) await this.#commitCurrent({})
    await this.#writeHeader()
  }

  async #continueInNextFile(): Promise<void> {
    const next = this.#options.nextFileId()
    await this.#commitCurrent({ continuesInFileId: next })
    this.#fileId = next
    await this.#writeHeader()
  }

  async #writeHeader(): Promise<void> {
    this.#current ??= await this.#createFile()
    await this.#current.write(this.#header, 1)
  }

  /** The lines that still fit; after nothing but the header at least one. */
  #headOf(lines: Uint8Array): Uint8Array {
    const bytes = this.#current?.bytes ?? 0
    const room = this.#options.maxFileBytes - bytes
    if (lines.length <= room) return lines
    const end = room < 1 ? 0 : lines.lastIndexOf(LINE_FEED, room - 1) + 1
    if (end > 0 || bytes > this.#header.length) return lines.subarray(0, end)
    return lines.subarray(0, lines.indexOf(LINE_FEED) + 1 || lines.length)
  }

  async #createFile(): Promise<OutputFileEncoder> {
    const { store, jobId, kind, type } = this.#options
    const fileId = this.#fileId
    const writer = await store.create({ jobId, fileId })
    return new OutputFileEncoder(writer, { fileId, kind, type }, this.#options)
  }

  async #commitCurrent(link: Pick<OutputFile, 'continuesInFileId'>): Promise<void> {
    if (this.#current === undefined) return
    this.#files.push({ ...(await this.#current.commit()), ...link })
    this.#current = undefined
    this.#fileId = this.#options.nextFileId()
  }
}
