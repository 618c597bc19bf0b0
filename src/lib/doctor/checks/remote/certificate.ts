import tls from 'node:tls'
import net from 'node:net'

/** Products that open TLS on its way, by the name of the CA with which they sign instead. */
const PRODUCTS: readonly (readonly [string, RegExp])[] = [
  ['Zscaler', /zscaler/i],
  ['Netskope', /netskope|goskope/i],
  ['Palo Alto Networks', /palo ?alto/i],
  ['FortiGate', /fortinet|fortigate/i],
  ['Sophos', /sophos/i],
  ['Cisco Umbrella', /cisco umbrella|opendns/i],
  ['Symantec (Blue Coat)', /blue ?coat|symantec web/i],
  ['Check Point', /check ?point/i],
  ['Skyhigh (McAfee)', /mcafee|skyhigh/i],
  ['Forcepoint', /forcepoint|websense/i],
  ['Barracuda', /barracuda/i],
  ['WatchGuard', /watchguard/i],
  ['iboss', /iboss/i],
  ['Cloudflare Gateway', /gateway ca - cloudflare|cloudflare for teams/i],
  ['Kaspersky', /kaspersky/i],
  ['Avast or AVG', /avast|avg (?:web|technologies)/i],
  ['ESET', /\beset\b/i],
  ['Bitdefender', /bitdefender/i],
  ['mitmproxy', /mitmproxy/i],
  ['Charles', /charles proxy/i],
  ['Fiddler', /fiddler/i],
  ['Burp', /portswigger/i],
  ['Squid', /\bsquid\b/i],
]

/** Who signed what a server shows. */
export interface Issuer {
  /** By the CAs that everyone has: node's own list, which this machine's configuration does not change. */
  isPublic: boolean
  name: string
  /** The inspection product with such a CA. */
  product: string | undefined
  /** When the certificate is valid. */
  from: Date
  to: Date
}

/**
 * Who signed a server's certificate. What is trusted stays as it is: nothing is sent after the handshake, whoever
 * answered, and the connection is closed.
 *
 * @returns undefined if there is no TLS
 */
export function issuerOf(
  over: net.Socket | {host: string; port: number},
  servername: string,
  timeoutMs: number,
): Promise<Issuer | undefined> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...(over instanceof net.Socket ? {socket: over} : over),
      servername,
      ca: [...tls.rootCertificates],
      rejectUnauthorized: false,
    })
    const end = (issuer?: Issuer): void => {
      socket.destroy()
      resolve(issuer)
    }
    socket.setTimeout(timeoutMs, end)
    socket.on('error', () => {
      end()
    })
    socket.once('close', () => {
      end()
    })
    socket.once('secureConnect', () => {
      const {issuer = '', validFrom = '', validTo = ''} = socket.getPeerX509Certificate() ?? {}
      const part = (key: string): string | undefined => new RegExp(`^${key}=(.+)$`, 'm').exec(issuer)?.[1]
      const name = (part('CN') ?? part('O') ?? 'a CA without a name').slice(0, 80)
      end({
        ...{isPublic: socket.authorized, name, product: PRODUCTS.find(([, of]) => of.test(issuer))?.[0]},
        ...{from: new Date(validFrom), to: new Date(validTo)},
      })
    })
  })
}
