import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn, syncDirectory } from '../../directories.ts'
import { KEY_BYTES, KEY_ID_BYTES, type EncryptionKey } from './encryption-key.ts'
import { EncryptionKeyUnknownError, OutputFileDamagedError } from './errors.ts'

/** Name of the file in a job's directory that holds its wrapped data key. No file id is like it. */
export const JOB_KEY_FILE_NAME = 'job.key'

/*
 * magic[8] keyId[8] nonce[12] ciphertext[32] tag[16], with magic, keyId and the job's id as
 * associated data: the key of one job is no key for another. See docs/encrypted-files.md.
 */
const MAGIC = Buffer.from('FFHKEY01', 'latin1')
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const NONCE_OFFSET = MAGIC.length + KEY_ID_BYTES
const CIPHERTEXT_OFFSET = NONCE_OFFSET + NONCE_BYTES
const TAG_OFFSET = CIPHERTEXT_OFFSET + KEY_BYTES
const FILE_BYTES = TAG_OFFSET + TAG_BYTES
const FILE_MODE = 0o600

/** The keys that data keys are wrapped with. */
export interface KeyRing {
  /** Wraps new data keys. */
  readonly current: EncryptionKey
  /** All keys, by id. */
  readonly byId: ReadonlyMap<string, EncryptionKey>
}

/** Where a job's data key is. */
export interface JobKeyPlace {
  readonly jobId: string
  /** The job's own; it exists. */
  readonly directory: string
}

/**
 * Reads the data key of a job.
 *
 * @returns `undefined` when there is none: nothing was written yet, or it was destroyed.
 * @throws EncryptionKeyUnknownError when it was wrapped with a key that is not in the ring.
 * @throws OutputFileDamagedError when it is not what was written for this job.
 */
export async function readJobKey(
  { jobId, directory }: JobKeyPlace,
  ring: KeyRing,
): Promise<Buffer | undefined> {
  try {
    return unwrapJobKey(await readFile(join(directory, JOB_KEY_FILE_NAME)), jobId, ring)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Reads the data key of a job, or makes one. Of several threads that make one at the same time, one
 * wins, and all come back with its key.
 */
export async function obtainJobKey(place: JobKeyPlace, ring: KeyRing): Promise<Buffer> {
  const known = await readJobKey(place, ring)
  if (known !== undefined) return known
  const path = join(place.directory, JOB_KEY_FILE_NAME)
  const temporaryPath = `${path}.${randomUUID()}.part`
  const jobKey = randomBytes(KEY_BYTES)
  try {
    await writeDurably(temporaryPath, wrapJobKey(jobKey, place.jobId, { key: ring.current }))
    // Unlike a rename, a link never replaces the key that another thread has just made.
    await link(temporaryPath, path)
    await syncDirectory(place.directory)
    return jobKey
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    const theirs = await readJobKey(place, ring)
    if (theirs === undefined) throw error
    return theirs
  } finally {
    await rm(temporaryPath, { force: true })
  }
}

/**
 * Overwrites and removes the data key of a job, and what was left of making one: from then on its
 * files are noise. A job without a key is not an error.
 */
export async function destroyJobKey(directory: string): Promise<void> {
  const names = (await namesIn(directory)).filter((name) => name.startsWith(JOB_KEY_FILE_NAME))
  for (const name of names) {
    const path = join(directory, name)
    await overwrite(path)
    await rm(path, { force: true })
  }
  if (names.length > 0) await syncDirectory(directory)
}

/** What a data key is wrapped with. */
export interface Wrapping {
  readonly key: EncryptionKey
  /**
   * 12 bytes, never the same twice with one key.
   *
   * @defaultValue random
   */
  readonly nonce?: Uint8Array
}

/** Encrypts a job's data key. */
export function wrapJobKey(
  jobKey: Uint8Array,
  jobId: string,
  { key, nonce = randomBytes(NONCE_BYTES) }: Wrapping,
): Buffer {
  const head = Buffer.concat([MAGIC, Buffer.from(key.keyId, 'hex')])
  const cipher = createCipheriv(CIPHER, key.bytes(), nonce)
  cipher.setAAD(Buffer.concat([head, Buffer.from(jobId, 'latin1')]))
  const ciphertext = cipher.update(jobKey)
  cipher.final()
  return Buffer.concat([head, nonce, ciphertext, cipher.getAuthTag()])
}

/**
 * Decrypts what {@link wrapJobKey} has made.
 *
 * @throws EncryptionKeyUnknownError, OutputFileDamagedError - see {@link readJobKey}.
 */
export function unwrapJobKey(file: Buffer, jobId: string, ring: KeyRing): Buffer {
  const head = file.subarray(0, NONCE_OFFSET)
  if (file.length !== FILE_BYTES || !MAGIC.equals(head.subarray(0, MAGIC.length))) {
    throw new OutputFileDamagedError('job key')
  }
  const keyId = head.toString('hex', MAGIC.length)
  const key = ring.byId.get(keyId)
  if (key === undefined) throw new EncryptionKeyUnknownError(keyId)
  const nonce = file.subarray(NONCE_OFFSET, CIPHERTEXT_OFFSET)
  const decipher = createDecipheriv(CIPHER, key.bytes(), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.concat([head, Buffer.from(jobId, 'latin1')]))
  decipher.setAuthTag(file.subarray(TAG_OFFSET))
  try {
    const jobKey = decipher.update(file.subarray(CIPHERTEXT_OFFSET, TAG_OFFSET))
    decipher.final()
    return jobKey
  } catch {
    throw new OutputFileDamagedError('job key')
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (file === undefined) return
  try {
    await file.write(randomBytes(FILE_BYTES), 0, FILE_BYTES, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
