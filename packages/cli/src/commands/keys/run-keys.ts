import { createKeyFile, dropRetiredKeys, readKeyFile, rotateKeyFile } from '@flatfhir/auth'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import type { CommandContext } from '../command.ts'
import type { KeysCreateOptions } from './create-command.ts'
import type { KeysRotateOptions } from './rotate-command.ts'
import type { KeysShowOptions } from './show-command.ts'
import { tellKeys, warnAboutKeyFile } from './tell-keys.ts'

const now = (): Date => new Date()

/** Runs `flatfhir keys create`. @returns the exit code. */
export async function runKeysCreate(
  { key: file, alg, jwksOut }: KeysCreateOptions,
  context: CommandContext,
): Promise<number> {
  const keys = await createKeyFile(file, { now, algorithms: alg })
  const note = `private keys in ${file}, which only you can read:`
  await tellKeys({ file, keys, jwksOut, note }, context)
  return EXIT_COMPLETE
}

/** Runs `flatfhir keys show`. @returns the exit code. */
export async function runKeysShow(
  { key: file, jwksOut }: KeysShowOptions,
  context: CommandContext,
): Promise<number> {
  const { keys, warnings } = await readKeyFile(file)
  warnAboutKeyFile(file, warnings, context)
  await tellKeys({ file, keys, jwksOut, note: `keys of ${file}:` }, context)
  return EXIT_COMPLETE
}

/** Runs `flatfhir keys rotate`. @returns the exit code. */
export async function runKeysRotate(
  { key: file, overlap, dropOnly, jwksOut }: KeysRotateOptions,
  context: CommandContext,
): Promise<number> {
  const times = { now, overlapSeconds: overlap / 1000 }
  const keys = dropOnly ? await dropRetiredKeys(file, times) : await rotateKeyFile(file, times)
  const note = dropOnly
    ? `keys of ${file} that are left:`
    : `new keys in ${file}; publish the JWK Set before the next login:`
  await tellKeys({ file, keys, jwksOut, note }, context)
  return EXIT_COMPLETE
}
