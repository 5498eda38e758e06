import { addressKey, TokenBuckets } from '@flatfhir/auth'
import type { Authenticator, Interaction, RegisteredClient } from '@flatfhir/auth'
import type { ResourceType } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { AuditTrail } from '../access/audit-trail.ts'
import { clientAddress } from '../access/client-address.ts'
import { clientRights, EVERY_RIGHT, mayUseGroup, type Rights } from '../access/rights.ts'
import type { CreatedGroups } from '../groups/created-groups.ts'
import type { AccessRefused, AuditActor } from '../audit/audit-log.ts'
import type { Job } from '../job-store.ts'
import { insufficientScope, notLoggedIn } from './access-refusals.ts'
import { badRequest, type RequestRefusedError } from './request-refused-error.ts'
import { headerOf, rawQueryOf } from './request-parts.ts'
import { OUTPUT_FILE_PATH, STATUS_PATH } from './urls.ts'

/** Who sent a request, and what it may do. */
export interface Requester {
  /** `undefined` while nobody has to log in; jobs belong to the client. */
  readonly client: RegisteredClient | undefined
  readonly rights: Rights
}

/** What {@link Access} works with. */
export interface AccessParts {
  /** `undefined` while nobody has to log in. */
  readonly authenticator: Authenticator | undefined
  readonly trustProxy: boolean
  readonly audit: AuditTrail
  readonly clock: () => Date
  /** Groups that clients may use beside those of their registrations. */
  readonly createdGroups: CreatedGroups
}

/** What a refused request was about, for the audit log. */
export type RefusedAccess = Omit<AccessRefused, 'name' | 'clientId' | 'address'>

/** Bad tokens of one address that are written down; the rest would only help to fill the disk. */
const BAD_TOKEN_RECORDS_PER_MINUTE = 60

const OPEN_TO_ALL: Requester = { client: undefined, rights: EVERY_RIGHT }

/** In the words of SMART: what a scope would have to allow. */
export const INTERACTION_NAMES: Readonly<Record<Interaction, string>> = {
  c: 'to create',
  r: 'to read',
  u: 'to update',
  d: 'to delete',
  s: 'to search',
}

/**
 * The one place that knows who sent which request and what belongs to whom.
 *
 * A job, its manifest and its files belong to the client that kicked the job off; while nobody has
 * to log in, jobs without a client belong to everybody. What belongs to another client is to be
 * answered exactly like what does not exist.
 */
export class Access {
  readonly #parts: AccessParts
  readonly #requesters = new WeakMap<FastifyRequest, Requester>()
  readonly #badTokens: TokenBuckets

  constructor(parts: AccessParts) {
    this.#parts = parts
    const perMinute = BAD_TOKEN_RECORDS_PER_MINUTE
    this.#badTokens = new TokenBuckets({ now: parts.clock, perMinute })
  }

  /** For the manifest: output files need the token that the kick-off request needed. */
  get requiresAccessToken(): boolean {
    return this.#parts.authenticator !== undefined
  }

  /**
   * Finds out who sent the request. Asked before the body is read, for every route that is not public.
   *
   * @throws RequestRefusedError with 401 and a challenge when the request carries no good token.
   */
  async authenticate(request: FastifyRequest): Promise<void> {
    const { authenticator } = this.#parts
    if (authenticator === undefined) return
    const found = await authenticator.authenticate(headerOf(request, 'authorization'))
    if (found.state === 'missing') throw notLoggedIn('missing')
    if (found.state === 'invalid') throw await this.#badToken(request, `${found.fault}-token`)
    refuseTokenInUrl(request)
    const { client, scopes } = found
    const created = await this.#parts.createdGroups.of(client.clientId)
    const groups = [...client.groups, ...created]
    this.#requesters.set(request, { client, rights: clientRights({ ...client, groups }, scopes) })
  }

  /** Whoever creates a Group may use it from then on. */
  async noteCreatedGroup(request: FastifyRequest, groupId: string): Promise<void> {
    const { client } = this.requesterOf(request)
    if (client !== undefined) await this.#parts.createdGroups.note(client.clientId, groupId)
  }

  /** @throws TypeError for a request that was not authenticated, though it has to be. */
  requesterOf(request: FastifyRequest): Requester {
    if (this.#parts.authenticator === undefined) return OPEN_TO_ALL
    const requester = this.#requesters.get(request)
    if (requester === undefined) throw new TypeError('The request was not authenticated')
    return requester
  }

  /** For the audit log. */
  actorOf(request: FastifyRequest): AuditActor {
    const clientId = this.#requesters.get(request)?.client?.clientId
    return { clientId, address: this.addressOf(request) }
  }

  /** The address that the request came from, as far as the proxy settings let it be known. */
  addressOf(request: FastifyRequest): string {
    return clientAddress(request.raw, this.#parts.trustProxy)
  }

  /** Whether the job, and so its manifest and files, belongs to the request's client. */
  owns(request: FastifyRequest, job: Job): boolean {
    return job.clientId === this.requesterOf(request).client?.clientId
  }

  /** @throws RequestRefusedError with 403 unless a scope allows the interaction. */
  async require(
    request: FastifyRequest,
    interaction: Interaction,
    type: ResourceType,
  ): Promise<void> {
    if (this.requesterOf(request).rights.mayDo(interaction, type)) return
    throw await this.refuse(
      request,
      { attempted: 'resource', reason: 'insufficient-scope' },
      insufficientScope(`${INTERACTION_NAMES[interaction]} ${type}`),
    )
  }

  /**
   * For Groups that the client has nothing to do with, whether or not they exist.
   *
   * @param unknown - How a Group that does not exist is answered.
   * @throws `unknown`
   */
  async requireGroup(
    request: FastifyRequest,
    groupId: string,
    { unknown, attempted }: { unknown: RequestRefusedError; attempted: RefusedAccess['attempted'] },
  ): Promise<void> {
    if (mayUseGroup(this.requesterOf(request).rights, groupId)) return
    throw await this.refuse(request, { attempted, reason: 'group-not-allowed' }, unknown)
  }

  async #badToken(request: FastifyRequest, reason: string): Promise<RequestRefusedError> {
    const answer = notLoggedIn('invalid')
    if (this.#badTokens.take(addressKey(this.addressOf(request))) > 0) return answer
    return await this.refuse(request, { attempted: attemptOf(request), reason }, answer)
  }

  /** Writes a refusal down. @returns `answer`, to be thrown. */
  async refuse(
    request: FastifyRequest,
    refused: RefusedAccess,
    answer: RequestRefusedError,
  ): Promise<RequestRefusedError> {
    const actor = this.actorOf(request)
    await this.#parts.audit.note({ name: 'access-refused', ...actor, ...refused })
    return answer
  }
}

/** What a request was after, as far as its route and method tell. */
function attemptOf({ method, routeOptions }: FastifyRequest): RefusedAccess['attempted'] {
  const path = routeOptions.url ?? ''
  if (path === OUTPUT_FILE_PATH) return 'file'
  if (path === STATUS_PATH) return method === 'DELETE' ? 'delete' : 'status'
  return path.endsWith('/$export') ? 'kick-off' : 'resource'
}

/** URLs end up in logs; RFC 6750 section 2 also allows one way of sending a token only. */
function refuseTokenInUrl(request: FastifyRequest): void {
  if (!new URLSearchParams(rawQueryOf(request)).has('access_token')) return
  throw badRequest(
    'Access tokens belong into the Authorization header, never into a URL',
    'security',
  )
}
