import { publicJwks, type KeyFileWarning, type PrivateKey } from '@flatfhir/auth'
import { writeFileAtomically } from '../../files/write-file-atomically.ts'
import type { CommandContext } from '../command.ts'

/** What a command of `flatfhir keys` has to tell. */
export interface KeysResult {
  readonly file: string
  readonly keys: readonly PrivateKey[]
  readonly jwksOut: string | undefined
  /** What was done, for people. */
  readonly note: string
}

/** Prints or writes the public JWK Set; nothing secret leaves the file of keys. */
export async function tellKeys(result: KeysResult, context: CommandContext): Promise<void> {
  const { file, keys, jwksOut, note } = result
  const jwks = publicJwks(keys)
  const text = `${JSON.stringify(jwks, undefined, 2)}\n`
  if (jwksOut !== undefined) await writeFileAtomically(jwksOut, text)
  if (context.options.json) {
    context.print(JSON.stringify({ file, keys: keys.map(keyFields), jwks }))
    return
  }
  const fields = { file, keys: keys.length }
  context.progress.note({ text: note, event: 'keys', fields })
  for (const key of keys) context.progress.note({ text: keyLine(key), event: 'key', fields })
  if (jwksOut === undefined) context.print(text.trimEnd())
  else context.print(`public JWK Set in ${jwksOut}`)
}

/** Says on stderr what is wrong with a file of keys although it can be used. */
export function warnAboutKeyFile(
  file: string,
  warnings: readonly KeyFileWarning[],
  context: CommandContext,
): void {
  if (warnings.includes('readable-by-others')) {
    context.warn(`warning: others can read the private keys in ${file}: run chmod 600 ${file}`)
  }
}

function keyFields({ kid, algorithm, created, retired }: PrivateKey): object {
  return {
    kid,
    alg: algorithm,
    ...(created === undefined ? {} : { created: created.toISOString() }),
    ...(retired === undefined ? {} : { retired: retired.toISOString() }),
  }
}

function keyLine({ kid, algorithm, created, retired }: PrivateKey): string {
  const made = created === undefined ? '' : `, made ${created.toISOString()}`
  const state = retired === undefined ? 'signs' : `retired ${retired.toISOString()}, still listed`
  return `  ${algorithm}  ${kid}  ${state}${made}`
}
