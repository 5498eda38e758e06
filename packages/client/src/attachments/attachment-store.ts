import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { BulkDataError } from '@flatfhir/protocol'
import { ArrivingChunks } from '../http/arriving-chunks.ts'
import { Attempts, isThrottle, isTransientStatus } from '../http/attempts.ts'
import { connectionFault } from '../http/connection-fault.ts'
import { discardBody, type ProviderResponse } from '../http/provider-http.ts'
import { usableUrl } from '../manifest/usable-url.ts'
import type { RunContext } from '../run-context.ts'
import type { FoundAttachment } from './find-attachments.ts'

/** What became of one attachment. */
export interface StoredAttachment {
  /** SHA-256 of the URL: URLs may hold credentials, and are not kept. */
  readonly urlSha256: string
  readonly state: 'fetched' | 'skipped' | 'failed'
  readonly path?: string
  readonly contentType?: string
  readonly bytes?: number
  readonly sha256?: string
  readonly reason?: string
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'application/xml': 'xml',
  'application/json': 'json',
  'application/rtf': 'rtf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/tiff': 'tif',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/xml': 'xml',
}
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
/** A Binary resource in JSON is a third larger than what it holds. */
const BINARY_OVERHEAD = 1.4

/**
 * Fetches attachments into `attachments/`, each content once, named by its SHA-256.
 *
 * `index.ndjson` is written as it goes, so that a run that is interrupted does not fetch again what
 * it has. The token goes where it goes with files: to the provider's origin, when files need it.
 */
export class AttachmentStore implements AsyncDisposable {
  readonly #context: RunContext
  readonly #folder: string
  readonly #known: Map<string, StoredAttachment>
  readonly #index: Awaited<ReturnType<typeof open>>

  private constructor(
    context: RunContext,
    known: Map<string, StoredAttachment>,
    index: Awaited<ReturnType<typeof open>>,
  ) {
    this.#context = context
    this.#folder = join(context.settings.directory, 'attachments')
    this.#known = known
    this.#index = index
  }

