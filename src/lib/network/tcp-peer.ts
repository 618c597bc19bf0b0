import {readFile} from 'node:fs/promises'
import type net from 'node:net'

/** What the system knows of a client's connection. */
interface Seen {
  /** Bytes that it has been sent and does not have yet. */
  waiting: number
  /** Whether it has closed its socket; undefined where that cannot be seen from here. */
  gone: boolean | undefined
}

const LOOK_MS = 20

/**
 * Resets a connection once the other side has all that it was sent: a reset takes away what is still on its way.
 *
 * @param idleMs how long the other side may take nothing
 * @returns false, with nothing done, where the system does not show what it has
 */
export async function resetOnceTaken(socket: net.Socket, idleMs: number): Promise<boolean> {
  let waiting = socket.bytesWritten === 0 ? 0 : await waitingFor(socket)
  let moved = performance.now()
  while (waiting !== undefined && waiting > 0 && !socket.destroyed) {
    if (performance.now() - moved > idleMs) break
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const now = await waitingFor(socket)
    if (now !== waiting) moved = performance.now()
    waiting = now
  }
  if (waiting === undefined && !socket.destroyed) return false
  socket.resetAndDestroy()
  return true
}

/**
 * Whether a client that has ended its sending has closed its socket altogether, or still reads.
 *
 * @returns undefined where the system does not show it
 */
export async function isGone(socket: net.Socket): Promise<boolean | undefined> {
  if (socket.destroyed) return true
  const gone = (await look(socket))?.gone
  // A list that changes while it is read may leave a line out: twice it does not.
  return gone === true ? socket.destroyed || (await look(socket))?.gone : gone
}

/**
 * How many bytes a client's system does not have yet; a reset takes them away, and on Linux no others.
 *
 * @returns undefined where the system does not show it
 */
export async function waitingFor(socket: net.Socket): Promise<number | undefined> {
  return (await look(socket))?.waiting
}

/** Linux lists its TCP connections (proc_net_tcp(5)); the client's end is in the list too where it is on this machine. */
async function look(socket: net.Socket): Promise<Seen | undefined> {
  const {localPort, remotePort, localAddress, remoteAddress, remoteFamily} = socket
  if (process.platform !== 'linux' || localPort === undefined || remotePort === undefined) return undefined
  const text = await readFile(`/proc/net/tcp${remoteFamily === 'IPv6' ? '6' : ''}`, 'latin1').catch(() => '')
  const ours = linesOf(text, localPort, remotePort)
  // Two connections between the same ports of different addresses: rather nothing than the wrong one.
  if (ours.length !== 1) return undefined
  const waiting = Number.parseInt(ours[0]?.[4]?.split(':')[0] ?? '', 16)
  const [theirs, ...more] = linesOf(text, remotePort, localPort)
  const here = remoteAddress === localAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress ?? '')
  // A socket that no program holds has no inode.
  const gone = !here || more.length > 0 ? undefined : theirs === undefined || theirs[9] === '0'
  return {waiting, gone}
}

function linesOf(text: string, local: number, remote: number): string[][] {
  const ends = (address: string | undefined, port: number): boolean =>
    address?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`) ?? false
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => ends(fields[1], local) && ends(fields[2], remote))
}
