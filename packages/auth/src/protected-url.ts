import { isIPv4 } from 'node:net'

/**
 * Whether a URL's host names this machine: `localhost`, a name under it, 127.0.0.0/8 or ::1.
 *
 * @param hostname - As `URL.hostname` gives it, IPv6 in brackets.
 */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  if (name === '[::1]' || name === '::1') return true
  return isIPv4(name) && name.startsWith('127.')
}

/**
 * Reads a URL over which credentials or keys may travel: https, or http to this machine.
 *
 * @returns `undefined` for any other text, also for a URL with a user name, password or fragment.
 */
export function parseProtectedUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  if (url.protocol === 'https:') return url
  return url.protocol === 'http:' && isLoopbackHost(url.hostname) ? url : undefined
}
