import {UserError} from './errors.js'

/** An error's text on one line, for the `why` of another. */
export function said(error: unknown): string {
  if (error instanceof UserError) return `${error.message}. ${error.why ?? ''}`.trim()
  // The text of an unexpected error may hold a secret.
  const code = (error as {code?: unknown} | null)?.code
  return `An unexpected error occurred (${typeof code === 'string' ? code : 'no error code'}).`
}
