import path from 'node:path'
import {filesSync as fs} from '../../system/disk.js'
import {startTimeOf} from '../../system/processes.js'
import type {Announced} from './read.js'
import {runDirectory, drop, ownFile, sweep} from './run-files.js'

/**
 * Records, until this process ends, that it carries connections. Call this before the first is opened: then anyone who
 * disables the token finds every admitted connection. If the state directory cannot be written, this does nothing.
 *
 * @returns a function that removes the record
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
    // Need not be durable: after a power failure there is no connection.
    fs.writeFileSync(temporary, JSON.stringify(content), {mode: 0o600, flag: 'wx'})
    fs.renameSync(temporary, file)
  } catch {
    drop(temporary)
    return () => undefined
  }
  process.on('exit', withdraw)
  return withdraw
}
