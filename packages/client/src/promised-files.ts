import { isResourceType, ManifestInvalidError, type ManifestFile } from '@flatfhir/protocol'
import type { OutputFileKind } from '@flatfhir/protocol'
import { type ManifestPage, requestManifestPage } from './await-manifest.ts'
import type { ExportFile } from './export-report.ts'
import type { RunContext } from './run-context.ts'

/** A file of the manifest, and how it may be fetched. */
export interface PromisedFile {
  readonly file: ExportFile
  /** `undefined` when the manifest's URL cannot be used; `refusal` says why. */
  readonly url: URL | undefined
  readonly refusal: string | undefined
  readonly requiresAccessToken: boolean
}

/** All pages of a manifest as one. */
export interface PromisedFiles {
  readonly transactionTime: Date
  readonly pages: number
  readonly files: readonly PromisedFile[]
}

const MAX_PAGES = 10_000
const KINDS: readonly OutputFileKind[] = ['output', 'deleted', 'outcome']

/**
 * Follows the `next` links of a manifest, and gives each file a name of ours.
 *
 * @throws `ManifestInvalidError` when the links go in circles or the pages contradict each other;
 *   otherwise as {@link requestManifestPage}.
 */
export async function promisedFiles(
  first: ManifestPage,
  context: RunContext,
): Promise<PromisedFiles> {
  const { transactionTime } = first.manifest
  const namer = new FileNamer(context.settings.gzip)
  const files: PromisedFile[] = []
  const seen = new Set([first.url.href])
  let page = first
  for (;;) {
    for (const kind of KINDS) {
      for (const entry of page.manifest[kind]) {
        files.push(promisedFile({ index: files.length, kind, entry, page, namer }))
      }
    }
    if (page.manifest.next === undefined) break
    const next = nextUrl(page)
    if (seen.has(next.href) || seen.size >= MAX_PAGES) {
      throw new ManifestInvalidError('The "next" links of the manifest do not come to an end')
    }
    seen.add(next.href)
    page = await requestManifestPage(next, context)
    if (page.manifest.transactionTime.getTime() !== transactionTime.getTime()) {
      throw new ManifestInvalidError('The pages of the manifest differ in transactionTime')
    }
  }
  return { transactionTime, pages: seen.size, files }
}

function nextUrl({ manifest, url }: ManifestPage): URL {
  const next = usableUrl(manifest.next ?? '', url)
  if (next instanceof URL) return next
  throw new ManifestInvalidError(`The "next" link of the manifest cannot be used: ${next}`)
}

interface ManifestEntry {
  readonly index: number
  readonly kind: OutputFileKind
  readonly entry: ManifestFile
  readonly page: ManifestPage
  readonly namer: FileNamer
}

function promisedFile({ index, kind, entry, page, namer }: ManifestEntry): PromisedFile {
  const url = usableUrl(entry.url, page.url)
  return {
    file: {
      index,
      kind,
      type: entry.type,
      url: url instanceof URL ? url.href : entry.url,
      path: namer.next(kind, entry.type),
      expected: {
        ...(entry.count === undefined ? {} : { count: entry.count }),
        ...(entry.fileSize === undefined ? {} : { bytes: entry.fileSize }),
        ...(entry.sha256 === undefined ? {} : { sha256: entry.sha256 }),
      },
    },
    url: url instanceof URL ? url : undefined,
    refusal: url instanceof URL ? undefined : url,
    requiresAccessToken: page.manifest.requiresAccessToken,
  }
}

/** Resolves a URL of the manifest; a string says why it is refused. */
function usableUrl(text: string, base: URL): URL | string {
  if (!URL.canParse(text, base.href)) return 'it is not a URL'
  const url = new URL(text, base)
  if (!/^https?:$/.test(url.protocol)) return 'it is not an http or https URL'
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password'
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    return 'it is http although the manifest came by https'
  }
  return url
}

/** Names files by kind, type and a running number. Nothing of the provider's gets into a name. */
class FileNamer {
  readonly #suffix: string
  readonly #counts = new Map<string, number>()

  constructor(gzip: boolean) {
    this.#suffix = gzip ? '.ndjson.gz' : '.ndjson'
  }

  next(kind: OutputFileKind, type: string): string {
    const stem = FileNamer.#stem(kind, type)
    const count = this.#counts.get(stem) ?? 0
    this.#counts.set(stem, count + 1)
    return `${stem}.${String(count).padStart(3, '0')}${this.#suffix}`
  }

  static #stem(kind: OutputFileKind, type: string): string {
    switch (kind) {
      case 'output':
        return isResourceType(type) ? type : 'unknown-type'
      case 'deleted':
        return 'deleted/Bundle'
      case 'outcome':
        return 'error/OperationOutcome'
    }
  }
}
