import {isIP} from 'node:net'
import {UserError} from '../../core/errors.js'
import {isLoopback} from '../../network/callers.js'

/** Where a forward listens. */
export interface ListenAddress {
  /** An IP address, without brackets. */
  address: string
  /** 0: whichever is free. */
  port: number
}

/**
 * Reads `--listen`: `ADDRESS:PORT`, `[::1]:PORT`, `localhost:PORT` or `PORT`. Whoever reaches the listener uses the
 * token, so that another address than a loopback one wants `--expose`.
 *
 * @throws UserError `usage` / `BAD_LISTEN`, `LISTEN_EXPOSED`
 */
export function parseListen(text: string, expose: boolean): ListenAddress {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text)
  const name = match?.[1] ?? match?.[2] ?? '127.0.0.1'
  const address = name.toLowerCase() === 'localhost' ? '127.0.0.1' : name
  const port = Number(match?.[3])
  if (!match || port > 65535 || isIP(address) !== (match[1] === undefined ? 4 : 6)) {
    throw new UserError({
      kind: 'usage',
      code: 'BAD_LISTEN',
      message: `"${text}" is not an address to listen at`,
      why: 'It is ADDRESS:PORT, for example 127.0.0.1:5432 or [::1]:5432; port 0 is whichever is free.',
    })
  }
  if (isLoopback(address) || expose) return {address, port}
  throw new UserError({
    kind: 'usage',
    code: 'LISTEN_EXPOSED',
    message: `${address} can be reached from other machines`,
    why: 'Whoever connects there is let in with the service token, and is asked for nothing.',
    next: ['Listen at 127.0.0.1, or add --expose if the network in between is trusted'],
  })
}

/** `ADDRESS:PORT` as it stands in a URL. */
export function authorityOf({address, port}: ListenAddress): string {
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`
}

/**
 * Listening failed.
 *
 * @returns what to tell, or the error itself where it is none that is known
 */
export function listenError(where: ListenAddress, error: Error): Error {
  const why = {
    EADDRINUSE: 'Something else listens there already.',
    EACCES: 'This user may not listen there.',
    EADDRNOTAVAIL: 'This machine has no such address.',
  }[(error as NodeJS.ErrnoException).code ?? '']
  if (why === undefined) return error
  return new UserError({
    kind: 'conflict',
    code: 'CANNOT_LISTEN',
    message: `Cannot listen at ${authorityOf(where)}`,
    why,
    next: ['Give another port with --listen; 0 is whichever is free'],
    cause: error,
  })
}
