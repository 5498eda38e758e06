import { BulkDataError } from '@flatfhir/protocol'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file to import, and how it is read. */
export interface ImportSource {
  readonly path: string
  /** `json`: one Bundle or one resource. `ndjson`: a resource, or a Bundle, a line. */
  readonly format: 'ndjson' | 'json'
  readonly isGzip: boolean
}

/** A path given to an import is not there, or holds nothing that could be imported. */
export class ImportPathError extends BulkDataError {
  readonly code = 'IMPORT_PATH'
  readonly retryable = false
}

const NAME = /\.(ndjson|jsonl|json)(\.gz)?$/i

/**
 * The files of paths that are files or folders, folders of folders included.
 *
 * @throws {@link ImportPathError} when a path is not there, or no file could be imported.
 */
export async function findImportSources(
  paths: readonly string[],
): Promise<readonly ImportSource[]> {
  const sources: ImportSource[] = []
  for (const path of paths) {
    const found = await sourcesAt(path)
    if (found.length === 0) {
      throw new ImportPathError(`There is nothing to import at ${path}`, {
        nextStep:
          'Name files that end in .ndjson, .ndjson.gz, .json or .json.gz, or a folder of such.',
      })
    }
    sources.push(...found)
  }
  return sources
}

async function sourcesAt(path: string): Promise<readonly ImportSource[]> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) {
    throw new ImportPathError(`${path} does not exist`, { nextStep: 'Check the path.' })
  }
  if (!stats.isDirectory()) {
    const source = sourceOf(path)
    return source === undefined ? [] : [source]
  }
  const files = await filesIn(path)
  return files.flatMap((file) => sourceOf(file) ?? [])
}

/** Sorted, so that the same folder is always read in the same order. */
async function filesIn(directory: string): Promise<readonly string[]> {
  const files: string[] = []
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) files.push(...(await filesIn(path)))
    else if (entry.isFile()) files.push(path)
  }
  return files.sort()
}

function sourceOf(path: string): ImportSource | undefined {
  const match = NAME.exec(path)
  if (match === null) return undefined
  const format = match[1]?.toLowerCase() === 'json' ? 'json' : 'ndjson'
  return { path, format, isGzip: match[2] !== undefined }
}
