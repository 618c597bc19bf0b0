import {UserError} from '../../core/errors.js'
import type {EdgeAddress} from '../types.js'
import type {Stage} from './deadlines.js'
import {NotHttpError} from './http-head.js'
import type {Address, HttpProxy} from './proxy-settings.js'
import {NoAnswerError} from './wait-for.js'

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there.',
  ECONNRESET: 'The connection was reset.',
  ENOTFOUND: 'That host name does not exist.',
  EAI_AGAIN: 'The name server does not answer.',
  ENETUNREACH: 'There is no network.',
  EHOSTUNREACH: 'There is no way to that host.',
  ETIMEDOUT: 'The connection timed out.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'What listens there does not speak TLS.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'It wants a client certificate (mTLS), and zt has none.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'What listens there does not speak TLS.',
}

const DISTRUST: Record<string, string> = {
  CERT_HAS_EXPIRED: 'It, or its CA, has expired',
  CERT_NOT_YET_VALID: 'It, or its CA, is not valid yet; is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'It is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'It is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'Its CA is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'Its CA is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Its CA is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Its CA is not known here',
}

const CHECK = 'Check the network, the host name and the profile: zt profile show'

/** Of the system, of node or of OpenSSL; nothing where it is not written as theirs are. */
function codeOf(error: unknown): string {
  const {code} = (error ?? {}) as {code?: unknown}
  return typeof code === 'string' && /^(?:ERR_(?:SSL|TLS)_)?[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : ''
}

/** Whether this is a connection's failure. Everything else is said already, or a mistake of ours. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof UserError) return false
  return error instanceof NotHttpError || error instanceof NoAnswerError || codeOf(error) !== ''
}

/** Whether it was we who did not trust the certificate. The other side says ERR_SSL_… of ours, if it wants one. */
function isDistrust(code: string): boolean {
  return !code.startsWith('ERR_SSL_') && /CERT|ISSUER|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code)
}

function distrust(code: string): string {
  const known = DISTRUST[code]
  return known === undefined ? `${code}.` : `${known} (${code}).`
}

/** In a few words, without what the other side sent. */
function reasonOf(error: unknown): string {
  if (error instanceof NotHttpError) return 'Its answer is not HTTP.'
  if (error instanceof NoAnswerError) return 'The connection was closed before an answer.'
  // OpenSSL's messages are for its developers, and a message of unknown origin may hold anything.
  const code = codeOf(error)
  return REASONS[code] ?? `It failed with ${code}.`
}

/** What went wrong on the way to the edge, or before its answer. */
export function edgeFailed(edge: EdgeAddress, stage: Stage, error: unknown): UserError {
  const {host, caFile} = edge
  const where = edge.connectTo ?? host
  const code = codeOf(error)
  if (isDistrust(code)) {
    return new UserError({
      kind: 'unreachable',
      code: 'EDGE_NOT_TRUSTED',
      message: `The certificate of ${where} is not trusted for ${host}`,
      why: `${distrust(code)} Nothing was sent to it.`,
      next: [
        caFile === undefined
          ? 'If the edge has a CA of its own: --ca-file FILE'
          : `Is ${caFile} the CA of this edge?`,
      ],
      details: {reason: code},
      cause: error,
    })
  }
  if (error instanceof NotHttpError) return notAnEdge(edge, 'Its answer is not HTTP.')
  if (code === 'EAI_AGAIN') return notLookedUp(nameIn(edge), 'The system gave up waiting (EAI_AGAIN).')
  if (stage === 'answer') {
    return new UserError({
      kind: 'unreachable',
      code: 'EDGE_GONE',
      message: `The edge at ${where} ended the connection`,
      why: code === 'ECONNRESET' ? 'The connection was reset before an answer.' : reasonOf(error),
      next: ['Try again'],
      cause: error,
    })
  }
  return new UserError({
    kind: 'unreachable',
    code: 'EDGE_UNREACHABLE',
    message: `Cannot reach the edge at ${where}`,
    why: reasonOf(error),
    next: [CHECK],
    cause: error,
  })
}

/** An answer was passed on, and ended before its end. */
export function answerCut({host, connectTo}: EdgeAddress): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'ANSWER_CUT',
    message: `The edge at ${connectTo ?? host} broke off in the middle of an answer`,
    why: 'What had come was passed on, and the client saw that it was cut off.',
    next: ['Try again'],
  })
}

