import {nameOfThrown, UserError} from './errors.js'

/**
 * Tidies up when the work is over, whatever that came to. What fails here must neither take the place of a result nor of an
 * error: it is said beside it.
 *
 * @param what of the things that are left, for a sentence: `A lock's file could not be removed`
 * @param warn told so, with the reason
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
