import type {Environment} from '../../config/paths.js'
import {UserError} from '../../core/errors.js'

/** The first descriptor that systemd passes on (sd_listen_fds(3)). */
const FIRST = 3

/** The sockets that systemd has opened for this process. Each is used once. */
export class ActivatedSockets {
  readonly #environment: Environment
  readonly #pid: number
  readonly #taken = new Set<number>()

  constructor(environment: Environment, pid = process.pid) {
    this.#environment = environment
    this.#pid = pid
  }

  /**
   * @param name FileDescriptorName= in the socket's unit; undefined: the next socket
   * @returns its file descriptor
   * @throws UserError `usage` / `NOT_ACTIVATED`
   */
  take(name: string | undefined): number {
    const names = this.#names()
    const at = names.findIndex((one, nth) => !this.#taken.has(nth) && (name === undefined || one === name))
    if (at < 0)
      throw notActivated(
        name === undefined
          ? `The number of sockets is ${names.length}, and all of them are in use.`
          : `The names of the sockets are: ${names.filter(Boolean).join(', ') || 'none'}.`,
      )
    this.#taken.add(at)
    return FIRST + at
  }

  /** Their names; empty ones where systemd gave none. */
  #names(): string[] {
    const env = this.#environment
    const {LISTEN_PID: pid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names = ''} = env
    if (pid === undefined) throw notActivated('LISTEN_PID is not set.')
    // A child may have inherited the variables, but not the sockets.
    if (pid !== String(this.#pid)) throw notActivated('LISTEN_PID names another process.')
    if (!/^[1-9]\d{0,2}$/.test(count)) throw notActivated('LISTEN_FDS is not the number of sockets.')
    const each = names.split(':')
    return Array.from({length: Number(count)}, (_, at) => each[at] ?? '')
  }
}

function notActivated(why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'NOT_ACTIVATED',
    message: 'systemd has passed no such socket to this process',
    why,
    next: ['Start zt as the service of a .socket unit, or give --listen an address'],
  })
}
