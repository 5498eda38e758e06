import { readFile } from 'node:fs/promises'
import type { RegistrationKeys } from '@flatfhir/auth'
import { UsageError } from '../../errors.ts'
import type { ClientKeysOptions } from './clients-options.ts'
import { JwksFileError } from './errors.ts'

/**
 * The keys that the options name, for the registration to check.
 *
 * @throws `UsageError` when they name none; `JwksFileError`.
 */
export async function registrationKeys({
  jwks,
  jwksUrl,
}: ClientKeysOptions): Promise<RegistrationKeys> {
  if (jwksUrl !== undefined) return { jwksUrl }
  if (jwks !== undefined) return { jwks: await readJson(jwks) }
  throw new UsageError('The keys of the client are missing', 'Give --jwks FILE or --jwks-url URL.')
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new JwksFileError(path, 'unreadable')
  })
  try {
    return JSON.parse(text) as unknown
  } catch {
    // No cause: the parser quotes what it read, which may be a private key by mistake.
    throw new JwksFileError(path, 'not-json')
  }
}
