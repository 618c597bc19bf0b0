import {UserError, hasCode} from '../../core/errors.js'

/** Bytes carried: from the input to the edge, and from the edge to the output. */
export interface Carried {
  up: number
  down: number
}

/** What an error says in addition to what happened. */
export interface CarryDetails extends Carried {
  /** What may help where the connection was idle; the program that carries knows. */
  advice: string | undefined
}

/** Said of an end that is no fault. */
export interface EndNote {
  /** Stable. */
  code: 'ENDED_WITHOUT_GOODBYE' | 'ENDED_GOING_AWAY' | 'ENDED_IDLE'
  text: string
}

/** The edge's TCP connection ended between two messages, and TLS did not say that it would. */
export function endedBare(): EndNote {
  return {
    code: 'ENDED_WITHOUT_GOODBYE',
    text: 'The edge ended the connection without saying goodbye (no close_notify). Everything that arrived was delivered',
  }
}

/** A close frame of 1001 (RFC 6455, 7.4.1: a server that goes down). It does not say whether the service had ended. */
export function endedGoingAway(): EndNote {
  return {
    code: 'ENDED_GOING_AWAY',
    text: 'The edge ended the connection because it is going away (close code 1001), as when it restarts. Everything that arrived was delivered; the service may have had more to send',
  }
}

/** @param ms how long the edge sent nothing */
export function endedSilent(ms: number): EndNote {
  return {
    code: 'ENDED_IDLE',
    text: `Closed: the edge sent no data for ${spell(ms)} after the input had ended. The end of the input cannot be sent through a tunnel, so a service that waits for it never answers`,
  }
}

function spell(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${ms / 1000} s`
}

/** What the codes of a close frame mean (RFC 6455, 7.4.1, and the registry behind it). */
const MEANINGS: Record<number, string> = {
  1002: 'it reports a protocol error',
  1003: 'it does not accept this kind of data',
  1007: 'it received invalid data',
  1008: 'its policy does not allow it',
  1009: 'a message was too big for it',
  1010: 'it requires an extension that zt does not support',
  1011: 'an error occurred in it or in the service behind it',
  1012: 'it is restarting',
  1013: 'it is overloaded',
  1014: 'the service behind it sent a bad answer',
}

export function edgeClosed(code: number, reason: string, carried: CarryDetails): UserError {
  const meaning = MEANINGS[code]
  const said = reason.trim()
  return broken(
    'TUNNEL_CLOSED',
    `The edge closed it with code ${code}${meaning === undefined ? '' : `: ${meaning}`}${said === '' ? '' : ` ("${said}")`}.`,
    carried,
  )
}

/** @param error the socket's error, if it was reset; it may be missing even then */
export function edgeGone(end: 'reset' | 'in a message', error: unknown, carried: CarryDetails): UserError {
  const how =
    end === 'in a message'
      ? 'The connection ended in the middle of a message.'
      : hasCode(error, 'ETIMEDOUT')
        ? 'The edge stopped answering.'
        : 'The connection was reset.'
  return broken('EDGE_GONE', how, carried)
}

/** @param ms how long nothing came */
export function edgeSilent(ms: number, carried: CarryDetails): UserError {
  return broken('EDGE_SILENT', `The edge was silent for ${ms / 1000} s, and answered no ping.`, carried)
}

/** @param what what the edge sent that it may not */
export function badFrames(what: string, carried: CarryDetails): UserError {
  return broken('TUNNEL_PROTOCOL', `The edge sent ${what}.`, carried)
}

export function outputFailed(error: unknown, carried: CarryDetails): UserError {
  return broken(
    'OUTPUT_FAILED',
    hasCode(error, 'ENOSPC') ? 'The disk is full.' : 'The output cannot be written.',
    carried,
  )
}

export function inputFailed(carried: CarryDetails): UserError {
  return broken('INPUT_FAILED', 'The input cannot be read.', carried)
}

function broken(code: string, why: string, {up, down, advice}: CarryDetails): UserError {
  const idle = code === 'EDGE_GONE' || code === 'EDGE_SILENT'
  return new UserError({
    kind: 'unreachable',
    code,
    message: 'The tunnel broke off',
    why: `${why} Until then it had carried ${size(up)} to the edge and ${size(down)} back.`,
    next: ['Try again', ...(idle && advice !== undefined ? [advice] : [])],
    details: {up, down},
  })
}

function size(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  const mib = bytes / (1024 * 1024)
  return mib < 1 ? `${(bytes / 1024).toFixed(1)} KiB` : `${mib.toFixed(1)} MiB`
}
