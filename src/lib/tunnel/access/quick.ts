import type {Environment} from '../../config/paths.js'
import type {ZtLine} from '../types.js'
import {readTunnelLine} from './line.js'

/**
 * The words for `zt ssh proxy` that do what follows `access ssh`, for bin/zt.cjs: ssh waits for the connection, so the
 * framework is not loaded.
 *
 * @returns undefined for a listener, and for an error, which the full command finds again and explains
 */
export function quickProxyLine(words: readonly string[], env: Environment): ZtLine | undefined {
  try {
    const line = readTunnelLine(words, env)
    return line.command === 'ssh:proxy' ? line : undefined
  } catch {
    return undefined
  }
}
