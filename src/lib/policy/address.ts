import {BlockList, isIP} from 'node:net'

/**
 * Whether an address is in a CIDR block of IPv4 or IPv6. A block without a prefix length is a single address; an
 * IPv4-mapped IPv6 address counts as the IPv4 address. False for anything that is not an address or block.
 */
export function addressInBlock(address: string, block: string): boolean {
  const parsed = parseBlock(block)
  const given = familyOf(address)
  if (!parsed || given === undefined) return false
  // BlockList takes an IPv4 address for one in ::/0, as an IPv4-mapped one.
  if (given === 'ipv4' && parsed.family === 'ipv6' && parsed.length < 96) return false
  const list = new BlockList()
  list.addSubnet(parsed.network, parsed.length, parsed.family)
  return list.check(address, given)
}

/** A block in CIDR notation with its prefix length, also for a single address: `203.0.113.7/32`. Undefined if invalid. */
export function fullBlock(text: string): string | undefined {
  const parsed = parseBlock(text)
  return parsed && `${parsed.network}/${parsed.length}`
}

function parseBlock(block: string): {network: string; length: number; family: 'ipv4' | 'ipv6'} | undefined {
  const [network = '', prefix, rest] = block.split('/')
  const family = familyOf(network)
  if (family === undefined || rest !== undefined) return undefined
  const bits = family === 'ipv4' ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const length = prefix === undefined ? bits : Number(prefix)
  return length > bits ? undefined : {network, length, family}
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  // A zone (fe80::1%eth0) has a meaning on one machine only, and BlockList does not accept it.
  if (version === 0 || address.includes('%')) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}
