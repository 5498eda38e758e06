// Takes a folder of NDJSON several times over, each time with ids of its own.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

const NDJSON = /\.ndjson(\.gz)?$/
const MAX_ID_LENGTH = 64
const CHUNK_BYTES = 256 * 1024
/** How nearly every server begins a resource; anything else is parsed. */
const USUAL_START = /^\{"resourceType":"([A-Za-z]+)","id":"([A-Za-z0-9\-.]{1,64})"/
/** A string that is a relative reference and nothing else, perhaps to a version. */
const REFERENCE = /"([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(\/_history\/[A-Za-z0-9\-.]{1,64})?"/g

/**
 * The ids that a sample defines, as `Type/id`. Memory follows the sample, not the copies.
 *
 * @param {string} directory
 * @returns {Promise<{ files: readonly string[], ids: ReadonlySet<string> }>}
 */
export async function readSample(directory) {
  const files = (await readdir(directory)).filter((name) => NDJSON.test(name)).sort()
  if (files.length === 0) throw new Error(`There is no .ndjson or .ndjson.gz file in ${directory}`)
  const ids = new Set()
  for (const name of files) {
    for await (const line of linesOf(join(directory, name))) {
      const { type, id } = identityOf(line)
      ids.add(`${type}/${id}`)
    }
  }
  return { files: files.map((name) => join(directory, name)), ids }
}

/**
 * Writes the copies, as plain NDJSON: first all of copy 0, then all of copy 1 and so on within each
 * file, as if the patients of each copy had come later.
 *
 * @param {Awaited<ReturnType<typeof readSample>>} sample
 * @param {{ times: number, directory: string }} target A folder that is there.
 */
export async function writeCopies({ files, ids }, { times, directory }) {
  for (const path of files) {
    const name = basename(path).replace(/\.gz$/, '')
    await pipeline(
      copiesOf(path, { ids, times }),
      createWriteStream(join(directory, name), { highWaterMark: CHUNK_BYTES }),
    )
  }
}

async function* copiesOf(path, { ids, times }) {
  for (let copy = 0; copy < times; copy += 1) {
    const renamer = idRenamer(copy)
    let gathered = ''
    for await (const line of linesOf(path)) {
      gathered += `${copyOfLine(line, { ids, renamer })}\n`
      if (gathered.length < CHUNK_BYTES) continue
      yield Buffer.from(gathered, 'utf8')
      gathered = ''
    }
    yield Buffer.from(gathered, 'utf8')
  }
}

/**
 * One line with the ids of another copy: its own, and those in references to what is in the sample.
 * Every other character stays.
 *
 * @param {string} line
 * @param {{ ids: ReadonlySet<string>, renamer: (id: string) => string }} copy
 */
export function copyOfLine(line, { ids, renamer }) {
  const { id } = identityOf(line)
  const copy = line.replace(REFERENCE, (whole, type, target, history = '') =>
    ids.has(`${type}/${target}`) ? `"${type}/${renamer(target)}${history}"` : whole,
  )
  const own = `"id":"${id}"`
  if (copy.includes(own)) return copy.replace(own, () => `"id":"${renamer(id)}"`)
  const spaced = new RegExp(`("id"\\s*:\\s*")${id.replaceAll('.', '\\.')}"`)
  return copy.replace(spaced, (_, start) => `${start}${renamer(id)}"`)
}

/**
 * Copy 0 keeps its ids, the others put their number before it. An id that becomes too long for FHIR
 * gives way to its digest.
 *
 * @param {number} copy
 * @returns {(id: string) => string}
 */
export function idRenamer(copy) {
  if (copy === 0) return (id) => id
  return (id) => {
    const renamed = `c${copy}-${id}`
    if (renamed.length <= MAX_ID_LENGTH) return renamed
    return createHash('sha256').update(renamed).digest('hex')
  }
}

function identityOf(line) {
  const usual = USUAL_START.exec(line)
  if (usual !== null) return { type: usual[1], id: usual[2] }
  const { resourceType, id } = JSON.parse(line)
  return { type: resourceType, id }
}

/** @param {string} path @returns {AsyncIterable<string>} lines that are not blank */
export async function* linesOf(path) {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  const input = path.endsWith('.gz') ? unzipped(file) : file
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() !== '') yield line
  }
}

function unzipped(file) {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  file.on('error', (error) => gunzip.destroy(error))
  return file.pipe(gunzip)
}
