import { BulkDataError } from '@flatfhir/protocol'
import { ManifestBook, type PromisedFile } from '../manifest/manifest-book.ts'
import { requestManifestPage } from '../manifest/request-status.ts'
import { walkManifest } from '../manifest/walk-manifest.ts'
import type { RunContext } from '../run-context.ts'

// Links that were fetched this recently are not fetched again: when a thousand files are gone, the
// provider is not asked a thousand times.
const FRESH_MS = 60_000

/**
 * Asks the provider for the manifest again when a file's link has expired.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request | Bulk Data: Output File Request}
 */
export class FileLinks {
  readonly #statusUrl: URL
  readonly #transactionTime: () => string | undefined
  readonly #context: RunContext
  #fetchedMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<ManifestBook | undefined> = Promise.resolve(undefined)

  constructor(statusUrl: URL, transactionTime: () => string | undefined, context: RunContext) {
    this.#statusUrl = statusUrl
    this.#transactionTime = transactionTime
    this.#context = context
  }

  /**
   * Finds the same file in a fresh manifest.
   *
   * @returns `undefined` when the provider has no manifest any more, or another one.
   */
  async refresh({ file }: PromisedFile): Promise<PromisedFile | undefined> {
    const nowMs = this.#context.settings.clock.now().getTime()
    if (nowMs - this.#fetchedMs > FRESH_MS) {
      this.#fetchedMs = nowMs
      this.#fetching = this.#fetch()
    }
    const fresh = (await this.#fetching)?.file(file.key)
    if (fresh?.file.type !== file.type) return undefined
    return fresh
  }

  async #fetch(): Promise<ManifestBook | undefined> {
    try {
      const book = new ManifestBook(this.#context.settings.gzip)
      const first = await requestManifestPage(this.#statusUrl, this.#context)
      for await (const { page, url, manifest } of walkManifest(first, this.#context)) {
        book.add({ page, url: url.href, manifest })
      }
      return book.transactionTime === this.#transactionTime() ? book : undefined
    } catch (error) {
      if (BulkDataError.is(error)) return undefined
      throw error
    }
  }
}
