import { decodeJwt, decodeProtectedHeader } from 'jose'
import { ASSERTION_ALGORITHMS, type AssertionAlgorithm } from '../jwks/public-jwks.ts'

/** What is wrong with a client assertion. */
export type AssertionFault =
  | 'malformed'
  | 'too-long'
  | 'alg-not-allowed'
  | 'wrong-typ'
  | 'no-kid'
  | 'no-subject'
  | 'issuer-is-not-subject'
  | 'wrong-audience'
  | 'no-expiry'
  | 'expired'
  | 'expires-too-late'
  | 'not-yet-valid'
  | 'no-jti'
  | 'unknown-client'
  | 'revoked-client'
  | 'foreign-jku'
  | 'keys-unavailable'
  | 'unknown-key'
  | 'ambiguous-key'
  | 'bad-signature'
  | 'replayed'

/** An assertion whose form and claims are right; its signature is not checked yet. */
export interface AssertionClaims {
  readonly algorithm: AssertionAlgorithm
  readonly kid: string
  readonly jku: string | undefined
  /** `iss` and `sub`. */
  readonly clientId: string
  readonly jti: string
  /** When it stops being accepted, leeway included. */
  readonly acceptedUntil: Date
}

/** What {@link readAssertion} makes of an assertion. */
export type ReadAssertion =
  | { readonly ok: true; readonly claims: AssertionClaims }
  | { readonly ok: false; readonly fault: AssertionFault }

const MAX_ASSERTION_CHARACTERS = 16 * 1024
const MAX_ID_CHARACTERS = 512
/** SMART: `exp` SHALL be no more than five minutes in the future. */
const MAX_LIFETIME_SECONDS = 300
/** For clocks that disagree. */
const LEEWAY_SECONDS = 60

type Json = Readonly<Record<string, unknown>>

/**
 * Checks everything of an assertion that needs neither keys nor stores.
 *
 * @param audience - The token URL, to the letter.
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#request | SMART: authentication JWT}
 */
export function readAssertion(assertion: string, audience: string, now: Date): ReadAssertion {
  if (assertion.length > MAX_ASSERTION_CHARACTERS) return { ok: false, fault: 'too-long' }
  const decoded = decode(assertion)
  if (decoded === undefined) return { ok: false, fault: 'malformed' }
  const { header, payload } = decoded
  const fault = headerFault(header) ?? partiesFault(payload, audience) ?? timeFault(payload, now)
  if (fault !== undefined) return { ok: false, fault }
  return {
    ok: true,
    claims: {
      // The checks above have seen to the types.
      algorithm: header['alg'] as AssertionAlgorithm,
      kid: header['kid'] as string,
      jku: header['jku'] as string | undefined,
      clientId: payload['sub'] as string,
      jti: payload['jti'] as string,
      acceptedUntil: new Date(((payload['exp'] as number) + LEEWAY_SECONDS) * 1000),
    },
  }
}

function decode(assertion: string): { header: Json; payload: Json } | undefined {
  if (assertion.split('.').length !== 3) return undefined
  try {
    return {
      header: decodeProtectedHeader(assertion),
      payload: decodeJwt(assertion),
    }
  } catch {
    return undefined
  }
}

function headerFault({ alg, typ, kid, jku, crit }: Json): AssertionFault | undefined {
  if (!(ASSERTION_ALGORITHMS as readonly unknown[]).includes(alg)) return 'alg-not-allowed'
  if (typ !== 'JWT') return 'wrong-typ'
  if (!isId(kid)) return 'no-kid'
  if (jku !== undefined && typeof jku !== 'string') return 'foreign-jku'
  // No extension is understood here, so none may be critical (RFC 7515 section 4.1.11).
  return crit === undefined ? undefined : 'malformed'
}

function partiesFault({ iss, sub, aud, jti }: Json, audience: string): AssertionFault | undefined {
  if (!isId(sub)) return 'no-subject'
  if (iss !== sub) return 'issuer-is-not-subject'
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (audiences.length !== 1 || audiences[0] !== audience) return 'wrong-audience'
  return isId(jti) ? undefined : 'no-jti'
}

function timeFault({ exp, nbf, iat }: Json, now: Date): AssertionFault | undefined {
  const nowSeconds = now.getTime() / 1000
  if (!isSeconds(exp)) return 'no-expiry'
  if (exp + LEEWAY_SECONDS <= nowSeconds) return 'expired'
  if (exp > nowSeconds + MAX_LIFETIME_SECONDS + LEEWAY_SECONDS) return 'expires-too-late'
  for (const start of [nbf, iat]) {
    if (start === undefined) continue
    if (!isSeconds(start)) return 'malformed'
    if (start > nowSeconds + LEEWAY_SECONDS || start > exp) return 'not-yet-valid'
  }
  return undefined
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_CHARACTERS
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
