import dns from 'node:dns'
import net from 'node:net'
import {afterAll} from 'vitest'
import './patient.js'

/**
 * A unit or integration test sees nothing of the user's own machine: no real account, no real keychain,
 * no network but loopback.
 */
for (const name of Object.keys(process.env)) {
  if (
    /^(ZT_|CLOUDFLARE_|CF_ACCESS_|TUNNEL_|XDG_|DBUS_SESSION|NODE_EXTRA_CA_CERTS|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|GITHUB_ACTIONS|FORCE_COLOR|DEBUG$)/.test(
      name,
    )
  ) {
    delete process.env[name]
  }
}
process.env['NO_COLOR'] = '1'

/** Attempted connections to other machines. */
export const strayAddresses = new Set<string>()

type Found = string | dns.LookupAddress[]
type Lookup = (
  name: string,
  options: object,
  found: (error: Error | null, address?: Found, family?: number) => void,
) => void

/** This machine; and 192.0.2.0/24 (RFC 5737), which is unused, for tests of an address that does not answer. */
const OURS = /^(127\.|::1$|::ffff:127\.|192\.0\.2\.)/

function strayIn(addresses: readonly string[]): Error | undefined {
  const stray = addresses.find((address) => !OURS.test(address))
  if (stray === undefined) return undefined
  strayAddresses.add(stray)
  return Object.assign(new Error(`a test reaches for ${stray}`), {code: 'ENETUNREACH'})
}

/** Checks the addresses of a name before one of them is tried. */
function watched(lookup: Lookup): Lookup {
  return (name, options, found) => {
    lookup(name, options, (error, address, family) => {
      const all = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address)
      const stray = error === null ? strayIn(all) : undefined
      if (stray) found(stray)
      else found(error, address, family)
    })
  }
}

/** At the lowest level, below everything that makes connections. */
const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  // Node's own calls have their arguments in an array.
  const given = (Array.isArray(args[0]) ? args[0] : args) as unknown[]
  const [first, second] = given
  const options = (typeof first === 'object' ? first : {port: first, host: second}) as net.TcpNetConnectOpts
  const isSocket = 'path' in options && options.path !== undefined && options.path !== null
  if (isSocket || typeof first === 'string') return connect.apply(this, args)
  const {host} = options
  const stray = typeof host === 'string' && net.isIP(host) !== 0 ? strayIn([host]) : undefined
  const lookup: Lookup = stray
    ? (_name, _options, found) => found(stray)
    : watched(options.lookup ?? dns.lookup)
  // Only names are looked up; such a name fails as an unknown one.
  const watchedOptions = {...options, lookup, ...(stray && {host: 'stray.invalid'})}
  given.splice(0, typeof first === 'object' ? 1 : typeof second === 'string' ? 2 : 1, watchedOptions)
  return connect.apply(this, args)
}

// Also if the code under test took the error for a network that is down.
afterAll(() => {
  const found = [...strayAddresses]
  strayAddresses.clear()
  if (found.length > 0) throw new Error(`a test reaches for ${found.join(', ')}, which is not this machine`)
})
