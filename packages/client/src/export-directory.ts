import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ExportDirectoryRefusedError } from './errors.ts'

const LOCK = '.flatfhir-export.lock'

/**
 * The folder of one export, held against other exports while it runs.
 *
 * A folder with anything in it is refused: a run never mixes its files with those of another, and
 * never overwrites.
 */
export class ExportDirectory implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /**
   * Makes the folder where it is missing, and takes hold of it.
   *
   * @throws {@link ExportDirectoryRefusedError}
   */
  static async claim(directory: string): Promise<ExportDirectory> {
    const path = resolve(directory)
    try {
      await mkdir(path, { recursive: true })
      const names = await readdir(path)
      if (names.includes(LOCK) && (await holderLives(join(path, LOCK)))) {
        throw new ExportDirectoryRefusedError('in-use', path)
      }
      if (names.length > 0) throw new ExportDirectoryRefusedError('not-empty', path)
      await writeFile(join(path, LOCK), String(process.pid), { flag: 'wx' })
      return new ExportDirectory(path)
    } catch (error) {
      if (error instanceof ExportDirectoryRefusedError) throw error
      const fault = isCode(error, 'EEXIST') ? 'in-use' : 'not-writable'
      throw new ExportDirectoryRefusedError(fault, path, error)
    }
  }

  /** Makes the names of all files durable. */
  async sync(): Promise<void> {
    for (const folder of [join(this.path, 'deleted'), join(this.path, 'error'), this.path]) {
      try {
        await using handle = await open(folder, 'r')
        await handle.sync()
      } catch (error) {
        // Not every export has deleted and error files; Windows has no way to sync a folder.
        if (!isCode(error, 'ENOENT', 'EISDIR', 'EPERM', 'EACCES')) throw error
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.path, LOCK), { force: true })
  }
}

/** A lock that a killed process left behind holds nothing. */
async function holderLives(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, 'utf8').catch(() => ''))
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
