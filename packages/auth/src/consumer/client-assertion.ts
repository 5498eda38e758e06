import type { PrivateKey } from '../keys/private-key.ts'

/** What goes into a client assertion. */
export interface ClientAssertion {
  readonly clientId: string
  /** The URL that it will be posted to. */
  readonly tokenUrl: string
  readonly key: PrivateKey
  readonly now: Date
  /** Random, used once. */
  readonly jti: string
  /** The registered JWKS URL, for providers that want it named. */
  readonly jku?: string | undefined
}

/** Below the five minutes that SMART allows, so that a clock a little fast does no harm. */
const LIFETIME_SECONDS = 240

/**
 * Signs the JWT by which a client logs in.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#request | SMART: authentication JWT}
 */
export function createClientAssertion(assertion: ClientAssertion): Promise<string> {
  const { clientId, tokenUrl, key, now, jti, jku } = assertion
  const exp = Math.floor(now.getTime() / 1000) + LIFETIME_SECONDS
  return key.signJwt({ iss: clientId, sub: clientId, aud: tokenUrl, exp, jti }, jku)
}
