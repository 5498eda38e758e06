import { smartConfiguration, TokenEndpoint, type TokenAnswer } from '@flatfhir/auth'
import type { FastifyRequest } from 'fastify'
import type { SmartAccess } from '../access/access-options.ts'
import { supportsConstraint } from '../access/search-restrictions.ts'
import { jsonAnswer, type Answer } from './answer.ts'
import { RequestRefusedError } from './request-refused-error.ts'
import { headerOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { tokenUrl } from './urls.ts'

const MAX_FORM_BYTES = 64 * 1024

/**
 * What anybody may ask for without a token: how to get one, and one.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services}
 */
export function smartRoutes(context: HttpContext, smart: SmartAccess): readonly Route[] {
  const configuration = async (): Promise<Answer> =>
    jsonAnswer(200, smartConfiguration({ tokenUrl: tokenUrl(context) }))
  const token = new TokenRoute(context, smart)
  return [
    {
      path: '/fhir/.well-known/smart-configuration',
      methods: { GET: configuration, HEAD: configuration },
      isPublic: true,
    },
    {
      path: '/fhir/auth/token',
      methods: { POST: (request) => token.answer(request) },
      isPublic: true,
      takesAnyContent: true,
    },
  ]
}

class TokenRoute {
  readonly #context: HttpContext
  readonly #smart: SmartAccess
  #endpoint: TokenEndpoint | undefined

  constructor(context: HttpContext, smart: SmartAccess) {
    this.#context = context
    this.#smart = smart
  }

  async answer(request: FastifyRequest): Promise<Answer> {
    const form = await this.#form(request)
    if (form === undefined) return tooLarge()
    const address = this.#context.access.addressOf(request)
    const answer = await this.#tokenEndpoint().handle({
      contentType: contentType(request),
      form,
      authorizationHeader: headerOf(request, 'authorization'),
      address,
    })
    await this.#writeDown(answer, address)
    return jsonAnswer(answer.status, answer.body, answer.headers)
  }

  async #writeDown({ event, body }: TokenAnswer, address: string): Promise<void> {
    const { audit } = this.#context
    if (event.kind === 'issued') {
      const expiresInSeconds = 'expires_in' in body ? body.expires_in : undefined
      const { clientId, scopes: scope } = event
      await audit.record({ name: 'token-issued', clientId, scope, address, expiresInSeconds })
      return
    }
    const { reason, clientId } = event
    // Whoever is beyond the limit has been written down as often as the limit allows.
    if (reason === 'too-many-requests') return
    await audit.note({ name: 'token-refused', reason, clientId, address })
  }

  /** Its URL is known only once the server listens. */
  #tokenEndpoint(): TokenEndpoint {
    const { clock: now } = this.#context
    this.#endpoint ??= new TokenEndpoint({
      ...this.#smart,
      tokenUrl: tokenUrl(this.#context),
      now,
      supportsConstraint,
    })
    return this.#endpoint
  }

  async #form(request: FastifyRequest): Promise<URLSearchParams | undefined> {
    try {
      return await this.#context.bodies.use(
        request,
        async (body) => new URLSearchParams(new TextDecoder().decode(body)),
        MAX_FORM_BYTES,
      )
    } catch (error) {
      if (error instanceof RequestRefusedError && error.status === 413) return undefined
      throw error
    }
  }
}

/** A compressed form is not a form. */
function contentType(request: FastifyRequest): string | undefined {
  const coding = headerOf(request, 'content-encoding') ?? 'identity'
  return coding.toLowerCase() === 'identity' ? headerOf(request, 'content-type') : undefined
}

/** In the words of OAuth, like every answer of the token endpoint. */
function tooLarge(): Answer {
  const body = { error: 'invalid_request', error_description: 'The request is too large' }
  return jsonAnswer(413, body, { pragma: 'no-cache', connection: 'close' })
}
