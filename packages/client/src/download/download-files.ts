import type { ExportProblem } from '../export-report.ts'
import type { PromisedFiles } from '../promised-files.ts'
import type { RunContext } from '../run-context.ts'
import { LineCheckPool } from '../verification/line-check-pool.ts'
import { downloadFile, type DownloadContext, type DownloadResult } from './download-file.ts'
import { DownloadGate } from './download-gate.ts'
import { FileLinks } from './file-links.ts'

/**
 * Downloads and checks all files of a manifest, several at a time.
 *
 * @returns One result per file, in the manifest's order.
 * @throws the signal's reason, and errors that are nobody's but ours; then nothing is under way any
 *   more.
 */
export async function downloadFiles(
  promised: PromisedFiles,
  statusUrl: URL,
  context: RunContext,
): Promise<readonly DownloadResult[]> {
  const { settings } = context
  await using pool = new LineCheckPool(settings.verificationThreads)
  const stop = new AbortController()
  const signal =
    context.signal === undefined ? stop.signal : AbortSignal.any([context.signal, stop.signal])
  const shared: DownloadContext = {
    ...context,
    signal,
    pool,
    links: new FileLinks(statusUrl, promised.transactionTime, { ...context, signal }),
    gateFor: gates(context),
  }
  const results = new Array<DownloadResult>(promised.files.length)
  const remaining = promised.files.entries()
  const loops = Array.from({ length: settings.concurrency }, async () => {
    for (const [index, file] of remaining) {
      const result = await downloadFile(file, shared)
      results[index] = result
      for (const problem of result.problems) context.emit({ type: 'problem', problem })
      context.emit({ type: 'download-finished', file: result.file })
    }
  })
  await allEnded(loops, stop)
  return results
}

/** Rejects with the first error, but only after everything else has stopped. */
async function allEnded(loops: readonly Promise<void>[], stop: AbortController): Promise<void> {
  const failures: unknown[] = []
  await Promise.all(
    loops.map(async (loop) => {
      try {
        await loop
      } catch (error) {
        failures.push(error)
        stop.abort(error)
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
}

/** One gate per host: a provider that throttles says nothing about its file server. */
function gates({ settings }: RunContext): (url: URL) => DownloadGate {
  const byOrigin = new Map<string, DownloadGate>()
  return ({ origin }) => {
    const gate = byOrigin.get(origin) ?? new DownloadGate(settings.concurrency, settings.clock)
    byOrigin.set(origin, gate)
    return gate
  }
}

/** Problems that show in the manifest itself, before anything is downloaded. */
export function manifestProblems({ files }: PromisedFiles): readonly ExportProblem[] {
  const problems: ExportProblem[] = []
  const pathByUrl = new Map<string, string>()
  for (const { file } of files) {
    const earlier = pathByUrl.get(file.url)
    if (earlier !== undefined) {
      const message = `The manifest names the file twice; the first is ${earlier}`
      problems.push({ code: 'DUPLICATE_URL', severity: 'warning', message, file: file.path })
    }
    pathByUrl.set(file.url, file.path)
    if (file.path.startsWith('unknown-type.')) {
      const message = 'The manifest gives the file a type that is not a resource type of FHIR R4'
      problems.push({ code: 'UNKNOWN_TYPE', severity: 'warning', message, file: file.path })
    }
  }
  return problems
}
