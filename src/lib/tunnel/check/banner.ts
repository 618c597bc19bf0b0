import {PassThrough, Writable} from 'node:stream'
import {UserError} from '../../core/errors.js'
import {carry} from '../carrier/carry.js'
import type {OpenTunnel} from '../carrier/handshake.js'
import {limited, type Found} from './steps.js'

/** A server may send other lines before its banner (RFC 4253, 4.2); with more than this it is not an SSH server. */
const LIMIT = 8192

/**
 * Waits for the SSH banner from behind an open tunnel, sends nothing, and closes the tunnel.
 *
 * @throws UserError `unreachable` / `NO_BANNER`, `NOT_SSH`, or what the carrier throws
 */
export async function readBanner(
  tunnel: OpenTunnel,
  host: string,
  timeoutMs: number,
): Promise<Found<undefined>> {
  const abort = new AbortController()
  let received = ''
  let banner: string | undefined
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      received += chunk.toString('latin1')
      banner = /^(SSH-[^\r\n]*)\r?\n/m.exec(received)?.[1]
      if (banner !== undefined || received.length > LIMIT) abort.abort()
      done()
    },
  })
  const timer = setTimeout(() => {
    abort.abort()
  }, timeoutMs)
  try {
    await carry({tunnel, input: new PassThrough(), output, signal: abort.signal})
  } catch (error) {
    if (banner === undefined) throw error
  } finally {
    clearTimeout(timer)
  }
  if (banner === undefined)
    throw received === '' ? silent(host, timeoutMs, abort.signal.aborted) : notSsh(host, received)
  const text = limited(Buffer.from(banner, 'latin1').toString('utf8'), 255)
  return {value: undefined, detail: text, facts: {banner: text}}
}

function silent(host: string, timeoutMs: number, timedOut: boolean): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'NO_BANNER',
    message: `No SSH server answers behind ${host}`,
    why: timedOut
      ? `The tunnel is open, but nothing came through it for ${timeoutMs / 1000} s.`
      : 'The tunnel was closed before anything came through it.',
    next: [
      "Check that the tunnel's service is ssh://... with the right address, and that sshd is running there",
    ],
  })
}

function notSsh(host: string, received: string): UserError {
  return new UserError({
    kind: 'unreachable',
    code: 'NOT_SSH',
    message: `The server behind ${host} is not an SSH server`,
    why: `Its first line begins with "${limited(received.split(/[\r\n]/)[0] ?? '', 60)}".`,
    next: ["Check the tunnel's service: it should be ssh://..."],
  })
}
