import {ApiError, UserError} from '../../core/errors.js'

/** The same error with more facts. Anything but a `UserError` is returned as it is. */
export function restated(
  error: unknown,
  more: {why?: string[]; next?: string[]; details?: Record<string, unknown>; outcomeUnknown?: boolean},
): unknown {
  if (!(error instanceof UserError)) return error
  const options = {
    kind: error.kind,
    code: error.code,
    message: error.message,
    why: [...error.whyLines, ...(more.why ?? [])].filter((line) => line !== ''),
    next: [...(more.next ?? []), ...error.next],
    details: {...error.details, ...more.details},
    cause: error,
  }
  if (!(error instanceof ApiError)) return new UserError(options)
  const {status, ray, apiCodes, missingPermissions, outcomeUnknown} = error
  return new ApiError({
    ...options,
    status,
    ray,
    outcomeUnknown: more.outcomeUnknown ?? outcomeUnknown,
    apiCodes: [...apiCodes],
    missingPermissions: [...missingPermissions],
  })
}
