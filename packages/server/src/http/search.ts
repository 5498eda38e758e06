import { parsePrefer } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { SearchPage, SearchQuery, StoredResource } from '../resource-store.ts'
import { fhirAnswer, type Answer } from './answer.ts'
import { jsonArray, jsonObject, property } from './json-bytes.ts'
import { badRequest } from './request-refused-error.ts'
import { headerOf, rawQueryOf, requireJsonIsAccepted } from './request-parts.ts'
import { createResource } from './resource-interactions.ts'
import type { HttpContext, Route } from './route.ts'
import { SealedSearches } from './sealed-search.ts'
import { decodeSearch } from './search-parameters.ts'

/** Media type of searches by POST. */
export const FORM = 'application/x-www-form-urlencoded'

const CURSOR = '_cursor'
const MAX_FORM_BYTES = 64 * 1024

type SearchableType = SearchQuery['type']

/**
 * Search on Group and Patient, by GET and by POST; and their create, which has the same path.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#search | FHIR R4: search}
 */
export function searchRoutes(context: HttpContext): readonly Route[] {
  const sealedSearches = new SealedSearches()
  return (['Group', 'Patient'] as const).flatMap((type) => {
    const search = new TypeSearch({ context, sealedSearches, type })
    return [
      {
        path: `/fhir/${type}`,
        methods: {
          GET: (request: FastifyRequest) => search.byGet(request),
          POST: (request: FastifyRequest) => createResource(context, request, type),
        },
      },
      {
        path: `/fhir/${type}/_search`,
        methods: { POST: (request: FastifyRequest) => search.byPost(request) },
      },
    ]
  })
}

/** A page to be looked up, and what its Bundle says of itself. */
interface PageRequest {
  readonly query: SearchQuery
  readonly isCountOnly: boolean
  readonly selfUrl: string
}

class TypeSearch {
  readonly #context: HttpContext
  readonly #sealedSearches: SealedSearches
  readonly #type: SearchableType

  constructor(parts: {
    context: HttpContext
    sealedSearches: SealedSearches
    type: SearchableType
  }) {
    this.#context = parts.context
    this.#sealedSearches = parts.sealedSearches
    this.#type = parts.type
  }

  async byGet(request: FastifyRequest): Promise<Answer> {
    requireJsonIsAccepted(request)
    await this.#context.access.require(request, 's', this.#type)
    const parameters = new URLSearchParams(rawQueryOf(request))
    const cursor = parameters.get(CURSOR)
    if (cursor !== null) return await this.#answer(request, this.#followingPage(request, cursor))
    const { query, isCountOnly, understood } = this.#decode(request, parameters)
    const text = understood.toString()
    const selfUrl = text === '' ? this.#url() : `${this.#url()}?${text}`
    return await this.#answer(request, { query, isCountOnly, selfUrl })
  }

  async byPost(request: FastifyRequest): Promise<Answer> {
    requireJsonIsAccepted(request)
    await this.#context.access.require(request, 's', this.#type)
    const parameters = await this.#context.bodies.use(
      request,
      async (body) => new URLSearchParams(new TextDecoder().decode(body)),
      MAX_FORM_BYTES,
    )
    for (const [name, value] of new URLSearchParams(rawQueryOf(request))) {
      parameters.append(name, value)
    }
    const { query, isCountOnly } = this.#decode(request, parameters)
    // Who sends a search by POST does not want it in a URL.
    const selfUrl = this.#sealedUrl(request, query)
    return await this.#answer(request, { query, isCountOnly, selfUrl })
  }

  #decode(request: FastifyRequest, parameters: URLSearchParams): ReturnType<typeof decodeSearch> {
    const lenient = parsePrefer(headerOf(request, 'prefer')).handling === 'lenient'
    return decodeSearch(parameters, { ...this.#context.pageSizes, type: this.#type, lenient })
  }

  #followingPage(request: FastifyRequest, cursor: string): PageRequest {
    const query = this.#sealedSearches.open(cursor, this.#owner(request))
    if (query?.type !== this.#type) {
      throw badRequest('The link to this page is no longer good: begin the search again')
    }
    return { query, isCountOnly: false, selfUrl: `${this.#url()}?${CURSOR}=${cursor}` }
  }

  async #answer(request: FastifyRequest, wanted: PageRequest): Promise<Answer> {
    const { query, isCountOnly, selfUrl } = wanted
    const page = await this.#visiblePage(request, query)
    const links = [{ relation: 'self', url: selfUrl }]
    if (page.nextCursor !== undefined && !isCountOnly) {
      links.push({
        relation: 'next',
        url: this.#sealedUrl(request, { ...query, cursor: page.nextCursor }),
      })
    }
    return fhirAnswer(200, searchset(page, links, isCountOnly ? [] : this.#entries(page)))
  }

  /** Groups that the client has nothing to do with are neither shown nor counted. */
  async #visiblePage(request: FastifyRequest, query: SearchQuery): Promise<SearchPage> {
    const { resources, access } = this.#context
    const { groups } = access.requesterOf(request).rights
    if (query.type !== 'Group' || groups === 'all') return await resources.search(query)
    const ids = query.ids?.filter((id) => groups.includes(id)) ?? groups
    if (ids.length === 0) return { resources: [], total: 0 }
    return await resources.search({ ...query, ids })
  }

  #entries({ resources }: SearchPage): Uint8Array[] {
    return resources.map((resource) =>
      jsonObject(
        property('fullUrl', JSON.stringify(this.#resourceUrl(resource))),
        property('resource', resource.body),
        property('search', '{"mode":"match"}'),
      ),
    )
  }

  #resourceUrl({ type, id }: StoredResource): string {
    return `${this.#context.fhirBaseUrl()}/${type}/${id}`
  }

  #sealedUrl(request: FastifyRequest, query: SearchQuery): string {
    const sealed = this.#sealedSearches.seal(query, this.#owner(request))
    return `${this.#url()}?${CURSOR}=${sealed}`
  }

  /** Whose the links of a search are. */
  #owner(request: FastifyRequest): string {
    return this.#context.access.requesterOf(request).client?.clientId ?? ''
  }

  #url(): string {
    return `${this.#context.fhirBaseUrl()}/${this.#type}`
  }
}

function searchset(
  { total }: SearchPage,
  links: readonly object[],
  entries: readonly Uint8Array[],
): Uint8Array {
  return jsonObject(
    property('resourceType', '"Bundle"'),
    property('type', '"searchset"'),
    property('total', String(total)),
    property('link', JSON.stringify(links)),
    property('entry', entries.length === 0 ? undefined : jsonArray(entries)),
  )
}
