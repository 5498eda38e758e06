import { UsageError } from '../../errors.ts'

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/
/** Printable ASCII and the tab, which every server takes. */
const VALUE = /^[\t\x20-\x7e]*$/
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])
/** What the client says itself, or what belongs to the connection. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['accept', 'accept-encoding', 'prefer', 'content-type', 'content-length', 'range', 'if-range'],
  ...[
    'host',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ],
])

/**
 * Reads what `--header` says. The message never repeats a value, which may be a secret.
 *
 * @throws `UsageError`.
 */
export function readHeaders(written: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>()
  for (const line of written) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim()
    const value = line.slice(colon + 1).trim()
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new UsageError('--header: expected NAME:VALUE', 'Such as --header Epic-Client-ID:ID.')
    }
    refuse(name, headers)
    headers.set(name.toLowerCase(), value)
  }
  return Object.fromEntries(headers)
}

function refuse(name: string, others: ReadonlyMap<string, string>): void {
  const key = name.toLowerCase()
  if (CREDENTIALS.has(key)) {
    throw new UsageError(
      `--header: ${name} would put a credential on the command line`,
      'Log in with --client-id and --key, or --client-secret-file.',
    )
  }
  if (RESERVED.has(key)) throw new UsageError(`--header: flatfhir sets ${name} itself`)
  if (others.has(key)) throw new UsageError(`--header: ${name} is there twice`)
}
