import { type FileHandle, open } from 'node:fs/promises'
import type { ExportEvent } from '../export-event.ts'
import type { ExportFile, ExportReport } from '../export-report.ts'
import type { StoredProvider } from '../journal/journal-entry.ts'
import { withoutQuery } from '../printable.ts'

/** The items of the SMART bulk export log format. */
type LogEventId =
  | 'kickoff'
  | 'status_progress'
  | 'status_error'
  | 'status_page_complete'
  | 'status_complete'
  | 'manifest_complete'
  | 'download_request'
  | 'download_complete'
  | 'download_error'
  | 'export_complete'

type LogDetail = Readonly<Record<string, unknown>>

const ITEM_TYPES = { output: 'output', deleted: 'deleted', outcome: 'error' } as const
/** Headers that say something about the export and nothing about who asked. */
const LOGGED_HEADERS = ['content-location', 'date', 'expires', 'preference-applied', 'retry-after']

/**
 * Writes `log.ndjson`, the account of a run in the SMART bulk export log format, for tools that read
 * it. Holds no bodies, no tokens, and URLs without their query.
 *
 * Not flushed line by line: what matters is in the journal.
 *
 * @see {@link https://github.com/smart-on-fhir/bulk-data-client/wiki/Bulk-Data-Export-Log-Items | Bulk Data Export Log Items}
 */
export class ExportLog implements AsyncDisposable {
  readonly #handle: FileHandle
  readonly #exportId: string
  readonly #now: () => string
  readonly #urls = new Map<string, string>()
  #lines: string[] = []
  #writing: Promise<void> = Promise.resolve()

  private constructor(handle: FileHandle, exportId: string, now: () => string) {
    this.#handle = handle
    this.#exportId = exportId
    this.#now = now
  }

  /** Opens the log, behind what earlier sessions wrote. */
  static async open(path: string, exportId: string, now: () => string): Promise<ExportLog> {
    const handle = await open(path, 'a+', 0o600)
    await cutTornLine(handle)
    return new ExportLog(handle, exportId, now)
  }

  kickOff(request: {
    readonly url: string
    readonly status: number | undefined
    readonly parameters: LogDetail
    readonly provider: StoredProvider | undefined
    readonly headers: Readonly<Record<string, string>>
  }): void {
    const { url, status, parameters, provider, headers } = request
    const shown = LOGGED_HEADERS.filter((name) => headers[name] !== undefined)
    this.#log('kickoff', {
      exportUrl: withoutQuery(url),
      softwareName: provider?.softwareName ?? null,
      softwareVersion: provider?.softwareVersion ?? null,
      softwareReleaseDate: provider?.softwareReleaseDate ?? null,
      fhirVersion: provider?.fhirVersion ?? null,
      requestParameters: parameters,
      errorCode: status === undefined || status < 300 ? null : status,
      errorBody: null,
      responseHeaders: Object.fromEntries(shown.map((name) => [name, headers[name]])),
    })
  }

  statusError(code: number | undefined, message: string): void {
    this.#log('status_error', { code: code ?? null, body: null, message })
  }

  exportComplete(
    report: Pick<ExportReport, 'files' | 'resources' | 'bytes'>,
    details: {
      readonly attachments: number
      readonly durationMs: number
    },
  ): void {
    this.#log('export_complete', {
      files: report.files.filter(({ state }) => state === 'complete' || state === 'partial').length,
      resources: report.resources,
      bytes: report.bytes,
      attachments: details.attachments,
      duration: details.durationMs,
    })
  }

  /** Logs what an event tells, where the format has a word for it. */
  event(event: ExportEvent): void {
    switch (event.type) {
      case 'status-progress': {
        const retryAfter = String(Math.ceil(event.waitMs / 1000))
        this.#log('status_progress', { body: null, xProgress: event.progress ?? null, retryAfter })
        return
      }
      case 'manifest-page':
        this.#log('status_page_complete', counts(event.files, 'FileCount'))
        return
      case 'manifest': {
        const transactionTime = event.transactionTime.toISOString()
        this.#log('status_complete', { transactionTime })
        const totals = counts(event.files, 'FileCount', 'total')
        this.#log('manifest_complete', { transactionTime, ...totals, totalManifests: event.pages })
        return
      }
      case 'download-started':
        this.#urls.set(event.file.path, withoutQuery(event.file.url))
        if (event.attempt === 1) this.#log('download_request', download(event.file))
        return
      case 'download-finished': {
        const { file } = event
        this.#urls.delete(file.path)
        if (file.state === 'complete' || file.state === 'partial') {
          const { count, bytes } = file.received
          this.#log('download_complete', {
            ...{ fileUrl: withoutQuery(file.url), resourceCount: count ?? null },
            ...{ fileSize: bytes ?? null },
          })
        }
        return
      }
      case 'problem': {
        const { code, message, severity, file } = event.problem
        if (severity === 'error' && file !== undefined) {
          const fileUrl = this.#urls.get(file) ?? null
          this.#log('download_error', { fileUrl, code: null, body: null, message, error: code })
        }
        return
      }
      default:
        return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    await this.#handle.close()
  }

  #log(eventId: LogEventId, eventDetail: LogDetail): void {
    const item = { exportId: this.#exportId, timestamp: this.#now(), eventId, eventDetail }
    this.#lines.push(`${JSON.stringify(item)}\n`)
    if (this.#lines.length > 1) return
    this.#writing = this.#writing.then(async () => {
      const text = this.#lines.join('')
      this.#lines = []
      // A log that cannot be written must not cost the export.
      await this.#handle.appendFile(text).catch(() => undefined)
    })
  }
}

function download(file: ExportFile): LogDetail {
  return {
    fileUrl: withoutQuery(file.url),
    itemType: ITEM_TYPES[file.kind],
    resourceType: file.kind === 'output' ? file.type : null,
  }
}

function counts(files: readonly ExportFile[], suffix: string, prefix = ''): LogDetail {
  const detail: Record<string, number> = {}
  for (const [kind, word] of Object.entries(ITEM_TYPES)) {
    const name = prefix === '' ? word : `${prefix}${word.charAt(0).toUpperCase()}${word.slice(1)}`
    detail[`${name}${suffix}`] = files.filter((file) => file.kind === kind).length
  }
  return detail
}

async function cutTornLine(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat()
  const tail = Buffer.alloc(Math.min(size, 64 * 1024))
  await handle.read(tail, 0, tail.length, size - tail.length)
  const end = tail.lastIndexOf(0x0a)
  if (tail.length > 0 && end !== tail.length - 1) {
    await handle.truncate(size - tail.length + end + 1)
  }
}
