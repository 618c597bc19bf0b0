import {UserError} from '../../core/errors.js'

/** The same error with more facts. Anything but a `UserError` is returned as it is. */
export function restated(
  error: unknown,
  more: {why?: string[]; next?: string[]; details?: Record<string, unknown>; outcomeUnknown?: boolean},
): unknown {
  if (!(error instanceof UserError)) return error
  return error.with({
    ...more,
    why: [...error.whyLines, ...(more.why ?? [])].filter((line) => line !== ''),
    next: [...(more.next ?? []), ...error.next],
  })
}
