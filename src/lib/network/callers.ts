import type {IncomingMessage} from 'node:http'
import {BlockList, isIP} from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can connect to an address. */
export function isLoopback(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

export interface CallerOptions {
  /** Where the listener is. */
  listen: {address: string; port: number}
  /** Other origins whose pages may call, for example `https://app.example.com`. */
  allowedOrigins: readonly string[]
  /** The listener's own name below `localhost`, which no name server decides on (RFC 6761, section 6.3). */
  localName?: string | undefined
}

/** The headers that show who calls. Browsers send all three; other programs may send only Host. */
export interface Call {
  host: string | undefined
  origin: string | undefined
  /** Sec-Fetch-Site. */
  fetchSite: string | undefined
}

export function callOf({headers}: IncomingMessage): Call {
  const fetchSite = headers['sec-fetch-site']
  return {
    host: headers.host,
    origin: headers.origin,
    fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
  }
}

/**
 * Decides who may use a local listener that adds or receives credentials. Any web page can send requests to loopback, also
 * under a host name of its own that resolves to it; such a request names that host or the page's origin.
 */
export class Callers {
  readonly #listen: CallerOptions['listen']
  readonly #allowed: ReadonlySet<string>
  readonly #names: readonly (string | undefined)[]

  constructor({listen, allowedOrigins, localName}: CallerOptions) {
    this.#listen = listen
    this.#names = ['localhost', localName]
    this.#allowed = new Set(allowedOrigins.map((origin) => origin.toLowerCase()))
  }

  /** True for the listener's own address, as a number, as localhost or as its name below that, with its port. */
  isOwnHost(authority: string): boolean {
    const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::(\d{1,5}))?$/i.exec(authority)
    if (!match) return false
    const {address, port} = this.#listen
    if (Number(match[3] ?? 80) !== port) return false
    const name = (match[1] ?? match[2] ?? '').toLowerCase()
    if (this.#names.includes(name)) return true
    if (isIP(name) !== (match[1] === undefined ? 4 : 6)) return false
    // No one can make a numeric address point elsewhere: if the listener is exposed, any number may be this machine's.
    return isLoopback(name) || !isLoopback(address)
  }

  isOwnOrigin(origin: string): boolean {
    const match = /^http:\/\/([^/?#]+)$/i.exec(origin)
    return match?.[1] !== undefined && this.isOwnHost(match[1])
  }

  /** Why a call is not served; undefined if it is. */
  refusal({host, origin, fetchSite}: Call): string | undefined {
    if (host === undefined || !this.isOwnHost(host))
      return "The Host header is not this listener's own address (localhost, its name below localhost or its IP address, with the port)."
    if (origin !== undefined) {
      if (this.isOwnOrigin(origin) || this.#allowed.has(origin.toLowerCase())) return undefined
      return 'Pages of another origin may not use this listener.'
    }
    // Other servers on this machine are of the same site, and are not trusted either.
    if (fetchSite === undefined || fetchSite === 'none' || fetchSite === 'same-origin') return undefined
    return 'Pages of another site may not use this listener.'
  }
}
