import {nameOfThrown, UserError} from './errors.js'

/**
 * Cleans up after the work, whether or not it succeeded. A failure here must not replace the work's result or error, so it
 * becomes a warning.
 *
 * @param what the sentence to warn with: `A lock's file could not be removed`
 * @param warn gets the sentence and the reason
 */
export async function tidy(
  what: string,
  work: () => Promise<unknown>,
  warn: (text: string) => void,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    const why = error instanceof UserError ? `: ${error.message}` : ` (${nameOfThrown(error)})`
    warn(`${what}${why}`)
  }
}
