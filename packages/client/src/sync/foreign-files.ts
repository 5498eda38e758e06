import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { NdjsonInvalidError, type RawLine, splitLines } from '@flatfhir/protocol'
import type { LandingFile } from './sink.ts'

const READ_BYTES = 1024 * 1024
const MAX_LINE_BYTES = 64 * 1024 * 1024
const TYPE = /^\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"/
const PREFIX_BYTES = 200

/**
 * The files of NDJSON in a folder that no receipt tells of, each with the type of its resources, or
 * `*` where there are several. Other folders in it are not looked into.
 *
 * @throws `NDJSON_INVALID` for a line that is not a JSON object, where it has to be read.
 */
export async function foreignFiles(
  directory: string,
): Promise<{ readonly files: readonly LandingFile[]; readonly skipped: readonly string[] }> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile() && /\.ndjson(?:\.gz)?$/.test(entry.name))
    .map(({ name }) => name)
    .sort()
  const files: LandingFile[] = []
  const skipped: string[] = []
  for (const name of names) {
    const path = join(directory, name)
    const { type, resources } = await lookThrough(path)
    if (type === undefined) skipped.push(name)
    else files.push({ path, type, resources, bytes: (await stat(path)).size })
  }
  return { files, skipped }
}

/** Type of the lines; `undefined` when the first one is no resource, or there is none. */
async function lookThrough(
  path: string,
): Promise<{ readonly type: string | undefined; readonly resources: number }> {
  let type: string | undefined
  let resources = 0
  for await (const line of splitLines(contentOf(path), { maxLineBytes: MAX_LINE_BYTES })) {
    if (isBlank(line.bytes)) continue
    const own = typeOf(line)
    if (resources === 0) type = own
    if (type === undefined) return { type, resources }
    if (own !== type) type = '*'
    resources += 1
  }
  return { type, resources }
}

/** Nearly every line begins with its type; only of the others is all of it read. */
function typeOf({ bytes, lineNumber, byteOffset }: RawLine): string | undefined {
  const start = TYPE.exec(bytes.toString('latin1', 0, PREFIX_BYTES))
  if (start?.[1] !== undefined) return start[1]
  try {
    const resource = JSON.parse(bytes.toString('utf8')) as {
      readonly resourceType?: unknown
    } | null
    const type = resource?.resourceType
    return typeof type === 'string' && /^[A-Za-z]{1,64}$/.test(type) ? type : undefined
  } catch {
    // No cause: the message of JSON.parse quotes the line.
    throw new NdjsonInvalidError('not-json', lineNumber, byteOffset)
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length < PREFIX_BYTES && bytes.toString('latin1').trim() === ''
}

function contentOf(path: string): AsyncIterable<Uint8Array> {
  const stored = createReadStream(path, { highWaterMark: READ_BYTES })
  if (!path.endsWith('.gz')) return stored as AsyncIterable<Uint8Array>
  // An error of the file reaches the reader through the end of the pipeline.
  const gunzip = createGunzip({ chunkSize: READ_BYTES })
  return pipeline(stored, gunzip, () => undefined) as AsyncIterable<Uint8Array>
}
