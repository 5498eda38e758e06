import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Job } from '../job-store.ts'

/** Who sent a request. */
export interface Client {
  /** What the client is registered as; jobs belong to it. */
  readonly clientId: string
}

/** What an {@link Authorizer} may look at. */
export interface AuthenticationInput {
  readonly method: string
  readonly headers: Readonly<IncomingHttpHeaders>
  /** Address of the other end of the connection. */
  readonly remoteAddress: string | undefined
}

/** Finds out who sent a request. Asked before the body is read, for every route that is not public. */
export interface Authorizer {
  /**
   * @throws `RequestRefusedError` with status 401 and a `www-authenticate` header when the request
   *   carries no valid credentials.
   */
  authenticate(input: AuthenticationInput): Promise<Client>
}

/**
 * The one place that knows who sent which request and what belongs to whom.
 *
 * A job, its manifest and its files belong to the client that kicked the job off; while nobody has
 * to log in, jobs without a client belong to everybody. What belongs to another client is to be
 * answered exactly like what does not exist.
 */
export class Access {
  readonly #authorizer: Authorizer | undefined
  readonly #clients = new WeakMap<FastifyRequest, Client>()

  constructor(authorizer: Authorizer | undefined) {
    this.#authorizer = authorizer
  }

  /** For the manifest: output files need the token that the kick-off request needed. */
  get requiresAccessToken(): boolean {
    return this.#authorizer !== undefined
  }

  /** @throws whatever the authorizer throws. */
  async authenticate(request: FastifyRequest): Promise<void> {
    if (this.#authorizer === undefined) return
    const client = await this.#authorizer.authenticate({
      method: request.method,
      headers: request.headers,
      remoteAddress: request.socket.remoteAddress,
    })
    this.#clients.set(request, client)
  }

  /** `undefined` while nobody has to log in. */
  clientOf(request: FastifyRequest): Client | undefined {
    return this.#clients.get(request)
  }

  /** Whether the job, and so its manifest and files, belongs to the request's client. */
  owns(request: FastifyRequest, job: Job): boolean {
    return job.clientId === this.clientOf(request)?.clientId
  }
}
