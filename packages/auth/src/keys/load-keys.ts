import { exportJWK, importPKCS8 } from 'jose'
import { ASSERTION_ALGORITHMS, isObject } from '../jwks/public-jwks.ts'
import { KeyInvalidError } from './errors.ts'
import { isJwk, PrivateKey } from './private-key.ts'

/**
 * Reads private keys from text: a JWK, a JWK Set, or a PEM (PKCS#8).
 *
 * @param kid - For a key that names none, as the provider knows it; its thumbprint when absent.
 * @throws {@link KeyInvalidError}
 */
export async function loadKeys(text: string, kid?: string): Promise<readonly PrivateKey[]> {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed.startsWith('-----BEGIN ')) return [await loadPem(trimmed, kid)]
  const value = parseJson(trimmed)
  if (isJwk(value)) return [await PrivateKey.fromJwk(withKid(value, kid))]
  const members = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(members) || members.length === 0 || !members.every(isJwk)) {
    throw new KeyInvalidError('not-a-key')
  }
  const keys: PrivateKey[] = []
  for (const jwk of members) {
    keys.push(await PrivateKey.fromJwk(members.length === 1 ? withKid(jwk, kid) : jwk))
  }
  if (new Set(keys.map((key) => key.kid)).size < keys.length) {
    throw new KeyInvalidError('repeated-kid')
  }
  return keys
}

function withKid(
  jwk: Readonly<Record<string, unknown>>,
  kid: string | undefined,
): Readonly<Record<string, unknown>> {
  return kid === undefined || 'kid' in jwk ? jwk : { ...jwk, kid }
}

async function loadPem(pem: string, kid: string | undefined): Promise<PrivateKey> {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1] ?? ''
  const isEncrypted = label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(pem)
  if (isEncrypted) throw new KeyInvalidError('encrypted-pem')
  if (label.includes('PUBLIC KEY')) throw new KeyInvalidError('public-key-only')
  if (label !== 'PRIVATE KEY') {
    throw new KeyInvalidError(label.endsWith(' PRIVATE KEY') ? 'not-pkcs8' : 'not-a-key')
  }
  for (const algorithm of ASSERTION_ALGORITHMS) {
    const jwk = await importPKCS8(pem, algorithm, { extractable: true })
      .then(exportJWK)
      .catch(() => undefined)
    // The algorithm is not in the PEM: it is the one whose import succeeds.
    if (jwk !== undefined) return PrivateKey.fromJwk(withKid({ ...jwk }, kid))
  }
  throw new KeyInvalidError('unsupported-algorithm')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new KeyInvalidError('not-a-key')
  }
}
