import net from 'node:net'

function listOf(...networks: string[]): net.BlockList {
  const list = new net.BlockList()
  for (const network of networks) {
    const [base = '', bits = ''] = network.split('/')
    list.addSubnet(base, Number(bits), net.isIP(base) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** https://www.cloudflare.com/ips/, which has been the same since 2021. */
const CLOUDFLARE = listOf(
  ...['173.245.48.0/20', '103.21.244.0/22', '103.22.200.0/22', '103.31.4.0/22', '141.101.64.0/18'],
  ...['108.162.192.0/18', '190.93.240.0/20', '188.114.96.0/20', '197.234.240.0/22', '198.41.128.0/17'],
  ...['162.158.0.0/15', '104.16.0.0/13', '104.24.0.0/14', '172.64.0.0/13', '131.0.72.0/22'],
  ...['2400:cb00::/32', '2606:4700::/32', '2803:f800::/32', '2405:b500::/32', '2405:8100::/32'],
  ...['2a06:98c0::/29', '2c0f:f248::/32'],
)

/** Addresses that lead nowhere, which filters answer with. */
const NOWHERE = listOf('0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128')

/** RFC 1918, 3927, 6598, 4193, 4291. */
const PRIVATE = listOf(
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
  ...['fc00::/7', 'fe80::/10'],
)

/** What an address says of its server. */
export function placeOf(address: string): 'cloudflare' | 'nowhere' | 'private' | 'other' {
  const is = (list: net.BlockList): boolean => list.check(address, net.isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return is(CLOUDFLARE) ? 'cloudflare' : is(NOWHERE) ? 'nowhere' : is(PRIVATE) ? 'private' : 'other'
}
