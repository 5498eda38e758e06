import { isResourceType, type ManifestFile, type OutputFileKind } from '@flatfhir/protocol'
import type { ExportFile } from '../export-report.ts'
import type { JournaledPage } from '../journal/journal-state.ts'
import { usableUrl } from './usable-url.ts'

/** A file of the manifest, and how it may be fetched. */
export interface PromisedFile {
  readonly file: ExportFile
  /** `undefined` when the manifest's URL cannot be used; `refusal` says why. */
  readonly url: URL | undefined
  readonly refusal: string | undefined
  readonly requiresAccessToken: boolean
  /** Whether the file holds blocks of resources, each under a header, instead of one type. */
  readonly organized: boolean
}

const KINDS: readonly OutputFileKind[] = ['output', 'deleted', 'outcome']

/**
 * The manifest as far as it is known: pages are added as they come, and added again with fresh URLs.
 *
 * A file is told by its key (page, kind, place in the page), never by its URL, so a fresh URL of a
 * known file is the same file. Names are given in the order in which files become known: the same
 * pages in the same order give the same names.
 */
export class ManifestBook {
  readonly #files = new Map<string, PromisedFile>()
  readonly #pages = new Map<number, JournaledPage>()
  readonly #namer: FileNamer

  constructor(gzip: boolean) {
    this.#namer = new FileNamer(gzip)
  }

  /** In the order in which they became known. */
  get files(): readonly PromisedFile[] {
    return [...this.#files.values()]
  }

  /** Addresses of the pages, in order. */
  get pageUrls(): readonly string[] {
    return [...this.#pages.values()].map(({ url }) => url)
  }

  get transactionTime(): string | undefined {
    return this.#pages.get(0)?.manifest.transactionTime
  }

  /** The file with a key, with its latest URL. */
  file(key: string): PromisedFile | undefined {
    return this.#files.get(key)
  }

  /** Whether a page says anything that the book does not know. */
  isNews(page: JournaledPage): boolean {
    const known = this.#pages.get(page.page)
    return known === undefined || JSON.stringify(known) !== JSON.stringify(page)
  }

  /** @returns The files that were not known before. */
  add(page: JournaledPage): readonly PromisedFile[] {
    this.#pages.set(page.page, page)
    const added: PromisedFile[] = []
    for (const kind of KINDS) {
      for (const [place, entry] of page.manifest[kind].entries()) {
        const key = `${page.page}/${kind}/${place}`
        const known = this.#files.get(key)
        const file = this.#promised(page, { key, kind, entry, known })
        this.#files.set(key, file)
        if (known === undefined) added.push(file)
      }
    }
    return added
  }

  #promised({ manifest, url: base }: JournaledPage, entry: BookEntry): PromisedFile {
    const { key, kind, known } = entry
    const { type, url: text, count, fileSize, sha256 } = entry.entry
    const url = usableUrl(text, new URL(base))
    const organized = kind === 'output' && manifest.organizedBy !== undefined
    return {
      file: {
        index: known?.file.index ?? this.#files.size,
        key,
        kind,
        type,
        url: url instanceof URL ? url.href : text,
        path: known?.file.path ?? this.#namer.next(kind, type),
        expected: {
          ...(count !== undefined && { count }),
          ...(fileSize !== undefined && { bytes: fileSize }),
          ...(sha256 !== undefined && { sha256 }),
        },
      },
      url: url instanceof URL ? url : undefined,
      refusal: url instanceof URL ? undefined : url,
      requiresAccessToken: manifest.requiresAccessToken,
      organized,
    }
  }
}

interface BookEntry {
  readonly key: string
  readonly kind: OutputFileKind
  readonly entry: ManifestFile
  readonly known: PromisedFile | undefined
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
