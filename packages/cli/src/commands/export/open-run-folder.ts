import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BulkExport,
  ExportDirectoryRefusedError,
  JournalInvalidError,
  newRunDirectory,
  type ExportJobState,
  type ExportOptions as ClientOptions,
} from '@flatfhir/client'
import { UsageError } from '../../errors.ts'
import type { CommandContext } from '../command.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const UNFINISHED: ReadonlySet<ExportJobState> = new Set(['not-started', 'in-progress', 'ready'])

/**
 * Opens the newest run of a name when it is not finished, or a new one.
 *
 * @param request - Its directory is the one that holds the runs.
 */
export async function openRunFolder(
  request: ClientOptions,
  name: string,
  context: CommandContext,
): Promise<BulkExport> {
  if (!NAME.test(name)) {
    throw new UsageError('--run-folders: names are letters, digits, ".", "_" and "-"')
  }
  const newest = await newestRun(request.directory, name)
  if (newest !== undefined && (await isUnfinished(newest))) {
    try {
      return await BulkExport.open({ ...request, directory: newest })
    } catch (error) {
      const isOther = error instanceof ExportDirectoryRefusedError && error.fault === 'other-export'
      if (!isOther) throw error
      context.warn(
        `warning: ${newest} holds another export that is not finished; flatfhir export --resume goes on with it`,
      )
    }
  }
  return BulkExport.open({ ...request, directory: await newRunDirectory(request.directory, name) })
}

async function newestRun(parent: string, name: string): Promise<string | undefined> {
  const entries = await readdir(parent).catch(() => [])
  const runs = entries.filter((entry) => /^\d{3,}\./.test(entry) && entry.endsWith(`.${name}`))
  const ofName = runs.filter((entry) => entry.slice(entry.indexOf('.') + 1) === name)
  const newest = ofName.sort((a, b) => parseInt(a, 10) - parseInt(b, 10)).at(-1)
  return newest === undefined ? undefined : join(parent, newest)
}

async function isUnfinished(directory: string): Promise<boolean> {
  try {
    await using bulk = await BulkExport.resume({ directory })
    return UNFINISHED.has(bulk.known.state)
  } catch (error) {
    if (!(error instanceof JournalInvalidError)) throw error
    // A command that was stopped between making the folder and taking hold of it left it empty.
    return error.fault === 'missing' && (await readdir(directory)).length === 0
  }
}
