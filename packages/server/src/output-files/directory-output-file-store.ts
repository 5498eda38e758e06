import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { mkdir, open, rename, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type {
  ByteRange,
  OutputFileKey,
  OutputFileStore,
  OutputFileWriter,
} from '../output-file-store.ts'
import { RecyclingFileStream } from '../recycling-file-stream.ts'
import type { WorkerModule } from '../resource-store.ts'
import { isMissing, namesIn, syncDirectory } from '../directories.ts'

const ID = /^[0-9a-f]{16,64}$/
/** Only the server's own account may read health data. */
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/**
 * Keeps output files in a local directory, as `<jobId>/<fileId>`.
 *
 * A file has a temporary name until it and its directory entry are flushed to the disk. Writers work
 * synchronously, so they belong in worker threads.
 */
export class DirectoryOutputFileStore implements OutputFileStore {
  readonly workerModule: WorkerModule
  readonly #directory: string

  /** @param directory - Made with the first file if it is not there. */
  constructor(directory: string) {
    this.#directory = directory
    this.workerModule = { url: import.meta.url, options: { directory } }
  }

  /** @throws TypeError when an id is not hexadecimal. */
  async create(key: OutputFileKey): Promise<OutputFileWriter> {
    const path = this.#pathOf(key)
    const jobDirectory = dirname(path)
    await makeDirectory(this.#directory)
    await mkdir(jobDirectory, { recursive: true, mode: DIRECTORY_MODE })
    const temporaryPath = `${path}.${randomUUID()}.part`
    const handle = await open(temporaryPath, 'wx', FILE_MODE)
    return new DirectoryFileWriter(handle, temporaryPath, path)
  }

  /** The stream holds the file open until it ends or is destroyed. */
  async read(key: OutputFileKey, range?: ByteRange): Promise<Readable | undefined> {
    if (!ID.test(key.jobId) || !ID.test(key.fileId)) return undefined
    try {
      const handle = await open(this.#pathOf(key), 'r')
      return new RecyclingFileStream(handle, range)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async deleteJob(jobId: string): Promise<void> {
    await rm(this.#directoryOf(jobId), { recursive: true, force: true })
  }

  async retainFiles(jobId: string, fileIds: readonly string[]): Promise<void> {
    const directory = this.#directoryOf(jobId)
    const retained = new Set(fileIds)
    const names = await namesIn(directory)
    const superfluous = names.filter((name) => !retained.has(name))
    for (const name of superfluous)
      await rm(join(directory, name), { recursive: true, force: true })
    if (names.length > 0 && superfluous.length === names.length) await rmdir(directory)
  }

  async jobIds(): Promise<readonly string[]> {
    return (await namesIn(this.#directory)).filter((name) => ID.test(name))
  }

  /** Nothing is held open between calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing to close.
  }

  #directoryOf(jobId: string): string {
    if (!ID.test(jobId))
      throw new TypeError('Ids of jobs are 16 to 64 lower-case hexadecimal digits')
    return join(this.#directory, jobId)
  }

  #pathOf({ jobId, fileId }: OutputFileKey): string {
    if (!ID.test(fileId))
      throw new TypeError('Ids of files are 16 to 64 lower-case hexadecimal digits')
    return join(this.#directoryOf(jobId), fileId)
  }
}

class DirectoryFileWriter implements OutputFileWriter {
  readonly #handle: FileHandle
  readonly #temporaryPath: string
  readonly #path: string
  #closed = false

  constructor(handle: FileHandle, temporaryPath: string, path: string) {
    this.#handle = handle
    this.#temporaryPath = temporaryPath
    this.#path = path
  }

  write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#handle.fd, bytes, written)
    }
  }

  async commit(): Promise<void> {
    await this.#handle.sync()
    await this.#close()
    await rename(this.#temporaryPath, this.#path)
    const jobDirectory = dirname(this.#path)
    await syncDirectory(jobDirectory)
    // Another thread may have made the job's directory, and not have come to its flush yet.
    await syncDirectory(dirname(jobDirectory))
  }

  async abort(): Promise<void> {
    await this.#close()
    await rm(this.#temporaryPath, { force: true })
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}

/** Makes a directory, and all above it that are missing, durably. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  let made = resolve(path)
  for (const top = resolve(first); made !== top; made = dirname(made)) {
    await syncDirectory(dirname(made))
  }
  await syncDirectory(dirname(made))
}

/** How a worker thread opens the store; see {@link DirectoryOutputFileStore.workerModule}. */
export async function openOutputFileStore(options: unknown): Promise<OutputFileStore> {
  const { directory } = options as { readonly directory: string }
  return new DirectoryOutputFileStore(directory)
}
