import {createHash, randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import tls from 'node:tls'
import {UserError, hasCode, messageOf} from '../../core/errors.js'
import {USER_AGENT} from '../../core/version.js'
import type {ServiceCredentials} from '../../secrets/types.js'
import type {EdgeAddress} from '../types.js'
import {RefusedError, readRefusal} from './refusal.js'

export interface HandshakeOptions {
  edge: EdgeAddress
  credentials: ServiceCredentials
  /** For connecting and the answer together, milliseconds. */
  timeoutMs?: number | undefined
}

/** An open tunnel, and what the server had sent behind its answer. */
export interface OpenTunnel {
  socket: tls.TLSSocket
  head: Buffer
}

const TIMEOUT_MS = 15_000
const HEAD_LIMIT = 64 * 1024
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Connects to the edge over TLS and upgrades to a WebSocket with the credentials as headers: one request, as
 * `cloudflared access` makes it. The secret is written only after the certificate was verified, and to nobody else;
 * no redirect is followed.
 *
 * @throws RefusedError when the edge says no; UserError `unreachable` (EDGE_UNREACHABLE, EDGE_TIMEOUT, EDGE_NOT_TRUSTED),
 *   `config` for an unusable CA file
 */
export async function openTunnel({
  edge,
  credentials,
  timeoutMs = TIMEOUT_MS,
}: HandshakeOptions): Promise<OpenTunnel> {
  const {clientId, clientSecret} = credentials
  if (!/^[\x21-\x7E]+$/.test(clientId) || !/^[\x21-\x7E]+$/.test(clientSecret.expose())) throw malformed()
  const [connectHost, connectPort] = connectAddress(edge)
  const ca = edge.caFile === undefined ? undefined : [...tls.rootCertificates, await readCa(edge.caFile)]
  return new Promise<OpenTunnel>((resolve, reject) => {
    const key = randomBytes(16).toString('base64')
    let received = Buffer.alloc(0)
    let connected = false
    // `highWaterMark` is passed on to the stream, though the types do not say so.
    const options: tls.ConnectionOptions & {highWaterMark: number} = {
      host: connectHost,
      port: connectPort,
      servername: edge.host,
      minVersion: 'TLSv1.2',
      highWaterMark: 64 * 1024,
      ...(ca && {ca}),
    }
    const socket = tls.connect(options)
    const timer = setTimeout(() => {
      fail(timedOut(edge, timeoutMs, connected))
    }, timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
      socket.removeListener('data', onData)
    }
    const fail = (error: Error): void => {
      settle()
      // Whatever still comes from a connection that is given up is of no interest.
      socket.on('error', () => undefined)
      socket.destroy()
      reject(error)
    }
    const onError = (error: unknown): void => {
      fail(unreachable(edge, error))
    }
    const onClose = (): void => {
      fail(unreachable(edge, new Error('the connection was closed before an answer')))
    }
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) {
        if (received.length > HEAD_LIMIT) fail(unreachable(edge, new Error('the answer is not HTTP')))
        return
      }
      const answer = parseHead(received.toString('latin1', 0, end))
      if (!answer) {
        fail(unreachable(edge, new Error('the answer is not HTTP')))
      } else if (answer.status !== 101) {
        fail(new RefusedError(edge.host, readRefusal(answer.status, answer.headers)))
      } else if (answer.headers.get('sec-websocket-accept') !== acceptOf(key)) {
        fail(unreachable(edge, new Error('the answer is not the one to this request')))
      } else {
        settle()
        socket.pause()
        resolve({socket, head: received.subarray(end + 4)})
      }
    }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.on('data', onData)
    socket.once('secureConnect', () => {
      connected = true
      socket.write(requestHead(edge.host, clientId, clientSecret.expose(), key))
    })
  })
}

function requestHead(host: string, clientId: string, clientSecret: string, key: string): string {
  return [
    'GET / HTTP/1.1',
    `Host: ${host}`,
    `User-Agent: ${USER_AGENT}`,
    `Cf-Access-Client-Id: ${clientId}`,
    `Cf-Access-Client-Secret: ${clientSecret}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n')
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
}

function parseHead(text: string): {status: number; headers: Map<string, string>} | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return {status: Number(status), headers}
}

/** Where the connection goes: host or address, and port. */
export function connectAddress({host, connectTo}: EdgeAddress): [string, number] {
  if (connectTo === undefined) return [host, 443]
  const colon = connectTo.lastIndexOf(':')
  return [connectTo.slice(0, colon).replace(/^\[|\]$/g, ''), Number(connectTo.slice(colon + 1))]
}

/** @throws UserError `config` / `BAD_CA_FILE` */
export async function readCa(file: string): Promise<string> {
  const text = await fs.readFile(file, 'utf8').catch((error: unknown) => {
    throw badCa(file, hasCode(error, 'ENOENT') ? 'There is no such file.' : 'It cannot be read.')
  })
  try {
    tls.createSecureContext({ca: text})
  } catch {
    throw badCa(file, 'It holds no usable certificate.')
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw badCa(file, 'It holds no certificate (PEM).')
  return text
}

function badCa(file: string, why: string): UserError {
  return new UserError({
    kind: 'config',
    code: 'BAD_CA_FILE',
    message: `The edge's CA file ${file} cannot be used`,
    why,
    next: ['Give another with --ca-file, or mend the profile: zt profile show'],
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

function timedOut({host, connectTo}: EdgeAddress, timeoutMs: number, connected: boolean): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'EDGE_TIMEOUT',
    message: `The edge at ${connectTo ?? host} does not answer`,
    why: `${connected ? 'It took the request and was silent' : 'No connection came about'} for ${timeoutMs / 1000} s.`,
    next: ['Check the network, and try again'],
  })
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there.',
  ECONNRESET: 'The connection was cut.',
  ENOTFOUND: 'That host name does not exist.',
  EAI_AGAIN: 'The name server does not answer.',
  ENETUNREACH: 'There is no network.',
  EHOSTUNREACH: 'There is no way to that host.',
  ETIMEDOUT: 'The connection timed out.',
}

/** What the network or TLS says against a connection, as an error for people. */
export function unreachable({host, connectTo, caFile}: EdgeAddress, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const where = connectTo ?? host
  if (/CERT|ISSUER|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code)) {
    return new UserError({
      kind: 'unreachable',
      code: 'EDGE_NOT_TRUSTED',
      message: `The certificate of ${where} is not trusted for ${host}`,
      why: `${code}. Nothing was sent to it.`,
      next: [
        caFile === undefined
          ? 'If the edge has a CA of its own: --ca-file FILE'
          : `Is ${caFile} the CA of this edge?`,
      ],
      details: {reason: code},
      cause: error,
    })
  }
  return new UserError({
    kind: 'unreachable',
    code: 'EDGE_UNREACHABLE',
    message: `Cannot reach the edge at ${where}`,
    why: REASONS[code] ?? `It says: ${messageOf(error)}.`,
    next: ['Check the network, the host name and the profile: zt profile show'],
    cause: error,
  })
}
