import dns from 'node:dns/promises'
import net from 'node:net'
import tls from 'node:tls'
import type {JsonObject} from '../../core/json.js'
import {UserError, nameOfThrown} from '../../core/errors.js'
import {boundLookUps} from '../edge/look-ups.js'
import {addressOf, type EdgeWay} from '../carrier/connect.js'
import type {Stage} from '../carrier/deadlines.js'
import {trustOf} from '../carrier/edge-agent.js'
import {edgeFailed, timedOut} from '../failure/connection.js'
import type {EdgeAddress} from '../types.js'
import {limited, StepFailed, type Found} from './steps.js'

export interface Address {
  address: string
  family: number
}

/** Like `dns.lookup` with `all`: the answer of the system's resolver, which reads the hosts file too. */
export type Lookup = (name: string) => Promise<Address[]>

export const systemLookup: Lookup = (name) => dns.lookup(name, {all: true})

/** Each address is tried on its own, and a host may have many. */
const MOST_ADDRESSES = 8
const ATTEMPT_MS = 3000
const DAY_MS = 24 * 3600 * 1000
const SOON_DAYS = 14

/** The first server of a connection: the edge, or the proxy before it. */
export interface Hop {
  /** A name or an address. */
  host: string
  port: number
  /** For people: before the addresses, instead of them where the host is an address itself, and behind the one used. */
  words: {before: string; given: string; behind: string}
  facts: JsonObject
  /** What a connection to it is to `zt ssh`. */
  stage: 'connect' | 'proxy'
  /** The error of `zt ssh` for the same failure. */
  failed: (stage: Stage, error: unknown) => UserError
  /** The same where a step took longer than these milliseconds. */
  late: (stage: Stage, ms: number) => UserError
}

/** With --connect-to, that address is looked up instead of the host's name. */
export function edgeHop(edge: EdgeAddress): Hop {
  const {host, port} = addressOf(edge)
  const {connectTo} = edge
  const before = connectTo === undefined ? '' : `${host} (--connect-to, profile) instead of ${edge.host}: `
  return {
    host,
    port,
    words: {before, given: `skipped: ${connectTo ?? host} is given (--connect-to, profile)`, behind: ''},
    facts: {name: host, connectTo: connectTo ?? null},
    stage: 'connect',
    failed: (stage, error) => edgeFailed(edge, stage, error),
    late: (stage, ms) => timedOut(edge, undefined, stage, ms),
  }
}

/** The addresses of the first server. */
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
  const addresses = await within(lookup(name), timeoutMs, () => hop.late('lookup', timeoutMs))
    .finally(lookedUp)
    .catch((error: unknown) => {
      throw error instanceof UserError ? error : hop.failed('lookup', error)
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
 * A connection as zt makes it, to whichever address answers first, and then one to each address on its own.
 *
 * @returns the address that answered
 */
export async function connectTcp(
  {host, port, words, stage, failed, late}: Hop,
  addresses: Address[],
  timeoutMs: number,
): Promise<Found<string>> {
  const started = performance.now()
  const socket = await firstToAnswer({host, port}, addresses, timeoutMs).catch((error: unknown) =>
    error === LATE ? late(stage, timeoutMs) : failed(stage, error),
  )
  const ms = performance.now() - started
  const attempts = await Promise.all(
    addresses.slice(0, MOST_ADDRESSES).map(({address}) => attempt(address, port, timeoutMs)),
  )
  const others = attempts.filter(({ok}) => !ok).map(({address, error}) => `${address}: ${error}`)
  if (!(socket instanceof net.Socket)) {
    throw new StepFailed(socket, others.join(', ') || `no answer on port ${port}`, {
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

/** zt's own limit was reached. */
const LATE = Object.assign(new Error('it timed out'), {code: 'ETIMEDOUT'})

function opened(socket: net.Socket, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(LATE)
    }, timeoutMs)
    // The listener stays: an error that comes later must not end the process.
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
 * TLS as zt speaks it, except that a certificate which is not trusted is shown. Nothing is sent after the handshake, and the
 * connection is closed again.
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
    await within(shaken, timeoutMs, () => timedOut(edge, undefined, 'tls', timeoutMs)).catch(
      (error: unknown) => {
        throw error instanceof UserError ? error : edgeFailed(edge, 'tls', error)
      },
    )
    const ms = performance.now() - connected
    const protocol = secured.getProtocol() ?? 'TLS'
    const {words, facts} = certificateOf(secured, now)
    const all = {protocol, ...facts, trusted: secured.authorized, caFile: edge.caFile ?? null}
    const detail = [protocol, ...words].join(', ')
    if (secured.authorized) return {value: undefined, detail, facts: all, ms}
    // The types say Error, but it is an error's code.
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
  const subject = commonName(certificate.subject) ?? (names || 'no name')
  const issuer = commonName(certificate.issuer) ?? 'no name'
  const expires = Date.parse(certificate.validTo)
  const days = Math.floor((expires - now) / DAY_MS)
  // Its date may be malformed.
  const until = Number.isNaN(expires) ? null : new Date(expires).toISOString()
  const soon = days < 0 ? ' (expired)' : days < SOON_DAYS ? ` (${days} days)` : ''
  return {
    words: [
      `certificate of ${limited(subject, 80)}`,
      `by ${limited(issuer, 80)}`,
      `until ${until?.slice(0, 10) ?? 'an unknown date'}${soon}`,
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
