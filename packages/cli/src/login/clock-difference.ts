const TIMEOUT_MS = 5_000

/**
 * How far this machine's clock is ahead of a server's, by the `Date` of an answer.
 *
 * @returns seconds, negative when it is behind; `undefined` when the server does not say.
 */
export async function clockDifference(
  url: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const now = Date.now()
    await response.body?.cancel()
    const theirs = Date.parse(response.headers.get('date') ?? '')
    return Number.isNaN(theirs) ? undefined : Math.round((now - theirs) / 1000)
  } catch {
    return undefined
  }
}
