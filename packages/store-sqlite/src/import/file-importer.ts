import { readResourceText, ResourceInvalidError } from '@flatfhir/protocol'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createGunzip, gunzip } from 'node:zlib'
import { indexResource } from '../resource-store/resource-index.ts'
import { SPLIT_BYTES } from '../resource-store/split-group.ts'
import { bundleEntries, type PendingEntry } from './bundle-entries.ts'
import { GroupTaker } from './group-taker.ts'
import { ImportBatchBuilder } from './import-batch.ts'
import type { BatchMessage, ImportProblem } from './import-messages.ts'
import type { ImportSource } from './import-source.ts'
import { LineSplitter, type ImportLine } from './line-splitter.ts'

/** Where what is read goes. */
export interface ImportOutput {
  /** Resolves when there is room for the next message. */
  send(message: BatchMessage): Promise<void>
  report(problem: ImportProblem): void
}

const BATCH_BYTES = 6 * 1024 * 1024
const BATCH_SIZE = 8192
/** The last resource may go over {@link BATCH_BYTES}. */
const BATCH_ROOM_BYTES = BATCH_BYTES + 256 * 1024
const READ_BYTES = 1024 * 1024
const GUNZIP_CHUNK_BYTES = 256 * 1024
/** A Bundle is read as a whole. */
const MAX_JSON_BYTES = 512 * 1024 * 1024
const BLANK = /^[ \t\r]*$/

const gunzipWhole = promisify(gunzip)

/** Reads files into batches of indexed resources; what cannot be read is reported and passed over. */
export class FileImporter {
  readonly #output: ImportOutput
  readonly #maxLineBytes: number
  #batch = new ImportBatchBuilder(BATCH_ROOM_BYTES)

  constructor(output: ImportOutput, maxLineBytes: number) {
    this.#output = output
    this.#maxLineBytes = maxLineBytes
  }

  async read(source: ImportSource): Promise<void> {
    const { path } = source
    try {
      if (source.format === 'json') await this.#readJson(source)
      else await this.#readNdjson(source)
    } catch (error) {
      this.#output.report({ path, line: undefined, entry: undefined, message: fileFault(error) })
    }
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    if (this.#batch.size === 0) return
    const batch = this.#batch.build()
    this.#batch = new ImportBatchBuilder(BATCH_ROOM_BYTES)
    await this.#output.send({ kind: 'batch', batch })
  }

  async #readNdjson({ path, isGzip }: ImportSource): Promise<void> {
    let group: GroupTaker | undefined
    const splitter = new LineSplitter({
      maxLineBytes: this.#maxLineBytes,
      takeLarge: (line, beginning) => {
        group = isGroup(beginning) ? this.#takeGroup({ path, line }) : undefined
        return group
      },
    })
    for await (const chunk of chunksOf(path, isGzip)) {
      for (const line of splitter.push(chunk)) {
        if (line.taker === undefined) this.#takeLine(path, line)
        else await group?.drain()
        if (this.#isFull()) await this.flush()
      }
      await group?.drain()
    }
    for (const line of splitter.end()) {
      if (line.taker === undefined) this.#takeLine(path, line)
    }
    await group?.drain()
  }

  /** Takes a large Group piece by piece; what was read before it is written first. */
  #takeGroup(place: Pick<ImportProblem, 'path' | 'line'>): GroupTaker {
    let isFirst = true
    return new GroupTaker({
      send: async (message) => {
        if (isFirst) await this.flush()
        isFirst = false
        await this.#output.send(message)
      },
      report: (message) => {
        this.#output.report({ ...place, entry: undefined, message })
      },
    })
  }

