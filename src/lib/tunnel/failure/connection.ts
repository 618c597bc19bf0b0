import {UserError, type UserErrorOptions} from '../../core/errors.js'
import {hostAndPort} from '../../network/ask-for-tunnel.js'
import type {EdgeAddress} from '../types.js'
import type {Stage} from '../carrier/deadlines.js'
import {NotHttpError} from '../../network/http-head.js'
import type {HttpProxy} from '../../network/proxy-settings.js'
import {NoAnswerError} from '../../network/wait-for.js'

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there.',
  ECONNRESET: 'The connection was reset.',
  ENOTFOUND: 'The host name does not exist.',
  ENETUNREACH: 'There is no route to that network.',
  EHOSTUNREACH: 'There is no route to that host.',
  ETIMEDOUT: 'The connection timed out.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The server there does not speak TLS.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'It requires a client certificate (mTLS), and zt has none.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'The server there does not speak TLS.',
}

const DISTRUST: Record<string, string> = {
  CERT_HAS_EXPIRED: 'It or its CA has expired',
  CERT_NOT_YET_VALID: 'It or its CA is not valid yet; check the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'It is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'It is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'Its CA is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'Its CA is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Its CA is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Its CA is not known here',
  UNSPECIFIED: 'OpenSSL rejects it',
}

const CHECK = 'Check the network, the host name and the profile: zt profile show'
const WAIT_LONGER = 'To wait four times as long: ZT_PATIENCE=4 in the environment'

const unreachable = (options: Omit<UserErrorOptions, 'kind'>): UserError =>
  new UserError({kind: 'unreachable', ...options})