  /** Opens the folder, with what an earlier session fetched. */
  static async open(context: RunContext): Promise<AttachmentStore> {
    const folder = join(context.settings.directory, 'attachments')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, 'index.ndjson')
    const text = await readFile(path, 'utf8').catch(() => '')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    const known = new Map<string, StoredAttachment>()
    for (const line of whole.split('\n').filter((each) => each !== '')) {
      const stored = JSON.parse(line) as StoredAttachment
      if (stored.state === 'failed') known.delete(stored.urlSha256)
      else known.set(stored.urlSha256, stored)
    }
    const index = await open(path, 'a', 0o600)
    await index.truncate(Buffer.byteLength(whole))
    return new AttachmentStore(context, known, index)
  }

  /** Everything that was looked at. */
  get attachments(): readonly StoredAttachment[] {
    return [...this.#known.values()]
  }

  /**
   * Fetches an attachment, unless that was done before.
   *
   * @throws the signal's reason; the file system's errors.
   */
  async fetch(found: FoundAttachment, withToken: boolean): Promise<StoredAttachment> {
    const url = usableUrl(found.url, this.#context.settings.baseUrl)
    const urlSha256 = createHash('sha256')
      .update(url instanceof URL ? url.href : found.url)
      .digest('hex')
    const known = this.#known.get(urlSha256)
    if (known !== undefined) return known
    const stored: StoredAttachment = { urlSha256, ...(await this.#get(url, found, withToken)) }
    this.#known.set(urlSha256, stored)
    await this.#index.appendFile(`${JSON.stringify(stored)}\n`)
    return stored
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#index.datasync()
    await this.#index.close()
  }

  async #get(
    url: URL | string,
    { contentType }: FoundAttachment,
    withToken: boolean,
  ): Promise<Omit<StoredAttachment, 'urlSha256'>> {
    if (!(url instanceof URL)) return { state: 'failed', reason: `The URL is refused: ${url}` }
    if (!this.#isWanted(contentType)) return { state: 'skipped', reason: 'media type' }
    const attempts = new Attempts(this.#context, 'download')
    for (;;) {
      try {
        const response = await this.#context.http.send({
          method: 'GET',
          url,
          headers: { accept: contentType ?? '*/*', 'accept-encoding': 'identity' },
          withToken,
          signal: this.#context.signal,
        })
        if (response.status === 200) return await this.#take(response, contentType)
        await discardBody(response)
        const { status } = response
        if (isThrottle(response, this.#context)) {
          if (await attempts.throttled(response)) continue
        } else if (isTransientStatus(status)) {
          if (await attempts.failed('server-error', status)) continue
        }
        return { state: 'failed', reason: `HTTP ${status}` }
      } catch (error) {
        this.#context.signal?.throwIfAborted()
        const isNetwork = BulkDataError.is(error) || connectionFault(error) !== undefined
        if (!isNetwork) throw error
        if (BulkDataError.is(error) && !error.retryable) {
          return { state: 'failed', reason: error.message }
        }
        if (!(await attempts.failed('connection-lost'))) {
          return { state: 'failed', reason: 'The connection was lost' }
        }
      }
    }
  }

  async #take(
    response: ProviderResponse,
    declared: string | undefined,
  ): Promise<Omit<StoredAttachment, 'urlSha256'>> {
    const sent = mediaType(response.headers['content-type'])
    const maxBytes = this.#context.settings.attachments?.maxBytes ?? DEFAULT_MAX_BYTES
    const isFhir = sent === 'application/fhir+json' && declared !== sent
    const limit = isFhir ? maxBytes * BINARY_OVERHEAD + 1024 : maxBytes
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const piece of new ArrivingChunks(response.body)) {
      bytes += piece.length
      if (bytes > limit) return { state: 'skipped', reason: 'size' }
      pieces.push(piece)
    }
    const content = Buffer.concat(pieces, bytes)
    if (!isFhir) return this.#write(content, declared ?? sent)
    const binary = binaryOf(content)
    if (binary === undefined) return { state: 'failed', reason: 'The answer is no Binary' }
    if (!this.#isWanted(binary.contentType)) return { state: 'skipped', reason: 'media type' }
    return this.#write(binary.content, declared ?? binary.contentType)
  }

  async #write(
    content: Buffer,
    contentType: string | undefined,
  ): Promise<Omit<StoredAttachment, 'urlSha256'>> {
    if (!this.#isWanted(contentType)) return { state: 'skipped', reason: 'media type' }
    const sha256 = createHash('sha256').update(content).digest('hex')
    const type = mediaType(contentType)
    const name = `${sha256}.${EXTENSIONS[type ?? ''] ?? 'bin'}`
    const path = join(this.#folder, name)
    {
      await using handle = await open(`${path}.part`, 'w', 0o600)
      await handle.writeFile(content)
      await handle.datasync()
    }
    await rename(`${path}.part`, path)
    return {
      state: 'fetched',
      path: `attachments/${name}`,
      ...(type !== undefined && { contentType: type }),
      bytes: content.length,
      sha256,
    }
  }

  #isWanted(contentType: string | undefined): boolean {
    const wanted = this.#context.settings.attachments?.mediaTypes
    const type = mediaType(contentType)
    if (wanted === undefined || type === undefined) return true
    return wanted.some((pattern) =>
      pattern.endsWith('/*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
    )
  }
}

function mediaType(header: string | undefined): string | undefined {
  const type = header?.split(';')[0]?.trim().toLowerCase()
  return type === undefined || !/^[\w.+-]+\/[\w.+-]+$/.test(type) ? undefined : type
}

function binaryOf(
  content: Buffer,
): { readonly content: Buffer; readonly contentType: string | undefined } | undefined {
  try {
    const { resourceType, data, contentType } = JSON.parse(content.toString('utf8')) as Readonly<
      Record<string, unknown>
    >
    if (resourceType !== 'Binary' || typeof data !== 'string') return undefined
    const type = typeof contentType === 'string' ? contentType : undefined
    return { content: Buffer.from(data, 'base64'), contentType: type }
  } catch {
    return undefined
  }
}
