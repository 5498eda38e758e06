import { bearerChallenge } from '@flatfhir/auth'
import { RequestRefusedError } from './request-refused-error.ts'

/**
 * 401: the request has no token, or none that is good for anything.
 *
 * @see RFC 6750 section 3
 */
export function notLoggedIn(problem: 'missing' | 'invalid'): RequestRefusedError {
  const diagnostics =
    problem === 'missing'
      ? 'This request needs an access token: send the header Authorization: Bearer …'
      : 'The access token is unknown, has expired, or was revoked: get a new one'
  return new RequestRefusedError({
    status: 401,
    issueType: problem === 'missing' ? 'login' : 'expired',
    diagnostics,
    headers: { 'www-authenticate': bearerChallenge(problem) },
  })
}

/**
 * 403: the token is good, but not for this.
 *
 * @param needed - What a scope has to allow; of the client's own making or the specification's.
 * @see RFC 6750 section 3.1
 */
export function insufficientScope(needed: string): RequestRefusedError {
  return new RequestRefusedError({
    status: 403,
    issueType: 'forbidden',
    diagnostics: `The scopes of this access token do not allow ${needed}`,
    headers: { 'www-authenticate': bearerChallenge('insufficient-scope') },
  })
}
