/** A URL below a base URL, whether or not that ends with a slash. */
export function below(baseUrl: URL, path: string): URL {
  return new URL(`${baseUrl.href.replace(/\/$/, '')}/${path}`)
}
