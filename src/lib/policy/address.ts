import {BlockList, isIP} from 'node:net'

/**
 * Whether an address lies in a CIDR block, of IPv4 or IPv6; a block without a prefix length is one address, and
 * IPv4-mapped IPv6 addresses are the IPv4 address that they hold. False for anything that is not an address or block.
 */
export function addressInBlock(address: string, block: string): boolean {
  const [network = '', prefix, rest] = block.split('/')
  const family = familyOf(network)
  const given = familyOf(address)
  if (family === undefined || given === undefined || rest !== undefined) return false
  const bits = family === 'ipv4' ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return false
  const length = prefix === undefined ? bits : Number(prefix)
  if (length > bits) return false
  const list = new BlockList()
  list.addSubnet(network, length, family)
  return list.check(address, given)
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  // A zone (fe80::1%eth0) is a matter of one machine; BlockList does not take it.
  if (version === 0 || address.includes('%')) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}
