import {UserError} from '../core/errors.js'

/** Long runs of secret-looking characters: client secrets, API tokens. A UUID is shorter. */
const LIKELY_SECRET = /[A-Za-z0-9_-]{37,}/g

/**
 * Turns what oclif throws for a bad command line into a `usage` error; leaves everything else as it is.
 * A secret that was typed where it does not belong is not repeated.
 */
export function fromOclif(error: unknown): unknown {
  if (error instanceof UserError) return unwrapped(error)
  if (!(error instanceof Error) || !('oclif' in error)) return error
  const [first = '', ...rest] = error.message
    .replace(/\nSee more help with --help$/, '')
    .replaceAll(LIKELY_SECRET, '[hidden]')
    .split('\n')
    .filter((line) => line.trim() !== '')
  return new UserError({
    kind: 'usage',
    code: 'BAD_COMMAND_LINE',
    message: first.replace(/:$/, ''),
    why: rest.length > 0 ? rest.map((line) => line.trim()).join('\n') : undefined,
    next: ['Add --help to see what the command takes'],
  })
}

/** What a flag's own check threw, without the lines that oclif puts around its message. */
function unwrapped(error: UserError): UserError {
  const end = '\nSee more help with --help'
  const [start] = /^Parsing --\S+\s+/.exec(error.message) ?? []
  if (start?.includes('\n') !== true || !error.message.endsWith(end)) return error
  const message = error.message.slice(start.length, -end.length)
  const {kind, code, why, next, details} = error
  return new UserError({kind, code, message, why, next: [...next], details})
}
