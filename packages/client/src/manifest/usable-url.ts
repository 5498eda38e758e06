/** Resolves a URL that a provider names; a string says why it is refused. */
export function usableUrl(text: string, base: URL): URL | string {
  if (!URL.canParse(text, base.href)) return 'it is not a URL'
  const url = new URL(text, base)
  if (!/^https?:$/.test(url.protocol)) return 'it is not an http or https URL'
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password'
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    return 'it is http although the manifest came by https'
  }
  return url
}
