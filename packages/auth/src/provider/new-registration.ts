import { BulkDataError, isResourceId } from '@flatfhir/protocol'
import { randomBytes as nodeRandomBytes } from 'node:crypto'
import { parseRegistrationJwks } from '../jwks/public-jwks.ts'
import { parseProtectedUrl } from '../protected-url.ts'
import type { SupportsConstraint } from '../scopes/grant-scopes.ts'
import {
  constraintQuery,
  formatSystemScope,
  parseSystemScope,
  splitScopes,
} from '../scopes/system-scope.ts'
import type { ClientKeys, ClientQuotas, RegisteredClient } from './registered-client.ts'

/** What an operator says of a client. */
export interface RegistrationRequest {
  /** For people: 1 to 200 characters. */
  readonly name: string
  readonly keys: RegistrationKeys
  /** `system/` scopes separated by spaces; at least one. */
  readonly scopes: string
  /**
   * Ids of Groups, or `*` for every Group.
   *
   * @defaultValue none
   */
  readonly groups?: readonly string[]
  readonly quotas?: ClientQuotas
}

/** The keys of a registration as an operator gives them; the JWK Set is checked. */
export type RegistrationKeys = { readonly jwks: unknown } | { readonly jwksUrl: string }

/** Where {@link newRegistration} takes the time and its random bytes from. */
export interface RegistrationOptions {
  readonly now: () => Date
  readonly randomBytes?: (size: number) => Buffer
  /**
   * Which constraints of scopes the server honours.
   *
   * @defaultValue none
   */
  readonly supportsConstraint?: SupportsConstraint
}

/** Which part of a registration is wrong. */
export type RegistrationFault = 'name' | 'jwks-url' | 'scopes' | 'groups' | 'quotas'

const NEXT_STEPS: Readonly<Record<RegistrationFault, string>> = {
  name: 'Give a name of 1 to 200 printable characters.',
  'jwks-url': 'Give an https URL without user name, password and fragment.',
  scopes:
    'Give scopes such as "system/*.rs", "system/Patient.read" or "system/Observation.rs?category=laboratory".',
  groups: 'Give ids of Groups, or * for every Group.',
  quotas: 'Give whole numbers of 1 or more.',
}

/** A registration cannot be made of what the operator gave. */
export class RegistrationInvalidError extends BulkDataError {
  readonly code = 'REGISTRATION_INVALID'
  readonly retryable = false
  readonly fault: RegistrationFault

  constructor(fault: RegistrationFault, message: string) {
    super(message, { nextStep: NEXT_STEPS[fault] })
    this.fault = fault
  }
}

/**
 * Checks what an operator says of a client, and gives the client its id.
 *
 * @throws {@link RegistrationInvalidError}; `JwksInvalidError` for the keys.
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html | SMART: registering a client}
 */
export function newRegistration(
  request: RegistrationRequest,
  { now, randomBytes = nodeRandomBytes, supportsConstraint }: RegistrationOptions,
): RegisteredClient {
  const { name, groups = [], quotas = {} } = request

  if (!/^[^\x00-\x1f\x7f]{1,200}$/u.test(name)) {
    throw new RegistrationInvalidError('name', 'The name of a client is empty, long or unprintable')
  }
  if (!groups.every((group) => group === '*' || isResourceId(group))) {
    throw new RegistrationInvalidError('groups', 'An allowed Group is not an id')
  }
  if (!Object.values(quotas).every((quota: number) => Number.isSafeInteger(quota) && quota > 0)) {
    throw new RegistrationInvalidError('quotas', 'A quota is not a whole number of 1 or more')
  }
  return {
    clientId: randomBytes(16).toString('hex'),
    name,
    keys: registeredKeys(request.keys),
    scopes: registeredScopes(request.scopes, supportsConstraint),
    groups: [...new Set(groups)],
    quotas,
    createdAt: now(),
  }
}

/**
 * Checks the keys of a registration, or those that replace them.
 *
 * @throws {@link RegistrationInvalidError}, `JwksInvalidError`
 */
export function registeredKeys(keys: RegistrationKeys): ClientKeys {
  if ('jwks' in keys) return { kind: 'jwks', jwks: parseRegistrationJwks(keys.jwks) }
  const url = parseProtectedUrl(keys.jwksUrl)
  if (url === undefined) {
    throw new RegistrationInvalidError('jwks-url', 'The JWKS URL is not an https URL')
  }
  // To the letter, because an assertion's `jku` is compared with it.
  return { kind: 'jwks-url', jwksUrl: keys.jwksUrl }
}

function registeredScopes(text: string, supports: SupportsConstraint = () => false): string {
  const scopes = splitScopes(text).map((scope) => {
    const parsed = parseSystemScope(scope)
    if (!parsed.ok) {
      throw new RegistrationInvalidError('scopes', `A scope is refused: ${parsed.fault}`)
    }
    const { type, constraints } = parsed.scope
    // It is honoured exactly, or not at all; nothing less is safe.
    if (
      constraints.length > 0 &&
      (type === '*' || !supports(type, constraintQuery(parsed.scope)))
    ) {
      const message = 'A scope has a search constraint that cannot be honoured exactly'
      throw new RegistrationInvalidError('scopes', message)
    }
    return formatSystemScope(parsed.scope)
  })
  if (scopes.length === 0) {
    throw new RegistrationInvalidError('scopes', 'A client without scopes can do nothing')
  }
  return scopes.join(' ')
}
