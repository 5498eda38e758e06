import { readEncryptionKey, type EncryptionKey } from '@flatfhir/server'
import { UsageError } from '../../errors.ts'
import type { EncryptionKeys } from '../../provider/output-files.ts'
import type { CommandContext } from '../command.ts'
import type { AccessFlags } from './access-options.ts'

/**
 * Reads the keys that output files are encrypted with, and warns of files that others can read.
 *
 * @returns `undefined` where no key is named.
 */
export async function readEncryptionKeys(
  options: Pick<AccessFlags, 'encryptionKeyFile' | 'previousEncryptionKeyFile'>,
  context: CommandContext,
): Promise<EncryptionKeys | undefined> {
  const { encryptionKeyFile, previousEncryptionKeyFile = [] } = options
  if (encryptionKeyFile === undefined) {
    if (previousEncryptionKeyFile.length === 0) return undefined
    throw new UsageError(
      'A previous encryption key needs a present one',
      'Give --encryption-key-file.',
    )
  }
  const key = await readKey(encryptionKeyFile, context)
  const previousKeys: EncryptionKey[] = []
  for (const path of previousEncryptionKeyFile) previousKeys.push(await readKey(path, context))
  return { key, previousKeys }
}

async function readKey(path: string, context: CommandContext): Promise<EncryptionKey> {
  const { key, readableByOthers } = await readEncryptionKey(path)
  if (readableByOthers) {
    context.warn(`warning: others can read the encryption key in ${path}: run chmod 600 ${path}`)
  }
  return key
}
