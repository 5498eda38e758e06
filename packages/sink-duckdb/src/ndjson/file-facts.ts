import type { LandingFile } from '@flatfhir/client'
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import {
  LandingFileChangedError,
  LandingFileDamagedError,
  LandingFileMissingError,
} from './errors.ts'

const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const CHUNK_BYTES = 512 * 1024
/** Lines up to this need no measuring; a little less than a step of the reader's limit. */
const USUAL_LINE_BYTES = 1024 * 1024 - 16
const WINDOW_BYTES = USUAL_LINE_BYTES / 2
const PROBE_BYTES = 16 * 1024

/** What must be known of a file before DuckDB reads it. */
export interface FileFacts {
  /** Absolute. */
  readonly path: string
  readonly isGzip: boolean
  /**
   * `json`, or `text` for what DuckDB's JSON reader refuses although it can be landed: a byte order
   * mark, escapes of half a surrogate pair.
   */
  readonly reader: 'json' | 'text'
  /** No line is longer, in bytes of NDJSON. */
  readonly maxLineBytes: number
}

/**
 * Looks at a file: of plain files at samples only, unless a line is very long; gzip is read in full,
 * because DuckDB takes gzip that ends early for complete.
 *
 * @throws {@link LandingFileMissingError}, {@link LandingFileChangedError}, {@link LandingFileDamagedError}
 */
export async function readFileFacts(file: LandingFile): Promise<FileFacts> {
  await checkUnchanged(file)
  const path = resolve(file.path)
  return file.path.endsWith('.gz') ? gzipFacts(path) : plainFacts(path, file.bytes)
}

/**
 * @throws {@link LandingFileMissingError} when the file is gone.
 * @throws {@link LandingFileChangedError} when it has another size than it had.
 */
export async function checkUnchanged({ path, bytes }: LandingFile): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true) throw new LandingFileMissingError(path)
  if (found.size !== bytes) {
    throw new LandingFileChangedError(path, { expected: bytes, actual: found.size })
  }
}

async function gzipFacts(path: string): Promise<FileFacts> {
  const lines = new LineMeter()
  await pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    createGunzip({ chunkSize: CHUNK_BYTES }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) lines.add(chunk)
    },
  ).catch(() => {
    throw new LandingFileDamagedError(path)
  })
  return {
    path,
    isGzip: true,
    reader: lines.startsWithByteOrderMark ? 'text' : 'json',
    maxLineBytes: Math.max(USUAL_LINE_BYTES, lines.longest),
  }
}

async function plainFacts(path: string, bytes: number): Promise<FileFacts> {
  const file = await open(path).catch(() => {
    throw new LandingFileMissingError(path)
  })
  try {
    const start = await readAt(file, 0, BYTE_ORDER_MARK.length)
    return {
      path,
      isGzip: false,
      reader: start.equals(BYTE_ORDER_MARK) ? 'text' : 'json',
      maxLineBytes: (await hasUsualLines(file, bytes)) ? USUAL_LINE_BYTES : await longestLine(path),
    }
  } finally {
    await file.close()
  }
}

/**
 * A line feed in every window means that no line is longer than two windows. To find one, a small
 * part of each window is enough nearly always.
 */
async function hasUsualLines(file: FileHandle, bytes: number): Promise<boolean> {
  for (let start = 0; start + WINDOW_BYTES <= bytes; start += WINDOW_BYTES) {
    if (!(await hasLineFeed(file, start))) return false
  }
  return true
}

async function hasLineFeed(file: FileHandle, windowStart: number): Promise<boolean> {
  for (let offset = 0, length = PROBE_BYTES; offset < WINDOW_BYTES;) {
    const probe = await readAt(file, windowStart + offset, Math.min(length, WINDOW_BYTES - offset))
    if (probe.includes(LINE_FEED)) return true
    offset += length
    length = Math.min(length * 4, CHUNK_BYTES)
  }
  return false
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

async function longestLine(path: string): Promise<number> {
  const lines = new LineMeter()
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    lines.add(chunk as Buffer)
  }
  return Math.max(USUAL_LINE_BYTES, lines.longest)
}

/** Measures the lines of a file as it arrives. */
class LineMeter {
  #longest = 0
  #length = 0
  #start = Buffer.alloc(0)

  get longest(): number {
    return Math.max(this.#longest, this.#length)
  }

  get startsWithByteOrderMark(): boolean {
    return this.#start.equals(BYTE_ORDER_MARK)
  }

  add(chunk: Buffer): void {
    const missing = BYTE_ORDER_MARK.length - this.#start.length
    if (missing > 0) this.#start = Buffer.concat([this.#start, chunk.subarray(0, missing)])
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#longest = Math.max(this.#longest, this.#length + end - start)
      this.#length = 0
      start = end + 1
    }
    this.#length += chunk.length - start
  }
}
