import fs from 'node:fs'
import path from 'node:path'
import {startTimeOf} from '../../system/processes.js'
import {runDirectory, drop, ownFile, sweep} from './run-files.js'

/** What a process says of the connections that it carries. No secrets. */
export interface Announced {
  version: 1
  carries: 'ssh' | 'forward'
  host: string
  profile: string
  /** The service token's id; `env` for the environment's pair. */
  tokenId: string
  clientId: string
  /** Whose connection it is, as {@link import('../ssh/sharing.js').identityOf} says it. */
  identity: string
  /** Plain ssh opened it: its socket, if it has one, has the name that a configuration gives it. */
  plainSsh: boolean
  /** True where cloudflared carries it, as a child. */
  cloudflared: boolean
  /** ISO 8601. */
  openedAt: string
  /** When the process started, as the system counts it; undefined where that cannot be read. */
  started: string | undefined
}

/**
 * Says, until this process ends, that it carries connections: before it opens the first, so that whoever disables the
 * token finds each that was let in. A state directory that cannot be written keeps nobody from a connection.
 *
 * @returns takes it back
 */
export function announce(
  state: string,
  what: Omit<Announced, 'version' | 'openedAt' | 'started'>,
): () => void {
  const content: Announced = {
    version: 1,
    ...what,
    openedAt: new Date().toISOString(),
    started: startTimeOf(process.pid),
  }
  const file = ownFile(state, 'connection')
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}`)
  const withdraw = (): void => {
    process.removeListener('exit', withdraw)
    drop(file)
  }
  try {
    fs.mkdirSync(runDirectory(state), {recursive: true, mode: 0o700})
    sweep(state)
    // Not durable: after a power cut there is no connection.
    fs.writeFileSync(temporary, JSON.stringify(content), {mode: 0o600, flag: 'wx'})
    fs.renameSync(temporary, file)
  } catch {
    drop(temporary)
    return () => undefined
  }
  process.on('exit', withdraw)
  return withdraw
}
