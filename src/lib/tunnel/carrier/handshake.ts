import {createHash, randomBytes} from 'node:crypto'
import type tls from 'node:tls'
import {UserError} from '../../core/errors.js'
import {USER_AGENT} from '../../core/version.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import type {EdgeAddress} from '../types.js'
import {notAnEdge} from '../failure/connection.js'
import {RefusedError, readAnswer} from '../failure/refusal.js'
import {checkHeaders} from './header-line.js'
import {dialEdge, type DialOptions} from './connect.js'
import {readHead, type HttpHead} from '../../network/http-head.js'

export interface HandshakeOptions extends DialOptions {
  /** Undefined: as a client without credentials. */
  credentials: ServiceCredentials | undefined
}

/** An open tunnel, and what the server sent right after its answer. */
export interface OpenTunnel {
  socket: tls.TLSSocket
  head: Buffer
}

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Connects to the edge and upgrades to a WebSocket with the credentials as headers: one request, as `cloudflared access`
 * makes it. Redirects are not followed.
 *
 * @throws RefusedError when the edge refuses; UserError as {@link dialEdge}, `unreachable` / EDGE_PROTOCOL, `usage` /
 *   BAD_DESTINATION, BAD_HEADER, `config` / CREDENTIALS_MALFORMED
 */
export async function openTunnel({credentials, ...options}: HandshakeOptions): Promise<OpenTunnel> {
  const {edge} = options
  const request = requestFor(edge, credentials)
  return dialEdge({...options, inPlace: true}, async (socket, deadlines) => {
    deadlines.begin('answer')
    socket.write(request.head)
    const answer = await readHead(socket, deadlines.signal)
    checkAnswer(edge, request.key, answer)
    return {socket, head: answer.rest}
  })
}

/** Checks that a pair can be sent as headers. @throws UserError `config` / `CREDENTIALS_MALFORMED` */
export function checkPair({clientId, clientSecret}: ServiceCredentials): void {
  if ([clientId, clientSecret.expose()].every((word) => /^[\x21-\x7E]+$/.test(word))) return
  throw new UserError({
    kind: 'config',
    code: 'CREDENTIALS_MALFORMED',
    message: 'The credentials cannot be sent',
    why: 'They contain blanks or characters that a client ID or client secret never has.',
    next: ['Check CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET if they are set'],
  })
}

function requestFor(
  edge: EdgeAddress,
  credentials: ServiceCredentials | undefined,
): {head: string; key: string} {
  const {host, destination} = edge
  const headers = checkRequest(edge)
  const key = randomBytes(16).toString('base64')
  const lines = [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    `User-Agent: ${USER_AGENT}`,
    ...(credentials ? headersOf(credentials) : []),
    ...(destination === undefined ? [] : [`Cf-Access-Jump-Destination: ${destination}`]),
    ...headers,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ]
  return {head: `${lines.join('\r\n')}\r\n\r\n`, key}
}

function headersOf(credentials: ServiceCredentials): string[] {
  checkPair(credentials)
  const {clientId, clientSecret} = credentials
  return [`Cf-Access-Client-Id: ${clientId}`, `Cf-Access-Client-Secret: ${clientSecret.expose()}`]
}

/** What RFC 6455 (4.1) requires of an answer, including that it agrees to nothing that was not requested. */
function checkAnswer(edge: EdgeAddress, key: string, {status, headers}: HttpHead): void {
  if (status !== 101) throw new RefusedError(edge.host, readAnswer(status, headers))
  const has = (name: string, token: string): boolean =>
    (headers.get(name) ?? '')
      .toLowerCase()
      .split(',')
      .some((word) => word.trim() === token)
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade')) {
    throw notAnEdge(edge, 'It switches to another protocol than WebSocket.')
  }
  const expected = createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
  if (headers.get('sec-websocket-accept') !== expected) {
    throw notAnEdge(edge, 'Its answer does not belong to this request.')
  }
  if (headers.has('sec-websocket-extensions') || headers.has('sec-websocket-protocol')) {
    throw notAnEdge(edge, 'It agrees to an extension that zt did not request.')
  }
}

/**
 * Checks what a person may add to the request that opens a tunnel.
 *
 * @returns the further headers
 * @throws UserError `usage` / `BAD_DESTINATION`, `BAD_HEADER`
 */
export function checkRequest({
  destination,
  headers = [],
}: Pick<EdgeAddress, 'destination' | 'headers'>): string[] {
  if (destination !== undefined) checkDestination(destination)
  return checkHeaders(headers)
}

/** @throws UserError `usage` / `BAD_DESTINATION` if it is not HOST[:PORT] */
function checkDestination(text: string): void {
  const port = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9._-]{0,252})(?::(\d{1,5}))?$/.exec(text)
  if (port && (port[1] === undefined || (Number(port[1]) >= 1 && Number(port[1]) <= 65_535))) return
  throw new UserError({
    kind: 'usage',
    code: 'BAD_DESTINATION',
    message: 'The destination is not an address',
    why: 'It must be HOST or HOST:PORT as the connector knows it, for example 10.0.0.7:22 or [fd00::7]:22.',
  })
}
