import { isIPv6 } from 'node:net'

const HALF_OF_AN_IPV6_ADDRESS = 4

/**
 * What a remote address is counted under: itself, or for IPv6 its /64 network, because whoever has
 * one address there has all of them.
 */
export function addressKey(address: string): string {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const leading = head === '' ? [] : head.split(':')
  const following = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - leading.length - following.length }, () => '0')
  const groups = [...leading, ...(tail === undefined ? [] : zeros), ...following]
  const network = groups.slice(0, HALF_OF_AN_IPV6_ADDRESS).map((group) => parseInt(group, 16))
  return `${network.map((group) => group.toString(16)).join(':')}::/64`
}
