import type { Edition } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { AuditTrail } from '../access/audit-trail.ts'
import type { ClientLimiter } from '../access/client-limiter.ts'
import type { ResourceStore } from '../resource-store.ts'
import type { ExportJobs } from '../jobs/export-jobs.ts'
import type { Access } from './access.ts'
import type { Answer } from './answer.ts'
import type { RequestBodies } from './request-bodies.ts'

/** Answers one request. Whatever it throws becomes an OperationOutcome. */
export type Handler = (request: FastifyRequest) => Promise<Answer>

/** The methods that some route answers. */
export type RouteMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

/** One path and what it answers; every other method is a 405 that names these. */
export interface Route {
  /** In the router's notation: `/fhir/Group/:id/$export`. */
  readonly path: string
  readonly methods: Readonly<Partial<Record<RouteMethod, Handler>>>
  /** Answers without asking who the client is. */
  readonly isPublic?: true
  /** The handler looks at the content type itself. */
  readonly takesAnyContent?: true
}

/** What the handlers work with. */
export interface HttpContext {
  readonly resources: ResourceStore
  readonly jobs: ExportJobs
  readonly access: Access
  readonly limiter: ClientLimiter
  readonly audit: AuditTrail
  readonly bodies: RequestBodies
  readonly clock: () => Date
  /** The FHIR base URL as clients see it, without a slash at its end. */
  readonly fhirBaseUrl: () => string
  readonly pageSizes: PageSizes
  /** Edition that `$export` speaks; `$export-v4` speaks STU4. */
  readonly exportEdition: Edition
}

/** How many resources a page of a search has. */
export interface PageSizes {
  readonly defaultPageSize: number
  readonly maxPageSize: number
}
