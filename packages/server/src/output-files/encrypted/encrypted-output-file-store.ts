import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type {
  ByteRange,
  OutputFileKey,
  OutputFileStore,
  OutputFileWriter,
} from '../../output-file-store.ts'
import type { WorkerModule } from '../../resource-store.ts'
import { DirectoryOutputFileStore } from '../directory-output-file-store.ts'
import { DecryptingFileStream } from './decrypting-file-stream.ts'
import { EncryptedFileWriter } from './encrypted-file-writer.ts'
import { EncryptionKey } from './encryption-key.ts'
import { OutputFileNotEncryptedError } from './errors.ts'
import {
  ChunkCipher,
  chunkLayout,
  DEFAULT_CHUNK_BYTES,
  encodeHeader,
  HEADER_BYTES,
  isEncryptedFile,
  SALT_BYTES,
} from './file-format.ts'
import {
  destroyJobKey,
  JOB_KEY_FILE_NAME,
  obtainJobKey,
  readJobKey,
  type JobKeyPlace,
  type KeyRing,
} from './job-key-file.ts'
import { isMissing, namesIn } from '../../directories.ts'

const ID = /^[0-9a-f]{16,64}$/

/** Where encrypted files are, and with what they are encrypted. */
export interface EncryptedOutputFileStoreOptions {
  /** Made with the first file if it is not there. */
  readonly directory: string
  /** Wraps the data keys of new jobs. */
  readonly key: EncryptionKey
  /**
   * Keys that were in use before: jobs of that time stay readable.
   *
   * @defaultValue none
   */
  readonly previousKeys?: readonly EncryptionKey[]
}

/**
 * Keeps output files encrypted in a local directory, laid out as `DirectoryOutputFileStore` does.
 *
 * Every job has a data key of its own, which lies beside its files in `job.key`, wrapped with the
 * configured key. Deleting a job destroys that key first, so that a copy of the files which somebody
 * has kept is worth nothing even to whoever has the configured key. Sizes and offsets that callers
 * see are those of the plaintext.
 *
 * The format is described in docs/encrypted-files.md.
 */
export class EncryptedOutputFileStore implements OutputFileStore {
  readonly #directory: string
  readonly #ring: KeyRing
  readonly #files: DirectoryOutputFileStore

  constructor({ directory, key, previousKeys = [] }: EncryptedOutputFileStoreOptions) {
    this.#directory = directory
    const byId = new Map([...previousKeys, key].map((each) => [each.keyId, each]))
    this.#ring = { current: key, byId }
    this.#files = new DirectoryOutputFileStore(directory)
  }

  /** Holds the keys: for worker threads of this process only, never for a log. */
  get workerModule(): WorkerModule {
    const options: WorkerOptions = {
      directory: this.#directory,
      key: this.#ring.current.bytes(),
      previousKeys: [...this.#ring.byId.values()].map((key) => key.bytes()),
    }
    return { url: import.meta.url, options }
  }

  /**
   * @throws TypeError when an id is not hexadecimal.
   * @throws EncryptionKeyUnknownError when the job has a data key that no configured key unwraps.
   * @throws OutputFileDamagedError when the job's data key is damaged.
   */
  async create(key: OutputFileKey): Promise<OutputFileWriter> {
    // First, because it makes the job's directory.
    const target = await this.#files.create(key)
    try {
      const jobKey = await obtainJobKey(this.#placeOf(key.jobId), this.#ring)
      const header = encodeHeader(DEFAULT_CHUNK_BYTES, randomBytes(SALT_BYTES))
      const cipher = new ChunkCipher(jobKey, header, key)
      jobKey.fill(0)
      return new EncryptedFileWriter({ target, cipher, header, chunkBytes: DEFAULT_CHUNK_BYTES })
    } catch (error) {
      await target.abort()
      throw error
    }
  }

  /**
   * The stream holds the file open until it ends or is destroyed. It fails with
   * OutputFileDamagedError at the first chunk that is not what was written.
   *
   * @returns `undefined` when there is no such file, or its key was destroyed.
   * @throws EncryptionKeyUnknownError when no configured key unwraps the job's data key.
   * @throws OutputFileDamagedError when the file's beginning or its job's data key is damaged.
   * @throws OutputFileNotEncryptedError for a file from before encryption was switched on.
   */
  async read(key: OutputFileKey, range?: ByteRange): Promise<Readable | undefined> {
    if (!ID.test(key.jobId) || !ID.test(key.fileId)) return undefined
    const file = await openIfThere(join(this.#directory, key.jobId, key.fileId))
    if (file === undefined) return undefined
    try {
      const stream = await this.#decrypt(file, key, range)
      if (stream === undefined) await file.close()
      return stream
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The key goes first: cut off in between, what is left of the job is noise. */
  async deleteJob(jobId: string): Promise<void> {
    if (ID.test(jobId)) await destroyJobKey(this.#placeOf(jobId).directory)
    await this.#files.deleteJob(jobId)
  }

  async retainFiles(jobId: string, fileIds: readonly string[]): Promise<void> {
    await this.#files.retainFiles(jobId, [...fileIds, JOB_KEY_FILE_NAME])
    const left = await namesIn(this.#placeOf(jobId).directory)
    if (left.every((name) => name === JOB_KEY_FILE_NAME)) await this.deleteJob(jobId)
  }

  async jobIds(): Promise<readonly string[]> {
    return this.#files.jobIds()
  }

  /** Nothing is held open between calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]()
  }

  #placeOf(jobId: string): JobKeyPlace {
    return { jobId, directory: join(this.#directory, jobId) }
  }

  async #decrypt(
    file: FileHandle,
    key: OutputFileKey,
    range: ByteRange | undefined,
  ): Promise<Readable | undefined> {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
    const header = buffer.subarray(0, bytesRead)
    const jobKey = await readJobKey(this.#placeOf(key.jobId), this.#ring)
    if (jobKey === undefined) {
      if (!isEncryptedFile(header)) throw new OutputFileNotEncryptedError()
      return undefined
    }
    const layout = chunkLayout(header, size)
    const cipher = new ChunkCipher(jobKey, header, key)
    jobKey.fill(0)
    return new DecryptingFileStream({ file, cipher, layout, range })
  }
}

/**
 * Whether a directory holds jobs whose files are encrypted: a server without a key would send them
 * as they are.
 */
export async function holdsEncryptedJobs(directory: string): Promise<boolean> {
  for (const jobId of await new DirectoryOutputFileStore(directory).jobIds()) {
    if ((await namesIn(join(directory, jobId))).includes(JOB_KEY_FILE_NAME)) return true
  }
  return false
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

interface WorkerOptions {
  readonly directory: string
  readonly key: Uint8Array
  readonly previousKeys: readonly Uint8Array[]
}

/** How a worker thread opens the store; see {@link EncryptedOutputFileStore.workerModule}. */
export async function openOutputFileStore(options: unknown): Promise<OutputFileStore> {
  const { directory, key, previousKeys } = options as WorkerOptions
  return new EncryptedOutputFileStore({
    directory,
    key: new EncryptionKey(key),
    previousKeys: previousKeys.map((bytes) => new EncryptionKey(bytes)),
  })
}
