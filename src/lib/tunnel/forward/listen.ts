import net, {isIP} from 'node:net'
import path from 'node:path'
import {filesSync as fs} from '../../system/disk.js'
import {UserError, hasCode} from '../../core/errors.js'
import {posixPath} from '../../core/posix-path.js'
import {quoteForPerson} from '../../core/quote.js'
import {isLoopback} from '../../network/callers.js'
import {requireOwnDirectory} from '../../system/own-files.js'
import type {Listening} from '../types.js'
import type {ActivatedSockets} from './activation.js'

/** Where a forward is to listen; `fd`: a socket that systemd has opened. */
export type ListenWish = Listening | {fd: number; expose: boolean}

/** The longest path of a socket: Linux has 108 bytes for it, macOS 104, both with a zero at the end (unix(7)). */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103

const ANOTHER_PATH = 'Use another path with --listen unix:PATH'

/**
 * Reads `--listen`: `ADDRESS:PORT`, `[::1]:PORT`, `localhost:PORT`, `PORT`, `unix:PATH`, `systemd` or `systemd:NAME`.
 * Anyone who reaches the listener uses the token, so an address other than loopback needs `--expose`.
 *
 * @throws UserError `usage` / `BAD_LISTEN`, `LISTEN_EXPOSED`, `NOT_ACTIVATED`
 */
export function parseListen(
  text: string,
  expose: boolean,
  {sockets, platform = process.platform}: {sockets?: ActivatedSockets; platform?: NodeJS.Platform} = {},
): ListenWish {
  const [, kind, rest] = /^(unix|systemd)(?::(.*))?$/s.exec(text) ?? []
  if (kind === 'systemd' && rest !== '' && sockets) return {fd: sockets.take(rest), expose}
  if (kind === 'unix') return {socket: checkSocket(rest ?? '', platform)}
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text)
  const name = match?.[1] ?? match?.[2] ?? '127.0.0.1'
  const address = name.toLowerCase() === 'localhost' ? '127.0.0.1' : name
  const port = Number(match?.[3])
  if (!match || port > 65535 || isIP(address) !== (match[1] === undefined ? 4 : 6)) {
    throw badListen(
      text,
      'It must be ADDRESS:PORT, for example 127.0.0.1:5432 or [::1]:5432 (port 0 is any free port), unix:PATH or systemd.',
    )
  }
  if (isLoopback(address) || expose) return {address, port}
  throw exposed(`Other machines can reach ${address}`, [
    'Listen on 127.0.0.1, or add --expose if you trust that network',
  ])
}

function checkSocket(file: string, platform: NodeJS.Platform): string {
  if (platform === 'win32')
    throw badListen(`unix:${file}`, 'zt has no sockets of this kind on Windows; give it a port.')
  if (file === '') throw badListen('unix:', 'The path of the socket is missing.')
  const full = path.resolve(file)
  if (Buffer.byteLength(full) <= LONGEST_PATH) return full
  throw badListen(`unix:${file}`, `The path of a socket has at most ${LONGEST_PATH} bytes.`)
}

function badListen(text: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_LISTEN',
    message: `"${text}" is not an address to listen on`,
    why,
  })
}

function exposed(message: string, next: string[]): UserError {
  return new UserError({
    kind: 'usage',
    code: 'LISTEN_EXPOSED',
    message,
    why: 'Anyone who connects there uses the service token, without any check.',
    next,
  })
}

