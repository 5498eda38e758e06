import { BulkDataError } from '@flatfhir/protocol'
import { requestManifestPage } from '../await-manifest.ts'
import { type PromisedFile, type PromisedFiles, promisedFiles } from '../promised-files.ts'
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
  readonly #transactionTimeMs: number
  readonly #context: RunContext
  #fetchedMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<PromisedFiles | undefined> = Promise.resolve(undefined)

  constructor(statusUrl: URL, transactionTime: Date, context: RunContext) {
    this.#statusUrl = statusUrl
    this.#transactionTimeMs = transactionTime.getTime()
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
    const fresh = (await this.#fetching)?.files[file.index]
    if (fresh?.file.kind !== file.kind || fresh.file.type !== file.type) return undefined
    return fresh
  }

  async #fetch(): Promise<PromisedFiles | undefined> {
    try {
      const first = await requestManifestPage(this.#statusUrl, this.#context)
      const files = await promisedFiles(first, this.#context)
      return files.transactionTime.getTime() === this.#transactionTimeMs ? files : undefined
    } catch (error) {
      if (BulkDataError.is(error)) return undefined
      throw error
    }
  }
}
