import {UserError} from '../core/errors.js'

/**
 * Refuses a command line on which the document of a flag is to go to stdout, as well as the JSON of --json.
 *
 * @param flag such as `--html`
 * @throws UserError `usage` / `STDOUT_TWICE`
 */
export function oneStdout(flag: string, value: string | undefined, isJson: boolean): void {
  if (value !== '-' || !isJson) return
  throw new UserError({
    kind: 'usage',
    code: 'STDOUT_TWICE',
    message: `${flag} - and --json both need stdout`,
    why: 'Each of them is one document.',
    next: [`Give a file for one of them: ${flag} FILE`],
  })
}