/** `ADDRESS:PORT` as in a URL; clients of a socket call it localhost. */
export function authorityOf(listen: Listening): string {
  if ('socket' in listen) return 'localhost'
  const {address, port} = listen
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`
}

/** For people, and as `--listen` takes it: `127.0.0.1:5432`, `unix:/run/user/1000/db`. */
export function placeOf(listen: ListenWish): string {
  if ('fd' in listen) return `the socket of descriptor ${listen.fd}`
  return 'socket' in listen ? `unix:${listen.socket}` : authorityOf(listen)
}

/**
 * Makes a server listen.
 *
 * @returns where it listens, with the port that the system chose
 * @throws UserError `conflict` / `CANNOT_LISTEN`; `needs-action` / `NOT_OUR_DIRECTORY`, `UNSAFE_PERMISSIONS`; `usage` /
 *   `LISTEN_EXPOSED`
 */
export async function startListening(server: net.Server, wish: ListenWish): Promise<Listening> {
  if ('socket' in wish) await makeRoom(wish.socket)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError(wish, error))
    })
    if ('fd' in wish) server.listen({fd: wish.fd}, resolve)
    else if ('socket' in wish) privately(() => server.listen({path: wish.socket}, resolve))
    else server.listen({host: wish.address, port: wish.port}, resolve)
  })
  const at = 'fd' in wish ? (addressOf(server) ?? pathOfSocket(wish.fd)) : addressOf(server)
  if (at !== undefined && !('fd' in wish && isExposed(at, wish.expose))) return at
  server.close()
  if (at === undefined)
    throw cannotListen(wish, 'The socket is neither a TCP socket nor a Unix one with a path.', [])
  throw exposed(`Others can connect to ${placeOf(at)}`, [
    'socket' in at
      ? "Set SocketMode=0600 in the socket's unit, or add --expose if you trust all users of this machine"
      : "Set ListenStream=127.0.0.1:PORT in the socket's unit, or add --expose if you trust that network",
  ])
}

function addressOf(server: net.Server): Listening | undefined {
  const at = server.address() as string | net.AddressInfo | null | undefined
  if (typeof at === 'string') return {socket: at}
  return at ? {address: at.address, port: at.port} : undefined
}

/** node does not know the path of a socket that it has not made; Linux lists them all (proc(5), /proc/net/unix). */
function pathOfSocket(fd: number): Listening | undefined {
  const list = posixPath('/proc/net/unix')
  if (list === undefined) return undefined
  const inode = String(fs.fstatSync(fd).ino)
  let lines: string[]
  try {
    lines = fs.readFileSync(list, 'utf8').split('\n')
  } catch {
    return undefined
  }
  for (const line of lines) {
    const [, found, file = ''] = /^\S+: (?:\S+ ){5} *(\d+) (\/.*)$/.exec(line) ?? []
    if (found === inode) return {socket: file}
  }
  return undefined
}

/** A socket has the mode 0600 from its first moment on; the system makes it in this call. */
function privately(listen: () => void): void {
  const before = process.umask(0o177)
  try {
    listen()
  } finally {
    process.umask(before)
  }
}

function isExposed(at: Listening, allowed: boolean): boolean {
  if (allowed) return false
  if ('address' in at) return !isLoopback(at.address)
  return (fs.statSync(at.socket).mode & 0o022) !== 0
}

/** Removes the socket that a killed process has left, in a directory that no one else can change. */
async function makeRoom(file: string): Promise<void> {
  const directory = path.dirname(file)
  try {
    requireOwnDirectory(directory, 'Others could put a socket of theirs in its place.')
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
    throw cannotListen({socket: file}, `There is no directory ${directory}.`, [
      `mkdir -m 700 ${quoteForPerson(directory)}`,
    ])
  }
  const stat = fs.lstatSync(file, {throwIfNoEntry: false})
  if (!stat) return
  if (!stat.isSocket()) throw cannotListen({socket: file}, 'There is a file of that name.', [ANOTHER_PATH])
  if (await answers(file)) throw listenError({socket: file}, Object.assign(new Error(), {code: 'EADDRINUSE'}))
  fs.rmSync(file, {force: true})
}

/** Whether a process listens on a socket. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT'))
    })
  })
}

/**
 * Listening failed.
 *
 * @returns the error for people, or the same error if it is not a known one
 */
function listenError(where: ListenWish, error: Error): Error {
  const why = {
    EADDRINUSE: 'Another program already listens there.',
    EACCES: 'This user may not listen there.',
    EADDRNOTAVAIL: 'This machine has no such address.',
    EINVAL: 'What systemd has passed on is not a socket that listens.',
    ENOTSOCK: 'What systemd has passed on is not a socket.',
  }[(error as NodeJS.ErrnoException).code ?? '']
  if (why === undefined) return error
  const next = {
    address: 'Use another port; 0 is any free one',
    socket: ANOTHER_PATH,
    fd: "Check ListenStream= in the socket's unit",
  }['fd' in where ? 'fd' : 'socket' in where ? 'socket' : 'address']
  return cannotListen(where, why, [next], error)
}

function cannotListen(where: ListenWish, why: string, next: string[], cause?: Error): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'CANNOT_LISTEN',
    message: `Cannot listen on ${placeOf(where)}`,
    why,
    next,
    cause,
  })
}