/** Something answers there, and not as a WebSocket server would. */
export function notAnEdge({host, connectTo}: EdgeAddress, why: string): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'EDGE_PROTOCOL',
    message: `What answers at ${connectTo ?? host} is no edge`,
    why,
    next: [CHECK],
  })
}

export function timedOut(
  {host, connectTo}: EdgeAddress,
  proxy: HttpProxy | undefined,
  stage: Stage,
  ms: number,
): UserError {
  const seconds = `${ms / 1000} s`
  const next = ['Check the network, and try again', 'To wait longer: --timeout SECONDS']
  if (stage === 'lookup') {
    return notLookedUp(proxy?.host ?? nameIn({host, connectTo}), `No address came within ${seconds}.`, proxy)
  }
  if (stage === 'proxy' && proxy) {
    return new UserError({
      kind: 'unreachable',
      code: 'PROXY_TIMEOUT',
      message: `The proxy ${nameOf(proxy)} does not answer`,
      why: `It made no connection within ${seconds}. ${proxy.variable} names it.`,
      next: [...next, `To go past it: NO_PROXY=${host}`],
    })
  }
  const why = {
    connect: `No connection came about within ${seconds}.`,
    proxy: `No connection came about within ${seconds}.`,
    tls: `It took the connection, and TLS did not come about within ${seconds}.`,
    answer: `It took the request and was silent; the limit is ${seconds}.`,
  }[stage]
  return new UserError({
    kind: 'unreachable',
    code: 'EDGE_TIMEOUT',
    message: `The edge at ${connectTo ?? host} does not answer`,
    why,
    next,
    details: {stage},
  })
}

function nameIn({host, connectTo}: Pick<EdgeAddress, 'host' | 'connectTo'>): string {
  return connectTo?.replace(/:\d+$/, '') ?? host
}

/** Of the network's name servers, not of who has the name. */
function notLookedUp(name: string, why: string, proxy?: HttpProxy): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'HOST_NOT_RESOLVED',
    message: `The name server does not answer for ${name}`,
    why: proxy ? `${why} ${proxy.variable} names that proxy.` : why,
    next: ["Check the network and this machine's name servers", 'To wait longer: --timeout SECONDS'],
    details: {name},
  })
}

/** As it may be shown: the variable's value may hold a password. */
export function nameOf({host, port}: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export function proxyUnreachable(proxy: HttpProxy, error: unknown): UserError {
  const code = codeOf(error)
  const distrusted = isDistrust(code)
  return new UserError({
    kind: 'unreachable',
    code: distrusted ? 'PROXY_NOT_TRUSTED' : 'PROXY_UNREACHABLE',
    message: distrusted
      ? `The certificate of the proxy ${nameOf(proxy)} is not trusted`
      : `Cannot reach the edge through the proxy ${nameOf(proxy)}`,
    why: `${distrusted ? distrust(code) : reasonOf(error)} ${proxy.variable} names it.`,
    next: distrusted
      ? ['If the proxy has a CA of its own: NODE_EXTRA_CA_CERTS=FILE']
      : [`Mend ${proxy.variable}, or unset it`],
    cause: error,
  })
}

export function proxyRefused(proxy: HttpProxy, to: Address, status: number): UserError {
  const target = `${to.host}:${to.port}`
  const {variable} = proxy
  const [why, next] = ((): [string, string] => {
    // 407 is the one that is meant; some proxies say 401.
    if (status === 407 || status === 401) {
      return proxy.authorization
        ? ['It does not accept the user and password.', `Correct the user and password in ${variable}`]
        : ['It wants a user and password.', `Put them into ${variable}: http://USER:PASSWORD@HOST:PORT`]
    }
    if (status === 403)
      return ['It does not allow connections to there.', `Ask who runs it to allow ${target}`]
    if (status === 502 || status === 503 || status === 504)
      return ['It cannot reach the edge itself.', 'Try again, or ask who runs it']
    if (status >= 200 && status < 300)
      return ['It sent data of its own into the connection.', `Is ${variable} a proxy that knows CONNECT?`]
    return ['It does not make the connection.', `Is ${variable} a proxy that knows CONNECT?`]
  })()
  return new UserError({
    kind: 'unreachable',
    code: 'PROXY_REFUSED',
    message: `The proxy ${nameOf(proxy)} refuses the connection to ${target} (${status})`,
    why: `${why} ${variable} names it.`,
    next: [next, `To go past it: NO_PROXY=${to.host}`],
    details: {status},
  })
}
