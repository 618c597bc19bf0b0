import fs from 'node:fs'
import {readFile} from 'node:fs/promises'
import type net from 'node:net'
import {posixPath} from '../core/posix-path.js'

/** What the system knows about a client's end of a connection. */
interface Seen {
  /** Bytes sent that have not reached it yet. */
  waiting: number
  /** Whether it has closed its socket; undefined if this machine cannot see that. */
  gone: boolean | undefined
}

const LOOK_MS = 20
/** A list that changes while it is read may lack a line, or have one twice; not so often. */
const LOOKS = 5
/** How long the other side has for what is on its way to it, where the system does not show whether it has arrived. */
const UNSEEN_MS = 5000

/**
 * Ends a connection so that the other side does not take what it has received for all that there was: resets it as
 * {@link resetOnceTaken} does, or a while later where the system does not show what has arrived. A Unix socket has no reset,
 * and is closed.
 *
 * @param idleMs how long the other side may receive nothing
 */
export async function breakOff(socket: net.Socket, idleMs: number): Promise<void> {
  if (!isTcp(socket)) return void socket.end(() => socket.destroy())
  if (await resetOnceTaken(socket, idleMs)) return
  socket.resume()
  setTimeout(() => {
    reset(socket)
  }, UNSEEN_MS).unref()
}

/**
 * Resets a connection once the other side has received everything: a reset discards what is still in transit.
 *
 * @param idleMs how long the other side may receive nothing
 * @returns false, and nothing is done, if the system does not show what it has received
 */
export async function resetOnceTaken(socket: net.Socket, idleMs: number): Promise<boolean> {
  let waiting = socket.bytesWritten === 0 && isTcp(socket) ? 0 : await waitingFor(socket)
  let moved = performance.now()
  while (waiting !== undefined && waiting > 0 && !socket.destroyed) {
    if (performance.now() - moved > idleMs) break
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const now = await waitingFor(socket)
    if (now !== waiting) moved = performance.now()
    waiting = now
  }
  if (waiting === undefined && !socket.destroyed) return false
  reset(socket)
  return true
}

/** Closes a connection at once: in order only if everything and its end were sent. */
export function drop(socket: net.Socket): void {
  if (socket.writableFinished) socket.destroy()
  else reset(socket)
}

/** Resets a connection; one that has no reset is closed: a Unix socket, and TLS, whose end says what a reset does. */
export function reset(socket: net.Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy()
  }
}

/** Linux refuses even to write nothing to a Unix socket whose other end is closed; one that only stopped sending is not. */
function isUnixGone(socket: net.Socket): boolean | undefined {
  const {_handle: handle} = socket as unknown as {_handle?: {fd?: number}}
  if (process.platform !== 'linux' || handle?.fd === undefined) return undefined
  try {
    fs.writeSync(handle.fd, Buffer.alloc(0))
    return false
  } catch {
    return true
  }
}

function isTcp({localPort}: net.Socket): boolean {
  return localPort !== undefined
}

/** Whether a client that stopped sending has closed its whole socket; undefined if the system does not show it. */
export async function isGone(socket: net.Socket): Promise<boolean | undefined> {
  if (socket.destroyed) return true
  if (!isTcp(socket)) return isUnixGone(socket)
  const gone = (await look(socket))?.gone
  // A list that changes while it is read may lack a line; not twice.
  return gone === true ? socket.destroyed || (await look(socket))?.gone : gone
}

/**
 * How many bytes have not reached the client's system yet; undefined if the system does not show it. A reset discards
 * these, and on Linux no others.
 */
export async function waitingFor(socket: net.Socket): Promise<number | undefined> {
  for (let looks = 1; ; looks++) {
    const seen = await look(socket)
    if (seen || looks === LOOKS) return seen?.waiting
  }
}

/** Linux lists its TCP connections (proc_net_tcp(5)), and both ends if the client is on this machine. */
async function look(socket: net.Socket): Promise<Seen | undefined> {
  const {localPort, remotePort, localAddress, remoteAddress, remoteFamily} = socket
  if (process.platform !== 'linux' || localPort === undefined || remotePort === undefined) return undefined
  const list = posixPath(`/proc/net/tcp${remoteFamily === 'IPv6' ? '6' : ''}`)
  if (list === undefined) return undefined
  const text = await readFile(list, 'latin1').catch(() => '')
  const ours = linesOf(text, localPort, remotePort)
  // Two connections between the same ports of different addresses look the same here.
  if (ours.length !== 1) return undefined
  const waiting = Number.parseInt(ours[0]?.[4]?.split(':')[0] ?? '', 16)
  const [theirs, ...more] = linesOf(text, remotePort, localPort)
  const here = remoteAddress === localAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress ?? '')
  // A closed socket has no inode.
  const gone = !here || more.length > 0 ? undefined : theirs === undefined || theirs[9] === '0'
  return {waiting, gone}
}

function linesOf(text: string, local: number, remote: number): string[][] {
  const [ours, theirs] = [local, remote].map(
    (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`,
  ) as [string, string]
  // Taking a line apart is slow, and a busy machine has thousands.
  return text
    .split('\n')
    .filter((line) => line.includes(ours) && line.includes(theirs))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(ours) && fields[2]?.endsWith(theirs))
}
