import type net from 'node:net'
import {UserError} from '../core/errors.js'
import {USER_AGENT} from '../core/version.js'
import {readHead} from './http-head.js'
import type {Address, HttpProxy} from './proxy-settings.js'

/**
 * Asks an HTTP proxy for a connection to an address (CONNECT). The proxy receives its own password and the address; what
 * follows on the connection is for the other side, and is to be encrypted.
 *
 * @throws UserError `unreachable` / `PROXY_REFUSED`; NotHttpError, NoAnswerError, or the socket's own error
 */
export async function askForTunnel(
  socket: net.Socket,
  proxy: HttpProxy,
  to: Address,
  signal: AbortSignal,
): Promise<void> {
  const target = hostAndPort(to)
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, `User-Agent: ${USER_AGENT}`]
  if (proxy.authorization) lines.push(`Proxy-Authorization: ${proxy.authorization.expose()}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const {status, rest} = await readHead(socket, signal)
  if (status < 200 || status > 299 || rest.length > 0) throw proxyRefused(proxy, to, status)
}

/** For people: the variable's value may hold a password. */
export function hostAndPort({host, port}: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function proxyRefused(proxy: HttpProxy, to: Address, status: number): UserError {
  const target = `${to.host}:${to.port}`
  const {variable} = proxy
  const [why, next] = ((): [string, string] => {
    // 407 is the right status; some proxies answer 401.
    if (status === 407 || status === 401) {
      return proxy.authorization
        ? ['It does not accept the user and password.', `Correct the user and password in ${variable}`]
        : ['It requires a user and password.', `Put them into ${variable}: http://USER:PASSWORD@HOST:PORT`]
    }
    if (status === 403)
      return ['It does not allow connections to that address.', `Ask who runs it to allow ${target}`]
    if (status === 502 || status === 503 || status === 504)
      return ['It cannot reach that address itself.', 'Try again, or ask who runs it']
    const check = `Check that ${variable} names a proxy that supports CONNECT`
    if (status >= 200 && status < 300) return ['It inserted its own data into the connection.', check]
    return ['It does not make the connection.', check]
  })()
  return new UserError({
    kind: 'unreachable',
    code: 'PROXY_REFUSED',
    message: `The proxy ${hostAndPort(proxy)} refuses the connection to ${target} (${status})`,
    why: `${why} ${variable} names it.`,
    next: [next, `To bypass it, add ${to.host} to NO_PROXY`],
    details: {status},
  })
}
