import { BulkExport } from './bulk-export.ts'
import type { ExportOptions, ResumeOptions } from './export-options.ts'
import type { ExportReport } from './export-report.ts'
import type { CollectResult, ExportJobStatus } from './job-status.ts'

/**
 * Runs one export from kick-off to delete: the files of the manifest end up in `directory`, each
 * checked, or the report says what is missing and why.
 *
 * The same call again goes on where an interrupted one stopped: the kick-off is not repeated and
 * finished files are not fetched again. After a complete export it asks the provider for nothing.
 *
 * Resolves whatever became of the files; look at the report's `verdict`. A file that cannot be had
 * does not keep the others from being fetched.
 *
 * @throws {@link ExportAbortedError} when `signal` ends the run; another {@link BulkDataError} when
 *   there is no manifest: `EXPORT_OPTIONS_INVALID`, `EXPORT_DIRECTORY_REFUSED`, `JOURNAL_INVALID`,
 *   `PROVIDER_UNREACHABLE`, `REQUEST_REJECTED`, `EXPORT_FAILED`, `PROVIDER_ANSWER_INVALID`,
 *   `REDIRECT_REFUSED`, `MANIFEST_INVALID`. After those that may pass (`retryable`), the same call
 *   goes on with the same export; after the others it has been deleted at the provider, as far as
 *   that could be reached.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#sequence-overview | Bulk Data: Sequence Overview}
 *
 * @example
 * ```ts
 * const report = await runExport({
 *   url: 'https://ehr.example.org/fhir',
 *   level: 'group',
 *   groupId: 'diabetes',
 *   directory: './diabetes',
 * })
 * if (report.verdict !== 'complete') console.error(report.problems)
 * ```
 */
export async function runExport(options: ExportOptions): Promise<ExportReport> {
  await using bulk = await BulkExport.open(options)
  return await bulk.run()
}

/**
 * Goes on with the export in a folder, whatever it was doing, with the options of its first call.
 *
 * @throws as {@link runExport}; `JOURNAL_INVALID` when there is no export in the folder.
 */
export async function resumeExport(options: ResumeOptions): Promise<ExportReport> {
  await using bulk = await BulkExport.resume(options)
  return await bulk.run()
}

/**
 * Sends the kick-off request, and returns at once. For schedulers. Again, it sends nothing.
 *
 * @throws as {@link runExport}.
 */
export async function startExport(options: ExportOptions): Promise<ExportJobStatus> {
  await using bulk = await BulkExport.open(options)
  return await bulk.start()
}

/**
 * Asks the provider once how far it is, unless it has asked not to be asked yet.
 *
 * @throws as {@link runExport}; `JOURNAL_INVALID` when there is no export in the folder.
 */
export async function exportStatus(options: ResumeOptions): Promise<ExportJobStatus> {
  await using bulk = await BulkExport.resume(options)
  return await bulk.status()
}

/**
 * Fetches the files of an export that is ready; never waits for one that is not.
 *
 * @throws as {@link runExport}; `JOURNAL_INVALID` when there is no export in the folder.
 */
export async function collectExport(options: ResumeOptions): Promise<CollectResult> {
  await using bulk = await BulkExport.resume(options)
  return await bulk.collect()
}

/**
 * Deletes the export at the provider. Files that are on disk stay.
 *
 * @throws `PROVIDER_UNREACHABLE` or `REQUEST_REJECTED` when the provider did not confirm it;
 *   `JOURNAL_INVALID` when there is no export in the folder.
 */
export async function cancelExport(options: ResumeOptions): Promise<ExportJobStatus> {
  await using bulk = await BulkExport.resume(options)
  return await bulk.cancel()
}
