import type { FastifyRequest } from 'fastify'
import { acceptsFhirJson } from '@flatfhir/protocol'
import { RequestRefusedError } from './request-refused-error.ts'

/** A header's value; several lines of one header are one list (RFC 9110 section 5.3). */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** A named segment of the path, percent-decoded by the router. */
export function segmentOf(request: FastifyRequest, name: string): string {
  const params = request.params
  if (typeof params !== 'object' || params === null) return ''
  const value: unknown = Reflect.get(params, name)
  return typeof value === 'string' ? value : ''
}

/** The query string as it was sent, without its question mark. */
export function rawQueryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start + 1)
}

/**
 * FHIR answers are JSON only.
 *
 * @throws RequestRefusedError with 406 where `Accept` or `_format` admit no JSON.
 * @see {@link https://hl7.org/fhir/R4/http.html#mime-type | FHIR R4: Content Types and encodings}
 */
export function requireJsonIsAccepted(request: FastifyRequest): void {
  const format = new URLSearchParams(rawQueryOf(request)).get('_format')
  // `_format` overrides `Accept`; a plus sign that was not escaped arrives as a space.
  const accept = format?.replace(' ', '+') ?? headerOf(request, 'accept')
  if (accept === undefined || accept === 'json') return
  const asFhirJson = accept.replaceAll(/\b(?:application|text)\/json\b/gi, 'application/fhir+json')
  if (acceptsFhirJson(asFhirJson)) return
  throw new RequestRefusedError({
    status: 406,
    issueType: 'not-supported',
    diagnostics: 'Answers are application/fhir+json only: let the Accept header admit it',
  })
}
