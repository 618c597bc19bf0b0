import dns from 'node:dns/promises'
import net from 'node:net'
import tls from 'node:tls'
import type {JsonObject} from '../../core/json.js'
import {UserError, hasCode, nameOfThrown} from '../../core/errors.js'
import {boundLookUps} from '../edge/look-ups.js'
import type {EdgeWay} from '../carrier/connect.js'
import {trustOf} from '../carrier/edge-agent.js'
import {edgeFailed} from '../carrier/connect-errors.js'
import {addressOf} from '../carrier/connect.js'
import type {EdgeAddress} from '../types.js'
import {limited, StepFailed, type Found} from './steps.js'

export interface Address {
  address: string
  family: number
}

/** As `dns.lookup` with `all`: what the system's resolver says, its hosts file included. */
export type Lookup = (name: string) => Promise<Address[]>

export const systemLookup: Lookup = (name) => dns.lookup(name, {all: true})

/** Each address is tried by itself, and a host may have many. */
const MOST_ADDRESSES = 8
const ATTEMPT_MS = 3000
const DAY_MS = 24 * 3600 * 1000
const SOON_DAYS = 14

/** What a connection is made to first: the edge, or a proxy before it. */
export interface Hop {
  /** A name or an address. */
  host: string
  port: number
  /** Put before the addresses, for people; and instead of them where the host is one itself. */
  words: {before: string; given: string; behind: string}
  facts: JsonObject
  /** What to do where the name has no address. */
  next: string[]
  /** What is told of a connection that does not come about. */
  failed: (error: unknown) => UserError
}

/** The host's own name is not asked for where --connect-to stands for it. */
export function edgeHop(edge: EdgeAddress): Hop {
  const {host, port} = addressOf(edge)
  const {connectTo} = edge
  const before = connectTo === undefined ? '' : `${edge.host} not asked, ${host} is given: `
  return {
    host,
    port,
    words: {before, given: `not asked: ${connectTo ?? host} is given (--connect-to, profile)`, behind: ''},
    facts: {name: host, connectTo: connectTo ?? null},
    next: ['Check the spelling and the network', 'Has the tunnel a DNS record for this host?'],
    failed: (error) => edgeFailed(edge, 'connect', error),
  }
}

/** The addresses that the connection goes to. */
export async function findAddresses(hop: Hop, timeoutMs: number, lookup: Lookup): Promise<Found<Address[]>> {
  const {host: name, words, facts} = hop
  const family = net.isIP(name)
  if (family !== 0) {
    return {
      value: [{address: name, family}],
      detail: words.given,
      facts: {...facts, addresses: [name]},
      skipped: true,
    }
  }
  const lookedUp = boundLookUps(timeoutMs)
  const addresses = await within(lookup(name), timeoutMs, () =>
    silent(hop, `No address came within ${timeoutMs / 1000} s.`),
  )
    .finally(lookedUp)
    .catch((error: unknown) => {
      if (error instanceof UserError) throw error
      throw hasCode(error, 'ENOTFOUND', 'ENODATA')
        ? notResolved(hop, 'That host name does not exist, or has no address.')
        : silent(hop, `The system gave up waiting (${nameOfThrown(error)}).`)
    })
  const list = addresses.map(({address}) => address)
  return {value: addresses, detail: `${words.before}${list.join(', ')}`, facts: {...facts, addresses: list}}
}

interface Attempt {
  address: string
  ok: boolean
  ms: number
  error: string | null
}

/**
 * A connection as zt makes it (whichever address answers first), and what each address does by itself.
 *
 * @returns the address that answered
 */
export async function connectTcp(
  {host, port, words, failed}: Hop,
  addresses: Address[],
  timeoutMs: number,
): Promise<Found<string>> {
  const started = performance.now()
  const socket = await firstToAnswer({host, port}, addresses, timeoutMs).catch((error: unknown) => error)
  const ms = performance.now() - started
  const attempts = await Promise.all(
    addresses.slice(0, MOST_ADDRESSES).map(({address}) => attempt(address, port, timeoutMs)),
  )
  const others = attempts.filter(({ok}) => !ok).map(({address, error}) => `${address}: ${error}`)
  if (!(socket instanceof net.Socket)) {
    throw new StepFailed(failed(socket), others.join(', ') || `no answer on port ${port}`, {
      port,
      attempts,
    })
  }
  const used = socket.remoteAddress ?? host
  socket.destroy()
  return {
    value: used,
    detail: [`${used} port ${port}${words.behind}`, ...others].join('; '),
    facts: {address: used, port, attempts},
    ms,
  }
}

function firstToAnswer(
  {host, port}: {host: string; port: number},
  addresses: Address[],
  timeoutMs: number,
): Promise<net.Socket> {
  return opened(
    net.connect({
      host,
      port,
      autoSelectFamily: true,
      lookup: (_name, _options, callback) => {
        callback(null, addresses)
      },
    }),
    timeoutMs,
  )
}

