import { NdjsonInvalidError, splitLines, type NdjsonFault } from '@flatfhir/protocol'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { LandingLineInvalidError } from './errors.ts'
import type { FileFacts } from './file-facts.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const BLANK = /^[ \t\r]*$/
const CHUNK_BYTES = 512 * 1024
const ESCAPED_BACKSLASH = /\\\\/g
const HIGH = String.raw`\\u[dD][89aAbB][0-9a-fA-F]{2}`
const LOW = String.raw`\\u[dD][c-fC-F][0-9a-fA-F]{2}`
const LONE_SURROGATE = new RegExp(`${HIGH}(?!${LOW})|(?<!${HIGH})${LOW}`)

/**
 * Looks, line by line, for what keeps a file from being landed.
 *
 * @returns the file, to be read as text where it has escapes of half a surrogate pair.
 * @throws {@link LandingLineInvalidError} at the first line that is no JSON object.
 */
export async function examineLines(file: FileFacts): Promise<FileFacts> {
  let { reader } = file
  try {
    const options = { maxLineBytes: file.maxLineBytes }
    for await (const { bytes, lineNumber } of splitLines(chunksOf(file), options)) {
      const finding = examineLine(bytes)
      if (finding === 'lone-surrogate') reader = 'text'
      else if (finding !== 'fine') throw new LandingLineInvalidError(file.path, finding, lineNumber)
    }
  } catch (error) {
    if (!(error instanceof NdjsonInvalidError)) throw error
    throw new LandingLineInvalidError(file.path, error.fault, error.lineNumber)
  }
  return { ...file, reader }
}

function chunksOf({ path, isGzip }: FileFacts): AsyncIterable<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  if (!isGzip) return stream
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  stream.on('error', (error) => gunzip.destroy(error))
  return stream.pipe(gunzip)
}

/** What one line is; a byte order mark at its start is not minded. */
export function examineLine(bytes: Uint8Array): NdjsonFault | 'lone-surrogate' | 'fine' {
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return 'not-utf8'
  }
  if (BLANK.test(text)) return 'fine'
  return faultOfJson(text) ?? (hasLoneSurrogate(text) ? 'lone-surrogate' : 'fine')
}

function faultOfJson(text: string): NdjsonFault | undefined {
  try {
    JSON.parse(text)
  } catch {
    return 'not-json'
  }
  return text.trimStart().startsWith('{') ? undefined : 'not-an-object'
}

function hasLoneSurrogate(text: string): boolean {
  return text.includes('\\u') && LONE_SURROGATE.test(text.replaceAll(ESCAPED_BACKSLASH, '  '))
}
