import type { ExportEvent } from '@flatfhir/client'
import { formatCount, formatMegabytes, formatQuantity, formatSeconds } from './format-number.ts'
import type { Progress } from './progress.ts'

/** What {@link exportProgress} may be given. */
export interface ExportProgressOptions {
  /** Said before each line. @defaultValue `''` */
  readonly label?: string
  /** Milliseconds, from any fixed point. @defaultValue `performance.now` */
  readonly now?: () => number
}

/**
 * Tells a person, or a program, how a client's run gets on.
 *
 * @returns the `onEvent` of the run.
 */
export function exportProgress(
  progress: Progress,
  { label = '', now = (): number => performance.now() }: ExportProgressOptions = {},
): (event: ExportEvent) => void {
  const download = new DownloadProgress(progress, label, now)
  return (event) => {
    switch (event.type) {
      case 'resumed':
        tellResumed(progress, label, event.finishedFiles)
        download.resume(event.finishedFiles)
        return
      case 'kick-off':
        progress.update({ text: `${label}kicked off`, event: 'kick-off' })
        return
      case 'status-progress':
        tellStatus(progress, label, event)
        return
      case 'retry':
        tellRetry(progress, label, event)
        return
      case 'manifest-page':
        download.promise(event.files.length)
        return
      case 'manifest':
        download.begin(event.files.length)
        return
      case 'download-progress':
        download.advance(event.file.path, event.bytes)
        return
      case 'download-finished':
        download.finish(event.file.path, event.file.received.bytes ?? 0)
        return
      case 'deleted':
        progress.update({ text: `${label}deleted at the provider`, event: 'deleted' })
        return
      // Problems are in the report, and downloads that start are told as they move.
      case 'problem':
      case 'download-started':
    }
  }
}

function tellResumed(progress: Progress, label: string, finishedFiles: number): void {
  const there = finishedFiles === 0 ? '' : `, ${formatQuantity(finishedFiles, 'file')} of it here`
  progress.note({
    text: `${label}going on with the export that was begun${there}`,
    event: 'resumed',
    fields: { finishedFiles },
  })
}

function tellStatus(
  progress: Progress,
  label: string,
  event: Extract<ExportEvent, { type: 'status-progress' }>,
): void {
  const share = event.percent === undefined ? '' : ` ${formatCount(event.percent)} %`
  const elapsed = formatSeconds(event.elapsedMs / 1000)
  progress.update({
    text: `${label}the provider is preparing the files:${share} after ${elapsed}, looking again in ${formatSeconds(event.waitMs / 1000)}`,
    event: 'status-progress',
    fields: {
      percent: event.percent,
      waitMs: event.waitMs,
      elapsedMs: Math.round(event.elapsedMs),
    },
  })
}

function tellRetry(
  progress: Progress,
  label: string,
  event: Extract<ExportEvent, { type: 'retry' }>,
): void {
  const status = event.httpStatus === undefined ? '' : `, HTTP ${event.httpStatus}`
  progress.update({
    text: `${label}${event.phase}: ${event.reason}${status}; again in ${formatSeconds(event.waitMs / 1000)}`,
    event: 'retry',
    fields: {
      phase: event.phase,
      reason: event.reason,
      httpStatus: event.httpStatus,
      file: event.file?.path,
      waitMs: Math.round(event.waitMs),
    },
  })
}

/** Adds up what is downloaded. */
class DownloadProgress {
  readonly #progress: Progress
  readonly #label: string
  readonly #now: () => number
  /** Bytes of the files that are being downloaded, by their paths. */
  readonly #moving = new Map<string, number>()
  #files = 0
  #finishedFiles = 0
  #finishedBytes = 0
  #startedAt: number | undefined

  constructor(progress: Progress, label: string, now: () => number) {
    this.#progress = progress
    this.#label = label
    this.#now = now
  }

  /** Files that an earlier run has brought. */
  resume(files: number): void {
    this.#finishedFiles = files
  }

  /** A page of the manifest names so many files, which may be fetched before the rest is known. */
  promise(files: number): void {
    this.#files += files
    this.#startedAt ??= this.#now()
  }

  begin(files: number): void {
    this.#files = files
    this.#startedAt ??= this.#now()
    this.#progress.update({
      text: `${this.#label}${formatQuantity(files, 'file')} to download`,
      event: 'manifest',
      fields: { files },
    })
  }

  advance(path: string, bytes: number): void {
    this.#moving.set(path, bytes)
    this.#tell()
  }

  finish(path: string, bytes: number): void {
    this.#moving.delete(path)
    this.#finishedFiles += 1
    this.#finishedBytes += bytes
    this.#tell()
  }

  #tell(): void {
    let bytes = this.#finishedBytes
    for (const moving of this.#moving.values()) bytes += moving
    const seconds = this.#startedAt === undefined ? 0 : (this.#now() - this.#startedAt) / 1000
    const speed = seconds > 0.2 ? `, ${formatMegabytes(bytes / seconds)} MB/s` : ''
    this.#progress.update({
      text: `${this.#label}downloading and checking: ${formatCount(this.#finishedFiles)} of ${formatQuantity(this.#files, 'file')}, ${formatMegabytes(bytes)} MB${speed}`,
      event: 'download-progress',
      fields: { finishedFiles: this.#finishedFiles, files: this.#files, bytes },
    })
  }
}
