import { access, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseInstant } from '@flatfhir/protocol'
import { LoadRefusedError } from '../errors.ts'
import { readReceipt } from '../receipt/read-receipt.ts'
import type { Receipt, ReceiptFile } from '../receipt/receipt.ts'
import { RECEIPT_FILE } from '../receipt/receipt-file.ts'
import { OWN_FOLDER } from '../run-folder.ts'
import { foreignFiles } from './foreign-files.ts'
import type { LandingFile } from './sink.ts'
import { sourceOf } from './sync-settings.ts'
import type { CohortKey } from './sync-state.ts'

/** Which folder, and what is taken for granted. */
export interface ExportedFolderOptions {
  /** Folder of an export with its `receipt.json`, or any folder with files of NDJSON. */
  readonly directory: string
  /** Takes what is there of an export that is not complete. */
  readonly acceptIncomplete?: boolean | undefined
  /**
   * What the data name as their source.
   *
   * @defaultValue the FHIR base URL in the receipt; the folder's `file:` URL where there is none
   */
  readonly source?: string | undefined
}

/** What is found in a folder. */
export interface ExportedFolder {
  readonly cohort: CohortKey
  /** Absent where the folder is not that of an export that flatfhir checked. */
  readonly receipt: Receipt | undefined
  /** `_since` of the export: its files hold only what changed. */
  readonly since: Date | undefined
  readonly output: readonly LandingFile[]
  readonly deleted: readonly LandingFile[]
  /** Names of files of NDJSON that hold no resources, such as logs. */
  readonly skipped: readonly string[]
}

/**
 * Finds the files of an export that is on the disk.
 *
 * @throws {@link LoadRefusedError} when the export is not complete, or its files are not what its
 *   receipt says; `RECEIPT_INVALID`; `NDJSON_INVALID`.
 */
export async function readExportedFolder(options: ExportedFolderOptions): Promise<ExportedFolder> {
  const directory = resolve(options.directory)
  if (await exists(join(directory, RECEIPT_FILE))) return ofReceipt(directory, options)
  if (await exists(join(directory, OWN_FOLDER)))
    throw new LoadRefusedError('not-finished', directory)
  const source = options.source ?? pathToFileURL(directory).href
  const { files, skipped } = await foreignFiles(directory)
  if (files.length === 0) throw new LoadRefusedError('empty', directory)
  const cohort = { source, cohort: 'system' }
  return { cohort, receipt: undefined, since: undefined, output: files, deleted: [], skipped }
}

async function ofReceipt(
  directory: string,
  options: ExportedFolderOptions,
): Promise<ExportedFolder> {
  const receipt = await readReceipt(directory)
  if (receipt.verdict !== 'complete' && options.acceptIncomplete !== true) {
    throw new LoadRefusedError('incomplete', directory)
  }
  const { url, level, groupId } = receipt.request
  const source = options.source ?? sourceOf(url)
  const cohort = level === 'group' ? `group/${groupId ?? ''}` : level
  const [output, deleted] = await Promise.all(
    (['output', 'deleted'] as const).map(async (kind) => receiptFiles(directory, receipt, kind)),
  )
  return {
    cohort: { source, cohort },
    receipt,
    since: sinceOfReceipt(receipt),
    output: output ?? [],
    deleted: deleted ?? [],
    skipped: [],
  }
}

async function receiptFiles(
  directory: string,
  { files }: Receipt,
  kind: 'output' | 'deleted',
): Promise<readonly LandingFile[]> {
  const usable = files.filter((file) => {
    return file.kind === kind && (file.state === 'complete' || file.state === 'partial')
  })
  const found = new Map<string, LandingFile>()
  for (const file of usable) {
    // Several small files may have gone into one.
    for (const name of file.packedInto ?? [file.path]) {
      if (!found.has(name)) found.set(name, await receiptFile(directory, name, file))
    }
  }
  return [...found.values()]
}

async function receiptFile(
  directory: string,
  name: string,
  { type, state, received, packedInto }: ReceiptFile,
): Promise<LandingFile> {
  const path = join(directory, name)
  const bytes = await stat(path).then(
    (found) => found.size,
    () => undefined,
  )
  if (bytes === undefined) throw new LoadRefusedError('file-missing', directory)
  const isOriginal = state === 'complete' && packedInto === undefined
  if (!isOriginal) return { path, type, bytes }
  const isPlain = !name.endsWith('.gz')
  if (isPlain && received.bytes !== undefined && received.bytes !== bytes) {
    throw new LoadRefusedError('file-changed', directory)
  }
  return { path, type, bytes, resources: received.count, sha256: received.sha256 }
}

function sinceOfReceipt(receipt: Receipt): Date | undefined {
  const since = receipt.request.parameters['_since']
  return typeof since === 'string' ? parseInstant(since) : undefined
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
