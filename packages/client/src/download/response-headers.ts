import type { ProviderResponse } from '../http/provider-http.ts'
import type { ContentCoding } from './received-file.ts'

/** @returns `undefined` for a content coding that was not asked for. */
export function contentCoding({ headers }: ProviderResponse): ContentCoding | undefined {
  const text = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (text === '' || text === 'identity') return 'identity'
  return text === 'gzip' || text === 'x-gzip' ? 'gzip' : undefined
}

/**
 * The validator that makes a `Range` request safe.
 *
 * @returns `undefined` for a weak one: it says that the meaning is the same, not the bytes
 *   (RFC 9110, 8.8.1).
 */
export function strongETag({ headers }: ProviderResponse): string | undefined {
  const text = headers['etag']?.trim()
  return text !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(text) ? text : undefined
}

/** `Content-Length`; `undefined` when it is absent or not a number. */
export function contentLength({ headers }: ProviderResponse): number | undefined {
  return wholeNumber(headers['content-length'])
}

/** What a 206 brings. */
export interface ContentRange {
  readonly start: number
  /** Size of the whole file; `undefined` for `*`. */
  readonly total: number | undefined
}

/** `Content-Range` of a 206; `undefined` when it is absent or unusable. */
export function contentRange({ headers }: ProviderResponse): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/i.exec(
    headers['content-range']?.trim() ?? '',
  )
  return match === null ? undefined : { start: Number(match[1]), total: wholeNumber(match[2]) }
}

/**
 * SHA-256 of the whole file in the coding that it is sent in, base64 (RFC 9530, section 3).
 *
 * @returns `undefined` when the header is absent or has no SHA-256.
 */
export function reprDigest({ headers }: ProviderResponse): string | undefined {
  const match = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(headers['repr-digest'] ?? '')
  return match?.[1]
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined
}
