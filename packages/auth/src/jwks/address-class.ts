import { BlockList, isIPv4, isIPv6 } from 'node:net'

/**
 * What an IP address leads to: `public` to the internet, `loopback` to this machine, `private` to
 * an inner network (RFC 1918, carrier-grade NAT, unique-local). `forbidden` is the rest: link-local
 * (where clouds keep their credentials), multicast, reserved, documentation, and every notation that
 * hides an IPv4 address in an IPv6 one.
 */
export type AddressClass = 'public' | 'loopback' | 'private' | 'forbidden'

const LOOPBACK = subnets(['127.0.0.0/8'], ['::1/128'])
const PRIVATE = subnets(
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
  ['fc00::/7'],
)
const FORBIDDEN_IPV4 = subnets(
  [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  [],
)
// Of IPv6 only what IANA gave out as global unicast is public, without its special parts: protocol
// assignments (Teredo among them), documentation, 6to4.
const GLOBAL_IPV6 = subnets([], ['2000::/3'])
const SPECIAL_IPV6 = subnets([], ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])

/** Classifies an IP address in text form; what is not one is `forbidden`. */
export function classifyAddress(address: string): AddressClass {
  if (isIPv4(address)) {
    if (LOOPBACK.check(address)) return 'loopback'
    if (PRIVATE.check(address)) return 'private'
    return FORBIDDEN_IPV4.check(address) ? 'forbidden' : 'public'
  }
  if (!isIPv6(address) || address.includes('%')) return 'forbidden'
  // A list of IPv4 networks also matches IPv4-mapped addresses; those are never wanted.
  if (isMapped(address)) return 'forbidden'
  if (LOOPBACK.check(address, 'ipv6')) return 'loopback'
  if (PRIVATE.check(address, 'ipv6')) return 'private'
  const isGlobal = GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6')
  return isGlobal ? 'public' : 'forbidden'
}

function isMapped(address: string): boolean {
  return new URL(`http://[${address}]/`).hostname.startsWith('[::ffff:')
}

function subnets(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of ipv4) addSubnet(list, text, 'ipv4')
  for (const text of ipv6) addSubnet(list, text, 'ipv6')
  return list
}

function addSubnet(list: BlockList, text: string, family: 'ipv4' | 'ipv6'): void {
  const [network = '', prefix] = text.split('/')
  list.addSubnet(network, Number(prefix), family)
}
