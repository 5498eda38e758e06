import { BlockList, isIPv4, isIPv6 } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether an address, or `localhost`, is of this machine and reachable from nowhere else. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4')
  return isIPv6(host) && LOOPBACK.check(host, 'ipv6')
}

/**
 * Whether a `Host` header names this machine by a loopback name or address. A page in a browser that
 * got its own name to resolve to 127.0.0.1 (DNS rebinding) sends that name.
 */
export function isLoopbackHostHeader(host: string): boolean {
  const name = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host)
  return name !== null && isLoopback((name[1] ?? name[2] ?? '').toLowerCase())
}
