import net from 'node:net'
import {UserError} from '../core/errors.js'
import {Secret} from '../core/secret.js'

/** Variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>

/** An HTTP proxy that connects to the edge and the API for zt (CONNECT). */
export interface HttpProxy {
  host: string
  port: number
  /** Whether to speak TLS to the proxy itself. */
  secure: boolean
  /** The value of Proxy-Authorization. */
  authorization: Secret | undefined
  /** The variable that names it, for errors; the value may contain a password. */
  variable: string
}

export interface Address {
  host: string
  port: number
}

/**
 * The proxy that the environment asks for: `https_proxy`, or `HTTPS_PROXY` if that is not set (an empty one counts as
 * set). None if `no_proxy` (or `NO_PROXY`) names one of the addresses, or one of them is this machine. The variable for
 * plain HTTP is ignored, as curl and cloudflared ignore it for TLS.
 *
 * @param addresses the public host, and the one to connect to instead
 * @throws UserError `usage` / `BAD_PROXY`
 */
export function proxyFor(env: Environment, addresses: readonly Address[]): HttpProxy | undefined {
  const variable = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name] !== undefined)
  const value = variable === undefined ? '' : (env[variable] ?? '').trim()
  if (variable === undefined || value === '') return undefined
  const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
  const direct = addresses.some(
    (address) => isLoopback(address.host) || exceptions.some((entry) => matches(entry, address)),
  )
  return direct ? undefined : parseProxy(variable, value)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** An entry is `*`, a network (10.0.0.0/8), a host or a suffix with or without its dot; the last two may have a port. */
function matches(entry: string, {host, port}: Address): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isWithin(host, entry)
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry)
  // An IPv6 address without brackets has colons and no port.
  const name = (parts?.[1] ?? entry).replace(/^\[|\]$/g, '').toLowerCase()
  if (parts?.[2] !== undefined && Number(parts[2]) !== port) return false
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '')
  return suffix !== '' && (host === suffix || (net.isIP(host) === 0 && host.endsWith(`.${suffix}`)))
}

function isWithin(host: string, network: string): boolean {
  const [, base = '', bits = ''] = /^\[?([0-9a-f.:]+)\]?\/(\d{1,3})$/i.exec(network) ?? []
  const family = net.isIP(base)
  if (family === 0 || net.isIP(host) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false
  const list = new net.BlockList()
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(base, Number(bits), kind)
  return list.check(host, kind)
}

function parseProxy(variable: string, value: string): HttpProxy {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw badProxy(variable, `It is a ${scheme}:// proxy; zt supports http:// and https:// proxies.`)
  }
  let url: URL
  let authorization: Secret | undefined
  try {
    url = new URL(scheme === undefined ? `http://${value}` : value)
    const {username, password} = url
    if (username !== '' || password !== '') {
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
      authorization = new Secret(`Basic ${Buffer.from(pair).toString('base64')}`)
    }
  } catch {
    throw badProxy(variable, 'It must be an address such as http://proxy.example:3128.')
  }
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {host, port: Number(url.port || (secure ? 443 : 80)), secure, authorization, variable}
}

/** Does not show the value, which may contain a password. */
function badProxy(variable: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_PROXY',
    message: `The proxy in ${variable} cannot be used`,
    why,
    next: [`Correct or unset ${variable}`, 'To bypass it for one host, add that host to NO_PROXY'],
  })
}