/** The code of the system, node or OpenSSL; empty for a text that does not look like theirs. */
function codeOf(error: unknown): string {
  const {code} = (error ?? {}) as {code?: unknown}
  return typeof code === 'string' && /^(?:ERR_(?:SSL|TLS)_)?[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : ''
}

/** Whether this is a connection's failure. Anything else has its words already, or is a bug in zt. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof UserError) return false
  return error instanceof NotHttpError || error instanceof NoAnswerError || codeOf(error) !== ''
}

/** Whether a connection failed because the certificate of the other side is not trusted. */
export function isDistrusted(error: unknown): boolean {
  return isDistrust(codeOf(error))
}

/** In the codes that node has for OpenSSL's verification; UNSPECIFIED: for what it has no code, such as a weak key. */
const VERIFYING =
  /CERT|CRL|ISSUER|SELF_SIGNED|ALTNAME|HOSTNAME|UNABLE_TO_VERIFY|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|UNSPECIFIED/

/** Whether zt did not trust the certificate. If the other side asks for a client certificate, the code is ERR_SSL_…. */
function isDistrust(code: string): boolean {
  return !code.startsWith('ERR_SSL_') && VERIFYING.test(code)
}

function distrust(code: string): string {
  const known = DISTRUST[code]
  return known === undefined ? `${code}.` : `${known} (${code}).`
}

/** A short reason, without what the other side sent. */
function reasonOf(error: unknown): string {
  if (error instanceof NotHttpError) return 'Its answer is not HTTP.'
  if (error instanceof NoAnswerError) return 'The connection was closed before an answer.'
  // OpenSSL's messages are for its developers, and a message of unknown origin may hold anything.
  const code = codeOf(error)
  return REASONS[code] ?? `It failed with ${code}.`
}

/** The cause that a connection has where nothing listens, for a program that only says that there was none. */
export function refusedConnection(): Error {
  return Object.assign(new Error('Nothing listens there'), {code: 'ECONNREFUSED'})
}

/** What went wrong on the way to the edge, or before its answer. */
export function edgeFailed(edge: EdgeAddress, stage: Stage, error: unknown): UserError {
  const {host, caFile, connectTo} = edge
  const where = connectTo ?? host
  const code = codeOf(error)
  if (isDistrust(code)) {
    return unreachable({
      code: 'EDGE_NOT_TRUSTED',
      message: `The certificate of ${where} is not trusted for ${host}`,
      why: `${distrust(code)} Nothing was sent to it.`,
      next: [
        caFile === undefined
          ? 'If the edge has its own CA, name its file: --ca-file FILE'
          : `Check that ${caFile} is the CA of this edge`,
      ],
      details: {reason: code},
      cause: error,
    })
  }
  if (error instanceof NotHttpError) return notAnEdge(edge, 'Its answer is not HTTP.')
  if (code === 'EAI_AGAIN') return notLookedUp(nameIn(edge), 'The system gave up waiting (EAI_AGAIN).')
  if (code === 'ENOTFOUND' || code === 'ENODATA') {
    return unreachable({
      code: 'HOST_NOT_RESOLVED',
      message: `${nameIn(edge)} has no address`,
      why: 'The host name does not exist, or has no address.',
      next:
        connectTo === undefined
          ? ['Check the spelling and the network', 'Check that the tunnel has a DNS record for this host']
          : ['Check the address in --connect-to, or in the profile: zt profile show'],
      cause: error,
    })
  }
  if (stage === 'answer') {
    return unreachable({
      code: 'EDGE_GONE',
      message: `The edge at ${where} ended the connection`,
      why: code === 'ECONNRESET' ? 'The connection was reset before an answer.' : reasonOf(error),
      next: ['Try again'],
      cause: error,
    })
  }
  return unreachable({
    code: 'EDGE_UNREACHABLE',
    message: `Cannot reach the edge at ${where}`,
    why: reasonOf(error),
    next: [CHECK],
    cause: error,
  })
}

/** Part of an answer was passed on, and the rest never came. */
export function answerCut({host, connectTo}: EdgeAddress): UserError {
  return unreachable({
    code: 'ANSWER_CUT',
    message: `The edge at ${connectTo ?? host} broke off in the middle of an answer`,
    why: 'The part that came was passed on, and the client saw that it was cut off.',
    next: ['Try again'],
  })
}

/** The server there does not answer as a WebSocket server would. */
export function notAnEdge({host, connectTo}: EdgeAddress, why: string): UserError {
  return unreachable({
    code: 'EDGE_PROTOCOL',
    message: `The server at ${connectTo ?? host} is not a Cloudflare edge`,
    why,
    next: [CHECK],
  })
}

export function timedOut(
  edge: EdgeAddress,
  proxy: HttpProxy | undefined,
  stage: Stage,
  ms: number,
): UserError {
  const seconds = `${ms / 1000} s`
  if (stage === 'lookup')
    return notLookedUp(proxy?.host ?? nameIn(edge), `No address came within ${seconds}.`, proxy)
  const next = ['Check the network, and try again', WAIT_LONGER]
  if (stage === 'proxy' && proxy) {
    return unreachable({
      code: 'PROXY_TIMEOUT',
      message: `The proxy ${hostAndPort(proxy)} does not answer`,
      why: `It made no connection within ${seconds}. ${proxy.variable} names it.`,
      next: [...next, `To bypass it, add ${edge.host} to NO_PROXY`],
    })
  }
  const why = {
    connect: `It did not accept a connection within ${seconds}.`,
    proxy: `It did not accept a connection within ${seconds}.`,
    tls: `It accepted the connection, but TLS was not established within ${seconds}.`,
    answer: `It accepted the request and sent nothing for ${seconds}.`,
  }[stage]
  return unreachable({
    code: 'EDGE_TIMEOUT',
    message: `The edge at ${edge.connectTo ?? edge.host} does not answer`,
    why,
    next,
    details: {stage},
  })
}

function nameIn({host, connectTo}: EdgeAddress): string {
  return connectTo?.replace(/:\d+$/, '') ?? host
}

/** This machine's name servers are at fault, not the owner of the name. */
function notLookedUp(name: string, why: string, proxy?: HttpProxy): UserError {
  return unreachable({
    code: 'HOST_NOT_RESOLVED',
    message: `The name server does not answer for ${name}`,
    why: proxy ? `${why} ${proxy.variable} names that proxy.` : why,
    next: ["Check the network and this machine's name servers", WAIT_LONGER],
    details: {name},
  })
}

export function proxyUnreachable(proxy: HttpProxy, error: unknown): UserError {
  const code = codeOf(error)
  const {variable} = proxy
  if (code === 'EAI_AGAIN') return notLookedUp(proxy.host, 'The system gave up waiting (EAI_AGAIN).', proxy)
  const distrusted = isDistrust(code)
  return unreachable({
    code: distrusted ? 'PROXY_NOT_TRUSTED' : 'PROXY_UNREACHABLE',
    message: distrusted
      ? `The certificate of the proxy ${hostAndPort(proxy)} is not trusted`
      : `Cannot reach the edge through the proxy ${hostAndPort(proxy)}`,
    why: `${distrusted ? distrust(code) : reasonOf(error)} ${variable} names it.`,
    next: distrusted
      ? ['If the proxy has its own CA, name its file in NODE_EXTRA_CA_CERTS']
      : [`Correct ${variable}, or unset it`],
    cause: error,
  })
}
