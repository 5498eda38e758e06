import { createGunzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { NdjsonInvalidError, readNdjson, splitLines } from '@flatfhir/protocol'
import { discard, faultOf, type CheckHttp, type CheckResponse } from './check-http.ts'
import { NoAnswerError, SkipCheck } from './errors.ts'

/** What a file turned out to be. Holds nothing of its content. */
export interface FileFacts {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Lines that hold a resource. */
  readonly resources: number
  /** Types of the resources. */
  readonly types: ReadonlySet<string>
  /** The first line that is not a JSON object, and why; or that the body cannot be read. */
  readonly fault: string | undefined
  /** Only the beginning was read, because the file is longer than it may be. */
  readonly cut: boolean
}

/** How to read a file. */
export interface ReadFileOptions {
  readonly token?: 'own' | 'none'
  readonly acceptEncoding?: string
  readonly maxBytes: number
  /** Told of each resource; what it holds must not get into a report. */
  readonly onResource?: (resource: Readonly<Record<string, unknown>>) => void
}

/** Fetches a file and reads it line by line; memory follows the longest line. */
export async function readFile(
  http: CheckHttp,
  url: URL,
  { token = 'own', acceptEncoding = 'identity', maxBytes, onResource }: ReadFileOptions,
): Promise<FileFacts> {
  const response = await http.openFollowing({
    url,
    token,
    headers: { accept: 'application/fhir+ndjson', 'accept-encoding': acceptEncoding },
  })
  const { status, headers } = response
  if (status !== 200) {
    await discard(response)
    const nothing = { resources: 0, types: new Set<string>(), fault: undefined, cut: false }
    return { status, headers, ...nothing }
  }
  const content = new FileContent(http, response, maxBytes)
  const read = await readLines(content, maxBytes, onResource)
  return { status, headers, ...read, cut: content.cut }
}

type Read = Pick<FileFacts, 'resources' | 'types' | 'fault'>

async function readLines(
  content: FileContent,
  maxLineBytes: number,
  onResource: ReadFileOptions['onResource'],
): Promise<Read> {
  const types = new Set<string>()
  let resources = 0
  const finish = (fault?: string): Read => ({ resources, types, fault })
  try {
    for await (const { resource } of readNdjson(content.wholeLines(), { maxLineBytes })) {
      const type = resource['resourceType']
      types.add(typeof type === 'string' ? type : 'none')
      resources += 1
      onResource?.(resource)
    }
    return finish()
  } catch (error) {
    if (error instanceof NdjsonInvalidError) {
      return finish(`line ${error.lineNumber} is ${error.fault}`)
    }
    if (error instanceof UnreadableContentError) return finish(error.message)
    throw error
  }
}

/** The body cannot be decompressed, or breaks off. */
class UnreadableContentError extends Error {}

/** The content of an answer, decompressed, up to a number of bytes. */
class FileContent {
  readonly #http: CheckHttp
  readonly #response: CheckResponse
  readonly #maxBytes: number
  cut = false

  constructor(http: CheckHttp, response: CheckResponse, maxBytes: number) {
    this.#http = http
    this.#response = response
    this.#maxBytes = maxBytes
  }

  /** Complete lines only where the file is longer than it may be. */
  async *wholeLines(): AsyncGenerator<Uint8Array, void, void> {
    let pending: Buffer | undefined
    for await (const { bytes } of splitLines(this.#bytes(), { maxLineBytes: this.#maxBytes })) {
      if (pending !== undefined) yield* [pending, LINE_FEED]
      pending = bytes
    }
    // The last line of what was cut may be half a line.
    if (pending !== undefined && !this.cut) yield pending
  }

  async *#bytes(): AsyncGenerator<Uint8Array, void, void> {
    let left = this.#maxBytes
    try {
      for await (const piece of this.#decoded()) {
        if (piece.length > left) {
          this.cut = true
          return
        }
        left -= piece.length
        yield piece
      }
    } catch (error) {
      if (error instanceof SkipCheck || error instanceof NdjsonInvalidError) throw error
      const { body } = this.#response
      if (body.errored instanceof Error && body.errored.name === 'AbortError') throw body.errored
      throw new UnreadableContentError(`the content breaks off (${faultOf(error)})`)
    }
  }

  #decoded(): AsyncIterable<Uint8Array> {
    const coding = this.#response.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    if (coding === 'identity') return this.#counted()
    if (coding !== 'gzip' && coding !== 'x-gzip') throw new NoAnswerError('an unknown coding')
    const source = Readable.from(this.#counted(), { objectMode: false })
    const gunzip = createGunzip()
    source.on('error', (error) => gunzip.destroy(error))
    return source.pipe(gunzip)
  }

  async *#counted(): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of this.#response.body as AsyncIterable<Uint8Array>) {
      this.#http.countBytes(piece.length)
      yield piece
    }
  }
}

const LINE_FEED = Buffer.from('\n')
