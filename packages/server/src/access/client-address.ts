import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * The address that a request came from.
 *
 * Behind a trusted proxy it is the last one in `X-Forwarded-For`: that one the proxy itself has
 * seen. All before it is whatever the sender made up.
 */
export function clientAddress(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  trustProxy: boolean,
): string {
  const peer = socket.remoteAddress ?? ''
  if (!trustProxy) return peer
  const header = headers['x-forwarded-for']
  const list = Array.isArray(header) ? header.join(',') : (header ?? '')
  const last = list.split(',').at(-1)?.trim() ?? ''
  const address = /^\[(.+)\](?::\d+)?$/.exec(last)?.[1] ?? last.replace(/^([\d.]+):\d+$/, '$1')
  return isIP(address) === 0 ? peer : address
}
