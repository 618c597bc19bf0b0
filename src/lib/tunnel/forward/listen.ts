import {isIP} from 'node:net'
import {UserError} from '../../core/errors.js'
import {isLoopback} from '../../network/callers.js'

/** Where a forward listens. */
export interface ListenAddress {
  /** An IP address, without brackets. */
  address: string
  /** 0: any free port. */
  port: number
}

/**
 * Reads `--listen`: `ADDRESS:PORT`, `[::1]:PORT`, `localhost:PORT` or `PORT`. Anyone who reaches the listener uses the
 * token, so an address other than loopback needs `--expose`.
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
      message: `"${text}" is not an address to listen on`,
      why: 'It must be ADDRESS:PORT, for example 127.0.0.1:5432 or [::1]:5432; port 0 is any free port.',
    })
  }
  if (isLoopback(address) || expose) return {address, port}
  throw new UserError({
    kind: 'usage',
    code: 'LISTEN_EXPOSED',
    message: `Other machines can reach ${address}`,
    why: 'Anyone who connects there uses the service token, without any check.',
    next: ['Listen on 127.0.0.1, or add --expose if you trust that network'],
  })
}

/** `ADDRESS:PORT` as in a URL. */
export function authorityOf({address, port}: ListenAddress): string {
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`
}

/**
 * Listening failed.
 *
 * @returns the error for people, or the same error if it is not a known one
 */
export function listenError(where: ListenAddress, error: Error): Error {
  const why = {
    EADDRINUSE: 'Another program already listens there.',
    EACCES: 'This user may not listen there.',
    EADDRNOTAVAIL: 'This machine has no such address.',
  }[(error as NodeJS.ErrnoException).code ?? '']
  if (why === undefined) return error
  return new UserError({
    kind: 'conflict',
    code: 'CANNOT_LISTEN',
    message: `Cannot listen on ${authorityOf(where)}`,
    why,
    next: ['Use another port with --listen; 0 is any free port'],
    cause: error,
  })
}
