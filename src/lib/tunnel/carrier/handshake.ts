import {createHash, randomBytes} from 'node:crypto'
import type tls from 'node:tls'
import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {USER_AGENT} from '../../core/version.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import type {EdgeAddress} from '../types.js'
import {Clock, limitsWithin, TIMEOUT_MS, type StageLimits} from './clock.js'
import {dialSecurely, discard} from './connect.js'
import {edgeFailed, isConnectionError, notAnEdge, timedOut} from '../failure/connection.js'
import {readHead, type HttpHead} from './http-head.js'
import {proxyFor, type Address} from './proxy-settings.js'
import {RefusedError, readAnswer} from '../failure/refusal.js'
import {readTrust} from './trust.js'

export interface HandshakeOptions {
  edge: EdgeAddress
  credentials: ServiceCredentials
  /** For connecting, TLS and the answer together, milliseconds. */
  timeoutMs?: number | undefined
  /** For each of them; longer by themselves where all of it may take longer. */
  limits?: Partial<StageLimits> | undefined
  /** Where HTTPS_PROXY and NO_PROXY are looked up; no proxy is used without it. */
  environment?: Environment | undefined
  /** Ends the attempt with `cancelled` / `INTERRUPTED`. */
  signal?: AbortSignal | undefined
}

/** An open tunnel, and what the server had sent behind its answer. */
export interface OpenTunnel {
  socket: tls.TLSSocket
  head: Buffer
}

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Connects to the edge over TLS and upgrades to a WebSocket with the credentials as headers: one request, as
 * `cloudflared access` makes it. The secret is written only after the certificate was verified, and to nobody else;
 * no redirect is followed.
 *
 * @throws RefusedError when the edge says no; UserError `unreachable` (EDGE_UNREACHABLE, EDGE_TIMEOUT, EDGE_NOT_TRUSTED,
 *   EDGE_GONE, EDGE_PROTOCOL, PROXY_…), `config` / BAD_CA_FILE, `usage` / BAD_PROXY, BAD_DESTINATION
 */
export async function openTunnel(options: HandshakeOptions): Promise<OpenTunnel> {
  const {edge, credentials, timeoutMs = patient(TIMEOUT_MS), environment = {}, signal} = options
  const request = requestFor(edge, credentials)
  const to = addressOf(edge)
  const proxy = proxyFor(environment, [{host: edge.host, port: 443}, to])
  // The CA file is ours, and no time of the edge's.
  const makeContext = await readTrust(edge.caFile, environment['NODE_EXTRA_CA_CERTS'])
  const clock = new Clock({
    limits: {...limitsWithin(timeoutMs), ...options.limits},
    totalMs: timeoutMs,
    signal,
    timedOut: (stage, ms) => timedOut(edge, proxy, stage, ms),
  })
  let socket: tls.TLSSocket | undefined
  try {
    socket = await dialSecurely({proxy, to, host: edge.host, makeContext, clock})
    clock.begin('answer')
    socket.write(request.head)
    const answer = await readHead(socket, clock.signal)
    checkAnswer(edge, request.key, answer)
    return {socket, head: answer.rest}
  } catch (error) {
    discard(socket)
    throw clock.reason ?? (isConnectionError(error) ? edgeFailed(edge, clock.stage, error) : error)
  } finally {
    clock.stop()
  }
}

/** A pair that can be two headers. @throws as {@link malformed} says */
export function checkPair({clientId, clientSecret}: ServiceCredentials): void {
  if (![clientId, clientSecret.expose()].every((word) => /^[\x21-\x7E]+$/.test(word))) throw malformed()
}

function requestFor(
  {host, destination}: EdgeAddress,
  credentials: ServiceCredentials,
): {head: string; key: string} {
  checkPair(credentials)
  const {clientId, clientSecret} = credentials
  if (destination !== undefined) checkDestination(destination)
  const key = randomBytes(16).toString('base64')
  const lines = [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    `User-Agent: ${USER_AGENT}`,
    `Cf-Access-Client-Id: ${clientId}`,
    `Cf-Access-Client-Secret: ${clientSecret.expose()}`,
    ...(destination === undefined ? [] : [`Cf-Access-Jump-Destination: ${destination}`]),
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ]
  return {head: `${lines.join('\r\n')}\r\n\r\n`, key}
}

/** What RFC 6455 (4.1) asks of an answer; a server that agrees to what nobody asked for is not to be believed. */
function checkAnswer(edge: EdgeAddress, key: string, {status, headers}: HttpHead): void {
  if (status !== 101) throw new RefusedError(edge.host, readAnswer(status, headers))
  const has = (name: string, token: string): boolean =>
    (headers.get(name) ?? '')
      .toLowerCase()
      .split(',')
      .some((word) => word.trim() === token)
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade')) {
    throw notAnEdge(edge, 'It changes the protocol, and not to WebSocket.')
  }
  const expected = createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
  if (headers.get('sec-websocket-accept') !== expected) {
    throw notAnEdge(edge, 'Its answer is not the one to this request.')
  }
  if (headers.has('sec-websocket-extensions') || headers.has('sec-websocket-protocol')) {
    throw notAnEdge(edge, 'It agrees to an extension that was not asked for.')
  }
}

/** Where the connection goes when no proxy stands between. */
export function addressOf({host, connectTo}: EdgeAddress): Address {
  if (connectTo === undefined) return {host, port: 443}
  const colon = connectTo.lastIndexOf(':')
  return {
    host: connectTo
      .slice(0, colon)
      .replace(/^\[|\]$/g, '')
      .toLowerCase(),
    port: Number(connectTo.slice(colon + 1)),
  }
}

/** @throws UserError `usage` / `BAD_DESTINATION` where it is not HOST[:PORT] */
export function checkDestination(text: string): string {
  const port = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9._-]{0,252})(?::(\d{1,5}))?$/.exec(text)
  if (port && (port[1] === undefined || (Number(port[1]) >= 1 && Number(port[1]) <= 65_535))) return text
  throw new UserError({
    kind: 'usage',
    code: 'BAD_DESTINATION',
    message: 'The destination is not an address',
    why: 'It is HOST or HOST:PORT as the connector knows it, for example 10.0.0.7:22 or [fd00::7]:22.',
  })
}

function malformed(): UserError {
  return new UserError({
    kind: 'config',
    code: 'CREDENTIALS_MALFORMED',
    message: 'The credentials cannot be sent',
    why: 'They hold blanks or characters that no Client ID or Client Secret has.',
    next: ['Check CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET if they are set'],
  })
}
