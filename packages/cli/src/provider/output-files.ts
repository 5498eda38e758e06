import {
  DirectoryOutputFileStore,
  EncryptedOutputFileStore,
  holdsEncryptedJobs,
  type EncryptionKey,
  type OutputFileStore,
} from '@flatfhir/server'
import { EncryptionKeyMissingError } from './errors.ts'

/** The keys that output files are encrypted with. */
export interface EncryptionKeys {
  readonly key: EncryptionKey
  readonly previousKeys: readonly EncryptionKey[]
}

/**
 * Opens the directory of output files.
 *
 * @throws `EncryptionKeyMissingError` without keys, where the directory holds encrypted exports.
 */
export async function openOutputFiles(
  directory: string,
  keys: EncryptionKeys | undefined,
): Promise<OutputFileStore & AsyncDisposable> {
  if (keys !== undefined) return new EncryptedOutputFileStore({ directory, ...keys })
  if (await holdsEncryptedJobs(directory)) throw new EncryptionKeyMissingError()
  return new DirectoryOutputFileStore(directory)
}
