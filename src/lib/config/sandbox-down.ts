import {UserError} from '../core/errors.js'
import type {Settings} from './types.js'

/** Errors are causes of errors, a few deep. */
const DEEPEST = 5

/** A failure to reach the servers of the sandbox's profile, where nothing listens: the first step is to start the sandbox. */
export function withSandboxStart<E>(
  error: E,
  settings: Pick<Settings, 'sandbox'> | undefined,
): E | UserError {
  if (settings?.sandbox !== true || !(error instanceof UserError)) return error
  if (error.kind !== 'unreachable' || !isRefused(error.cause)) return error
  return error.with({
    why: `${error.why ?? ''} The profile is the sandbox's, which may not be running.`.trim(),
    next: ['zt sandbox start', ...error.next],
  })
}

function isRefused(cause: unknown, depth = 0): boolean {
  if (!(cause instanceof Error) || depth > DEEPEST) return false
  return (cause as {code?: unknown}).code === 'ECONNREFUSED' || isRefused(cause.cause, depth + 1)
}