async function attempt(address: string, port: number, timeoutMs: number): Promise<Attempt> {
  const started = performance.now()
  const result = await opened(net.connect({host: address, port}), Math.min(ATTEMPT_MS, timeoutMs)).catch(
    (error: unknown) => error,
  )
  const ms = Math.round((performance.now() - started) * 10) / 10
  if (!(result instanceof net.Socket)) return {address, ok: false, ms, error: nameOfThrown(result)}
  result.destroy()
  return {address, ok: true, ms, error: null}
}

function opened(socket: net.Socket, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(Object.assign(new Error('it timed out'), {code: 'ETIMEDOUT'}))
    }, timeoutMs)
    // It stays: what fails later is another step's matter, and must not end the process.
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}

/**
 * TLS as zt speaks it, but with a look at a certificate that is not trusted. Nothing is sent behind the handshake, and
 * the connection is closed again.
 */
export async function checkTls(
  {edge, environment}: EdgeWay,
  over: net.Socket | {host: string; port: number},
  timeoutMs: number,
  now: number,
): Promise<Found<undefined>> {
  const secureContext = await trustOf({edge, environment})
  const secured = tls.connect({
    ...(over instanceof net.Socket ? {socket: over} : over),
    servername: edge.host,
    secureContext,
    rejectUnauthorized: false,
  })
  let connected = performance.now()
  const shaken = new Promise<void>((resolve, reject) => {
    secured.once('connect', () => (connected = performance.now()))
    secured.once('secureConnect', resolve)
    secured.on('error', reject)
    secured.once('close', () => {
      reject(Object.assign(new Error('it was closed'), {code: 'ECONNRESET'}))
    })
  })
  try {
    await within(shaken, timeoutMs, () =>
      Object.assign(new Error('it timed out'), {code: 'ETIMEDOUT'}),
    ).catch((error: unknown) => {
      throw edgeFailed(edge, 'tls', error)
    })
    const ms = performance.now() - connected
    const protocol = secured.getProtocol() ?? 'TLS'
    const {words, facts} = certificateOf(secured, now)
    const all = {protocol, ...facts, trusted: secured.authorized, caFile: edge.caFile ?? null}
    const detail = [protocol, ...words].join(', ')
    if (secured.authorized) return {value: undefined, detail, facts: all, ms}
    // The types say Error; it is the code of one.
    const code = String(secured.authorizationError)
    const untrusted = Object.assign(new Error(code), {code})
    throw new StepFailed(edgeFailed(edge, 'tls', untrusted), `${detail}: not trusted (${code})`, {
      ...all,
      reason: code,
    })
  } finally {
    secured.destroy()
  }
}

function certificateOf(
  secured: tls.TLSSocket,
  now: number,
): {words: string[]; facts: Record<string, string | number | null>} {
  const certificate = secured.getPeerX509Certificate()
  if (!certificate) return {words: ['no certificate'], facts: {}}
  const names = (certificate.subjectAltName ?? '').replaceAll('DNS:', '')
  const subject = commonName(certificate.subject) ?? (names || 'nobody')
  const issuer = commonName(certificate.issuer) ?? 'nobody'
  const expires = Date.parse(certificate.validTo)
  const days = Math.floor((expires - now) / DAY_MS)
  // What it says may be no date at all.
  const until = Number.isNaN(expires) ? null : new Date(expires).toISOString()
  const soon = days < 0 ? ' (over)' : days < SOON_DAYS ? ` (${days} days)` : ''
  return {
    words: [
      `certificate of ${limited(subject, 80)}`,
      `by ${limited(issuer, 80)}`,
      `until ${until?.slice(0, 10) ?? 'an unknown day'}${soon}`,
    ],
    facts: {
      subject: limited(subject, 200),
      names: limited(names, 1000),
      issuer: limited(issuer, 200),
      expiresAt: until,
      fingerprint256: certificate.fingerprint256,
    },
  }
}

function commonName(distinguished: string): string | undefined {
  return /^CN=(.+)$/m.exec(distinguished)?.[1]
}

function within<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(late())
    }, timeoutMs)
  })
  return Promise.race([work, over]).finally(() => {
    clearTimeout(timer)
  })
}

/** Of the network's name servers, not of who has the name. */
function silent({host}: Hop, why: string): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'HOST_NOT_RESOLVED',
    message: `The name server does not answer for ${host}`,
    why,
    next: ["Check the network and this machine's name servers"],
  })
}

function notResolved({host, next}: Hop, why: string): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'HOST_NOT_RESOLVED',
    message: `${host} has no address`,
    why,
    next,
  })
}
