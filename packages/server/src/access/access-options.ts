import type { TokenEndpointOptions } from '@flatfhir/auth'
import type { ClientLimits } from './client-limits.ts'

/** Whether clients have to log in. */
export type AccessOptions = OpenAccess | SmartAccess

/** Nobody has to log in, and only loopback addresses are listened on. */
export interface OpenAccess {
  readonly mode: 'none'
}

/**
 * SMART Backend Services: every request but the public ones needs an access token, which the token
 * endpoint at `auth/token` below the FHIR base gives to registered clients.
 *
 * The stores are not disposed of by the Data Provider.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services}
 */
export interface SmartAccess extends Omit<TokenEndpointOptions, 'tokenUrl' | 'now'> {
  readonly mode: 'smart'
  /** Limits of clients whose registration sets none. Each has a default of its own. */
  readonly limits?: Partial<ClientLimits>
}
