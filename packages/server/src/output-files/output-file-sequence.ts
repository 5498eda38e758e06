import type { OutputFileKind } from '@flatfhir/protocol'
import type { OutputFile } from '../job-store.ts'
import type { OutputFileStore } from '../output-file-store.ts'
import { countLines } from './count-lines.ts'
import { OutputFileEncoder, type EncodingOptions } from './output-file-encoder.ts'

const LINE_FEED = 0x0a

/** What the files of a sequence have in common. */
export interface OutputFileSequenceOptions extends EncodingOptions {
  readonly store: OutputFileStore
  readonly jobId: string
  readonly kind: OutputFileKind
  readonly type: string
  /** Largest file in bytes of NDJSON; a single larger line has a file of its own. */
  readonly maxFileBytes: number
  /** Gives the id of the next file. */
  readonly nextFileId: () => string
}

/**
 * Writes the lines of one kind and type to as many files as the size limit asks for: no file is
 * empty, none ends within a line.
 */
export class OutputFileSequence {
  readonly #options: OutputFileSequenceOptions
  readonly #files: OutputFile[] = []
  #current: OutputFileEncoder | undefined

  constructor(options: OutputFileSequenceOptions) {
    this.#options = options
  }

  /** Appends complete lines, each ended by a line feed. */
  async write(lines: Uint8Array, resourceCount: number): Promise<void> {
    let rest = lines
    let restCount = resourceCount
    while (rest.length > this.#room()) {
      const head = this.#headOf(rest)
      if (head.length > 0) {
        const headCount = countLines(head)
        await this.#append(head, headCount)
        rest = rest.subarray(head.length)
        restCount -= headCount
      }
      await this.#commitCurrent()
    }
    if (rest.length > 0) await this.#append(rest, restCount)
  }

  /** Commits the last file. @returns all files, in order. */
  async commit(): Promise<readonly OutputFile[]> {
    await this.#commitCurrent()
    return this.#files
  }

  /** Removes the file being written; those committed before are left to `retainFiles`. */
  async abort(): Promise<void> {
    await this.#current?.abort()
  }

  #room(): number {
    return this.#options.maxFileBytes - (this.#current?.bytes ?? 0)
  }

  /** The lines that still fit; in a new file at least one. */
  #headOf(lines: Uint8Array): Uint8Array {
    const room = this.#room()
    const end = room < 1 ? 0 : lines.lastIndexOf(LINE_FEED, room - 1) + 1
    if (end > 0 || this.#current !== undefined) return lines.subarray(0, end)
    const firstEnd = lines.indexOf(LINE_FEED) + 1
    return firstEnd === 0 ? lines : lines.subarray(0, firstEnd)
  }

  async #append(lines: Uint8Array, resourceCount: number): Promise<void> {
    this.#current ??= await this.#createFile()
    await this.#current.write(lines, resourceCount)
  }

  async #createFile(): Promise<OutputFileEncoder> {
    const { store, jobId, kind, type, nextFileId } = this.#options
    const fileId = nextFileId()
    const writer = await store.create({ jobId, fileId })
    return new OutputFileEncoder(writer, { fileId, kind, type }, this.#options)
  }

  async #commitCurrent(): Promise<void> {
    if (this.#current === undefined) return
    this.#files.push(await this.#current.commit())
    this.#current = undefined
  }
}
