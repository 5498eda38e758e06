import { parseHttpDate } from '@flatfhir/protocol'

/** The headers that decide how long an answer may be kept. */
export interface CacheHeaders {
  readonly cacheControl: string | undefined
  readonly expires: string | undefined
  readonly age: string | undefined
}

/** Seconds for an answer that says nothing about caching. */
const DEFAULT_SECONDS = 300
const LONGEST_SECONDS = 24 * 60 * 60

/**
 * How long a JWK Set may be kept: as long as its `Cache-Control` says and never longer (SMART: SHALL
 * NOT), at most a day, five minutes when it says nothing.
 *
 * @returns Seconds; 0 when it may not be kept at all.
 * @see RFC 9111 section 4.2.1
 */
export function cacheLifetimeSeconds(headers: CacheHeaders, now: Date): number {
  const directives = (headers.cacheControl ?? '').toLowerCase().split(',')
  const names = directives.map((directive) => directive.split('=', 1)[0]?.trim() ?? '')
  if (names.includes('no-store') || names.includes('no-cache')) return 0
  const maxAges = directives.filter((_, index) => names[index] === 'max-age').map(secondsOf)
  const fresh = maxAges.length > 0 ? Math.min(...maxAges) : expiresIn(headers.expires, now)
  const age = headers.age === undefined ? 0 : secondsOf(`=${headers.age}`)
  return Math.max(0, Math.min(fresh - age, LONGEST_SECONDS))
}

/** An unreadable number of seconds is 0: keeping too short is safe. */
function secondsOf(directive: string): number {
  const [, text = ''] = directive.split('=')
  const digits = /^\s*"?(\d{1,15})"?\s*$/.exec(text)?.[1]
  return digits === undefined ? 0 : Number(digits)
}

function expiresIn(expires: string | undefined, now: Date): number {
  if (expires === undefined) return DEFAULT_SECONDS
  const date = parseHttpDate(expires, now)
  return date === undefined ? 0 : (date.getTime() - now.getTime()) / 1000
}
