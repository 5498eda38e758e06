import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { splitLines } from '@flatfhir/protocol'
import type { DownloadResult } from '../download/download-file.ts'
import { PartFile } from '../download/part-file.ts'
import type { ExportProblem } from '../export-report.ts'
import type { ReceiptAttachments } from '../receipt/receipt.ts'
import type { RunContext } from '../run-context.ts'
import { AttachmentStore } from './attachment-store.ts'
import { findAttachments, inlineAttachment } from './find-attachments.ts'

const NEEDLE = Buffer.from('"url"')

/** What {@link collectAttachments} found. */
export interface CollectedAttachments {
  readonly receipt: ReceiptAttachments
  readonly problems: readonly ExportProblem[]
}

/**
 * Fetches the content that the exported resources refer to by `Attachment.url`.
 *
 * @param requiresAccessToken - For a file, what its manifest says.
 * @throws the signal's reason; the file system's errors.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#attachments | Bulk Data: Attachments}
 */
export async function collectAttachments(
  results: readonly DownloadResult[],
  context: RunContext,
  requiresAccessToken: (key: string) => boolean,
): Promise<CollectedAttachments | undefined> {
  const mode = context.settings.attachments?.mode ?? 'skip'
  if (mode === 'skip') return undefined
  await using store = await AttachmentStore.open(context)
  for (const { file } of results) {
    const isThere = file.state === 'complete' || file.state === 'partial'
    if (!isThere || file.kind !== 'output') continue
    await collectFrom(file.path, { context, store, withToken: requiresAccessToken(file.key) })
  }
  const of = (state: string): number =>
    store.attachments.filter((attachment) => attachment.state === state).length
  const bytes = store.attachments.reduce((sum, attachment) => sum + (attachment.bytes ?? 0), 0)
  const failed = of('failed')
  const message = `${failed} attachments could not be fetched; attachments/index.ndjson says why`
  return {
    receipt: { mode, fetched: of('fetched'), bytes, skipped: of('skipped'), failed },
    problems: failed === 0 ? [] : [{ code: 'ATTACHMENT_FAILED', severity: 'warning', message }],
  }
}

interface Source {
  readonly context: RunContext
  readonly store: AttachmentStore
  readonly withToken: boolean
}

async function collectFrom(path: string, source: Source): Promise<void> {
  const { settings, signal } = source.context
  const inlined =
    settings.attachments?.mode === 'inline'
      ? await InlinedFile.open(settings.directory, path)
      : null
  try {
    const content = contentOf(join(settings.directory, path))
    for await (const { bytes } of splitLines(content, { maxLineBytes: settings.maxLineBytes })) {
      signal?.throwIfAborted()
      const line = Buffer.from(bytes)
      const changed = line.includes(NEEDLE)
        ? await fetchOf(line.toString('utf8'), source)
        : undefined
      await inlined?.append(changed === undefined ? line : Buffer.from(changed))
    }
    await inlined?.publish()
  } finally {
    await inlined?.close()
  }
}

/** @returns The line with its attachments inlined, when that is wanted and there are any. */
async function fetchOf(
  line: string,
  { context, store, withToken }: Source,
): Promise<string | undefined> {
  let inlined: string | undefined
  const resource: unknown = JSON.parse(line)
  for (const found of findAttachments(resource)) {
    const stored = await store.fetch(found, withToken)
    if (context.settings.attachments?.mode !== 'inline' || stored.path === undefined) continue
    const content = await readFile(join(context.settings.directory, stored.path), 'base64')
    inlined = inlineAttachment(inlined ?? line, found.url, content) ?? inlined
  }
  return inlined
}

function contentOf(path: string): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 })
  if (!path.endsWith('.gz')) return file as AsyncIterable<Uint8Array>
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  pipeline(file, gunzip, () => undefined)
  return gunzip as AsyncIterable<Uint8Array>
}

/** A copy of a file with attachments in it. Made anew when a run is resumed. */
class InlinedFile {
  readonly #path: string
  readonly #part: PartFile

  private constructor(path: string, part: PartFile) {
    this.#path = path
    this.#part = part
  }

  static async open(directory: string, path: string): Promise<InlinedFile> {
    const target = join(directory, 'attachments', 'inlined', path.replace(/\.gz$/, ''))
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const part = await PartFile.open(`${target}.part`)
    await part.clear()
    return new InlinedFile(target, part)
  }

  async append(line: Uint8Array): Promise<void> {
    await this.#part.append(line)
    await this.#part.append(Buffer.from('\n'))
  }

  async publish(): Promise<void> {
    await this.#part.sync()
    await this.#part.close()
    await rename(`${this.#path}.part`, this.#path)
  }

  async close(): Promise<void> {
    await this.#part.close()
  }
}
