import { ProviderUnreachableError, type ConnectionFault } from '@flatfhir/client'

const TIMEOUT_MS = 5_000
const MAX_CAUSES = 5

const FAULTS: readonly (readonly [RegExp, ConnectionFault])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'unknown-host'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'unreachable'],
  [/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/, 'certificate'],
  [/^(EPROTO$|ERR_SSL_)/, 'tls'],
]

/**
 * Looks why a server cannot be reached, for a message that says what to do about it.
 *
 * @returns `undefined` when it can be reached now, or the reason has no better words.
 */
export async function whyUnreachable(
  url: string,
  signal: AbortSignal,
): Promise<ProviderUnreachableError | undefined> {
  try {
    const response = await fetch(url, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    return undefined
  } catch (error) {
    const codes = codesOf(error, MAX_CAUSES)
    const found = FAULTS.find(([pattern]) => codes.some((code) => pattern.test(code)))
    return found && new ProviderUnreachableError(found[1], new URL(url).origin)
  }
}

function codesOf(error: unknown, depth: number): readonly string[] {
  if (!(error instanceof Error) || depth === 0) return []
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  return [...own, ...codesOf(error.cause, depth - 1)]
}
