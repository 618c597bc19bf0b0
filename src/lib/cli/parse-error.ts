import {UserError} from '../core/errors.js'
import {visible} from '../core/text.js'

/** Long runs of secret-looking characters: client secrets, API tokens. A UUID is shorter. */
const LIKELY_SECRET = /[A-Za-z0-9_-]{37,}/g

/**
 * Turns what oclif throws for a bad command line into a `usage` error; leaves everything else as it is.
 * A secret that was typed where it does not belong is not repeated.
 */
export function fromOclif(error: unknown, argv: readonly string[] = process.argv.slice(2)): unknown {
  if (error instanceof UserError) return unwrapped(error)
  if (!(error instanceof Error) || !('oclif' in error)) return error
  const [first = '', ...rest] = onOneLineEach(argv, error.message)
    .replace(/\nSee more help with --help$/, '')
    .replaceAll(LIKELY_SECRET, '[hidden]')
    .split('\n')
    .filter((line) => line.trim() !== '')
  return new UserError({
    kind: 'usage',
    code: 'BAD_COMMAND_LINE',
    message: first.replace(/:$/, ''),
    why: rest.map((line) => line.trim()),
    next: ['Add --help to see what the command takes'],
  })
}

/** The words of the command line that a message repeats, with their line breaks visible: those around them are oclif's. */
function onOneLineEach(argv: readonly string[], message: string): string {
  return argv
    .flatMap((word) => [word, word.replace(/^[^=]*=/, '')])
    .filter((word) => word.includes('\n'))
    .reduce((text, word) => text.replaceAll(word, () => visible(word)), message)
}

/** What a flag's own check threw, without the lines that oclif puts around its message. */
function unwrapped(error: UserError): UserError {
  const end = '\nSee more help with --help'
  const [start] = /^Parsing --\S+\s+/.exec(error.message) ?? []
  if (start?.includes('\n') !== true || !error.message.endsWith(end)) return error
  return error.with({message: error.message.slice(start.length, -end.length)})
}
