import { BaseUrlInvalidError } from './listen-errors.ts'

/**
 * The FHIR base URL without a slash at its end.
 *
 * @throws {@link BaseUrlInvalidError} where it is not an absolute http or https URL, or has a query,
 *   a fragment or credentials.
 */
export function normalBaseUrl(text: string): string {
  if (!URL.canParse(text)) throw new BaseUrlInvalidError('it is not an absolute URL')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BaseUrlInvalidError('it is neither http nor https')
  }
  if (url.username !== '' || url.password !== '') {
    throw new BaseUrlInvalidError('it holds credentials')
  }
  if (/[?#]/.test(text)) throw new BaseUrlInvalidError('it has a query or a fragment')
  return url.href.replace(/\/+$/, '')
}

/** The FHIR base URL of a server that clients reach directly. */
export function listeningBaseUrl(address: {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
}): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.isTls ? 'https' : 'http'}://${host}:${address.port}/fhir`
}
