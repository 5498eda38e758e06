import { mkdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { constants, createGunzip, createGzip } from 'node:zlib'
import { type LineBlock, LineBlocks } from '../verification/line-blocks.ts'
import type { LineCheckPool } from '../verification/line-check-pool.ts'
import type { BadLine, LineRules } from '../verification/line-check.ts'
import { PartFile } from './part-file.ts'
import { ZlibPump } from './zlib-pump.ts'

/** What {@link quarantineLines} needs. */
export interface QuarantineOptions {
  readonly pool: LineCheckPool
  readonly rules: LineRules
  /** Whether `from` and `to` are gzip-compressed. */
  readonly gzip: boolean
  readonly from: PartFile
  /** Takes the lines that can be used. */
  readonly to: PartFile
  /** Path of the file for the lines that cannot; `….places.ndjson` beside it tells where they were. */
  readonly place: string
}

const ZLIB_CHUNK_BYTES = 256 * 1024

/**
 * Parts the lines of a file that can be used from those that cannot. No byte of either is changed.
 *
 * A second pass over the file, which only files with bad lines need.
 *
 * @throws the file system's errors.
 */
export async function quarantineLines(options: QuarantineOptions): Promise<void> {
  const { place } = options
  await mkdir(dirname(place), { recursive: true, mode: 0o700 })
  const paths = [place, place.replace(/\.ndjson$/, '.places.ndjson')] as const
  const lines = await PartFile.open(`${paths[0]}.part`)
  const places = await PartFile.open(`${paths[1]}.part`)
  try {
    await lines.clear()
    await places.clear()
    await options.to.clear()
    await new LineParting(options, lines, places).run()
    await lines.sync()
    await places.sync()
  } finally {
    await lines.close()
    await places.close()
  }
  for (const path of paths) await rename(`${path}.part`, path)
}

class LineParting {
  readonly #options: QuarantineOptions
  readonly #lines: PartFile
  readonly #places: PartFile
  readonly #encoder: ZlibPump | undefined
  #lineNumber = 0
  #byteOffset = 0

  constructor(options: QuarantineOptions, lines: PartFile, places: PartFile) {
    this.#options = options
    this.#lines = lines
    this.#places = places
    if (!options.gzip) return
    const compressor = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: ZLIB_CHUNK_BYTES })
    this.#encoder = new ZlibPump(compressor, async (chunk) => options.to.append(chunk))
  }

  async run(): Promise<void> {
    const { pool, rules, gzip, from } = this.#options
    const blocks = new LineBlocks({
      pool,
      maxLineBytes: rules.maxLineBytes,
      emit: async (block) => this.#take(block),
    })
    if (gzip) {
      const gunzip = createGunzip({ chunkSize: ZLIB_CHUNK_BYTES })
      const decoder = new ZlibPump(gunzip, async (chunk) => blocks.push(chunk))
      for await (const chunk of from.content()) await decoder.write(chunk)
      await decoder.end()
    } else {
      for await (const chunk of from.content()) await blocks.push(chunk)
    }
    await blocks.end()
    await this.#encoder?.end()
  }

  async #take({ block, length, content }: LineBlock): Promise<void> {
    const { pool, rules } = this.#options
    const bytes = Buffer.from(block.subarray(0, length))
    if (content === 'lines') {
      const report = await pool.check(block, length, { ...rules, locate: true })
      await this.#part(bytes, report.badPlaces ?? [])
      this.#lineNumber += report.lines
    } else {
      pool.returnBlock(block)
      await this.#lines.append(bytes)
      if (content === 'too-long') {
        this.#lineNumber += 1
        await this.#tell({ start: 0, end: length, line: 0, fault: 'too-long' })
      }
    }
    this.#byteOffset += length
  }

  async #part(bytes: Buffer, bad: readonly BadLine[]): Promise<void> {
    let good = 0
    for (const line of bad) {
      await this.#keep(bytes.subarray(good, line.start))
      await this.#lines.append(bytes.subarray(line.start, line.end))
      if (bytes[line.end - 1] !== 0x0a) await this.#lines.append(Buffer.from('\n'))
      await this.#tell(line)
      good = line.end
    }
    await this.#keep(bytes.subarray(good))
  }

  async #tell({ start, end, line, fault }: BadLine): Promise<void> {
    const lineNumber = this.#lineNumber + line
    const place = { lineNumber, byteOffset: this.#byteOffset + start, bytes: end - start, fault }
    await this.#places.append(Buffer.from(`${JSON.stringify(place)}\n`))
  }

  async #keep(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    if (this.#encoder === undefined) await this.#options.to.append(bytes)
    else await this.#encoder.write(bytes)
  }
}
