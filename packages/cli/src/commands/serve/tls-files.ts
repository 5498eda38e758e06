import { readFile } from 'node:fs/promises'
import type { TlsCredentials } from '@flatfhir/server'
import { UsageError } from '../../errors.ts'
import type { AccessFlags } from './access-options.ts'

/**
 * Reads certificate and key.
 *
 * @returns `undefined` where neither is named.
 * @throws `UsageError` when only one of them is named, or a file cannot be read.
 */
export async function readTlsFiles({
  tlsCert,
  tlsKey,
}: Pick<AccessFlags, 'tlsCert' | 'tlsKey'>): Promise<TlsCredentials | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError(
      'A certificate needs its key, and the key its certificate',
      'Give both --tls-cert and --tls-key.',
    )
  }
  const [cert, key] = await Promise.all([read(tlsCert), read(tlsKey)])
  return { cert, key }
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch(() => {
    throw new UsageError(`${path}: cannot be read`, 'Check the path and its permissions.')
  })
}
