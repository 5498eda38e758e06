import { randomUUID } from 'node:crypto'
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AssertionAlgorithm } from '../jwks/public-jwks.ts'
import { KeyFileError, KeyInvalidError } from './errors.ts'
import { loadKeys } from './load-keys.ts'
import { PrivateKey } from './private-key.ts'

/** What is wrong with a file of keys although it can be used. */
export type KeyFileWarning = 'readable-by-others'

/** What {@link readKeyFile} finds. */
export interface KeyFileContent {
  readonly keys: readonly PrivateKey[]
  readonly warnings: readonly KeyFileWarning[]
}

/** How new keys are made. */
export interface CreateKeyFileOptions {
  readonly now: () => Date
  /**
   * One key each.
   *
   * @defaultValue ES384
   */
  readonly algorithms?: readonly AssertionAlgorithm[]
}

/** How keys are replaced. */
export interface RotateKeyFileOptions {
  readonly now: () => Date
  /**
   * How long a retired key stays listed, so that providers that remember the old JWK Set, and
   * assertions under way, go on working.
   *
   * @defaultValue 604800, a week
   */
  readonly overlapSeconds?: number
}

const MAX_FILE_BYTES = 1024 * 1024
const DEFAULT_OVERLAP_SECONDS = 7 * 24 * 60 * 60
const OTHERS = 0o077

/**
 * Makes key pairs and writes them, readable by their owner alone.
 *
 * @throws `KeyFileError`; a file that is there already is never overwritten.
 */
export async function createKeyFile(
  path: string,
  { now, algorithms = ['ES384'] }: CreateKeyFileOptions,
): Promise<readonly PrivateKey[]> {
  const keys: PrivateKey[] = []
  for (const algorithm of new Set(algorithms))
    keys.push(await PrivateKey.generate(algorithm, now()))
  if (keys.length === 0) throw new RangeError('algorithms is empty')
  await writeKeys(path, keys, async (temporaryPath) => {
    // Unlike a rename, a link fails when the name is taken.
    await link(temporaryPath, path)
    await rm(temporaryPath)
  })
  return keys
}

/**
 * Reads a file of keys: ours, or any text that `loadKeys` takes.
 *
 * @param kid - For a key that names none.
 * @throws `KeyFileError`, `KeyInvalidError`
 */
export async function readKeyFile(path: string, kid?: string): Promise<KeyFileContent> {
  const { text, mode } = await readText(path)
  const warnings: KeyFileWarning[] = []
  // Windows has no such bits, and reports that everybody may read.
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) warnings.push('readable-by-others')
  return { keys: await loadKeys(text, kid), warnings }
}

/**
 * Replaces every active key by a new one of the same algorithm. The old ones stay in the file,
 * retired: they sign nothing more, but are listed until their overlap is over, which the next
 * rotation or {@link dropRetiredKeys} sees to.
 *
 * @returns All keys of the file, the new ones first.
 * @throws `KeyFileError`, `KeyInvalidError`
 */
export async function rotateKeyFile(
  path: string,
  { now, overlapSeconds = DEFAULT_OVERLAP_SECONDS }: RotateKeyFileOptions,
): Promise<readonly PrivateKey[]> {
  const { keys } = await readKeyFile(path)
  const active = keys.filter((key) => key.retired === undefined)
  // Without an active key the latest algorithm is not known from use, so any of the set will do.
  const replaced = active.length > 0 ? active : keys
  const fresh: PrivateKey[] = []
  for (const algorithm of new Set(replaced.map((key) => key.algorithm))) {
    fresh.push(await PrivateKey.generate(algorithm, now()))
  }
  const old = keys.map((key) => (key.retired === undefined ? key.retire(now()) : key))
  const all = [...fresh, ...stillListed(old, now(), overlapSeconds)]
  await writeKeys(path, all, (temporaryPath) => rename(temporaryPath, path))
  return all
}

/**
 * Takes keys off the file that were retired longer ago than the overlap.
 *
 * @returns The keys that are left.
 * @throws `KeyFileError`; `KeyInvalidError` when none would be left.
 */
export async function dropRetiredKeys(
  path: string,
  { now, overlapSeconds = DEFAULT_OVERLAP_SECONDS }: RotateKeyFileOptions,
): Promise<readonly PrivateKey[]> {
  const { keys } = await readKeyFile(path)
  const left = stillListed(keys, now(), overlapSeconds)
  if (left.length === 0) throw new KeyInvalidError('no-active-key')
  if (left.length === keys.length) return keys
  await writeKeys(path, left, (temporaryPath) => rename(temporaryPath, path))
  return left
}

function stillListed(
  keys: readonly PrivateKey[],
  now: Date,
  overlapSeconds: number,
): readonly PrivateKey[] {
  return keys.filter(({ retired }) => {
    return retired === undefined || now.getTime() < retired.getTime() + overlapSeconds * 1000
  })
}

async function readText(path: string): Promise<{ text: string; mode: number }> {
  try {
    await using file = await open(path, 'r')
    const { size, mode } = await file.stat()
    if (size > MAX_FILE_BYTES) throw new KeyFileError('too-large', path)
    return { text: await file.readFile('utf8'), mode }
  } catch (error) {
    throw fileError(error, path)
  }
}

async function writeKeys(
  path: string,
  keys: readonly PrivateKey[],
  publish: (temporaryPath: string) => Promise<void>,
): Promise<void> {
  const text = `${JSON.stringify({ keys: keys.map((key) => key.exportSecret()) }, undefined, 2)}\n`
  const temporaryPath = `${path}.${randomUUID()}.part`
  try {
    await writeFlushed(await open(temporaryPath, 'wx', 0o600), text)
    await publish(temporaryPath)
    await flushDirectory(dirname(path))
  } catch (error) {
    await rm(temporaryPath, { force: true })
    throw fileError(error, path)
  }
}

async function writeFlushed(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the new name survive a power cut, where directories can be flushed. */
async function flushDirectory(path: string): Promise<void> {
  if (process.platform === 'win32' || !(await stat(path)).isDirectory()) return
  await using directory = await open(path, 'r')
  await directory.sync()
}

function fileError(error: unknown, path: string): unknown {
  if (error instanceof KeyFileError || !(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'EEXIST') return new KeyFileError('exists', path)
  return new KeyFileError(error.code === 'ENOENT' ? 'missing' : 'not-accessible', path)
}