  async #readJson({ path, isGzip }: ImportSource): Promise<void> {
    const file = await readFile(path)
    const unzipped = isGzip ? await gunzipWhole(file, { maxOutputLength: MAX_JSON_BYTES }) : file
    const bytes = withoutByteOrderMark(unzipped)
    if (bytes.length > SPLIT_BYTES && isGroup(bytes)) {
      await this.#readGroup(path, bytes)
      return
    }
    if (!isBundle(bytes)) {
      this.#attempt({ path, line: undefined, entry: undefined }, () => {
        this.#takeResource(bytes)
      })
      return
    }
    for (const entry of bundleEntries(bytes)) {
      this.#takeEntry({ path, line: undefined }, entry)
      if (this.#isFull()) await this.flush()
    }
  }

  async #readGroup(path: string, bytes: Uint8Array): Promise<void> {
    const group = this.#takeGroup({ path, line: undefined })
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      group.push(bytes.subarray(at, at + READ_BYTES))
      await group.drain()
    }
    group.end()
    await group.drain()
  }

  #isFull(): boolean {
    return this.#batch.bytes >= BATCH_BYTES || this.#batch.size >= BATCH_SIZE
  }

  #takeLine(path: string, { number, bytes }: ImportLine): void {
    const place = { path, line: number, entry: undefined }
    if (bytes === undefined) {
      const message = `the line is longer than ${this.#maxLineBytes} bytes`
      this.#output.report({ ...place, message })
      return
    }
    const text = number === 1 ? withoutByteOrderMark(bytes) : bytes
    if (text.length < 16 && BLANK.test(Buffer.from(text).toString('latin1'))) return
    this.#attempt(place, () => {
      if (isBundle(text)) {
        for (const entry of bundleEntries(text)) this.#takeEntry({ path, line: number }, entry)
      } else {
        this.#takeResource(text)
      }
    })
  }

  #takeResource(bytes: Uint8Array): void {
    const text = readResourceText(bytes)
    if (text.id === undefined)
      throw new ResourceInvalidError('missing-id', 'the resource has no id')
    this.#batch.add(indexResource(text, text.id))
  }

  #takeEntry(place: Pick<ImportProblem, 'path' | 'line'>, { index, read }: PendingEntry): void {
    this.#attempt({ ...place, entry: index }, () => {
      const entry = read()
      if (entry.kind === 'put') this.#batch.add(indexResource(entry.text, entry.id))
      else if (entry.kind === 'delete') this.#batch.delete(entry.target)
    })
  }

  #attempt(place: Omit<ImportProblem, 'message'>, take: () => void): void {
    try {
      take()
    } catch (error) {
      if (!(error instanceof ResourceInvalidError)) throw error
      this.#output.report({ ...place, message: error.message })
    }
  }
}

async function* chunksOf(path: string, isGzip: boolean): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  if (!isGzip) {
    yield* file as AsyncIterable<Buffer>
    return
  }
  const unzipped = createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES })
  file.on('error', (error) => unzipped.destroy(error))
  try {
    yield* file.pipe(unzipped) as AsyncIterable<Buffer>
  } finally {
    file.destroy()
  }
}

const BEGINNING_BYTES = 128

/** Most texts begin with their type; of the others it is read. */
function isBundle(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, BEGINNING_BYTES)
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1')
  const type = /^\s*\{\s*"resourceType"\s*:\s*"(\w+)"/.exec(beginning)?.[1] ?? typeOf(bytes)
  return type === 'Bundle'
}

/** Members come late in a Group, and the type at its beginning. */
function isGroup(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, 4096)
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1')
  return /^[^[]*?"resourceType"\s*:\s*"(\w+)"/.exec(beginning)?.[1] === 'Group'
}

function typeOf(bytes: Uint8Array): string | undefined {
  try {
    return readResourceText(bytes).type
  } catch {
    return undefined
  }
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

function fileFault(error: unknown): string {
  if (error instanceof ResourceInvalidError) return error.message
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return `the file is not whole, or not gzip (${code}); what came before the fault was imported`
  }
  return `the file cannot be read (${typeof code === 'string' ? code : 'unknown error'})`
}
