import path from 'node:path'
import {UserError} from '../../core/errors.js'
import {quoteForPerson} from '../../core/quote.js'
import {currentDirectory, isFullPath, variableOf} from '../../system/platform.js'

/** The longest command line of cmd.exe (learn.microsoft.com, "Command prompt line string limitation"). */
const LONGEST = 8191
/**
 * What means something to cmd.exe between double quotes too, or ends them: a quote, a variable, a delayed variable (in a batch
 * file that turns those on), and what ends the line.
 */
const NOT_QUOTABLE = /["%!\u0000-\u001f\u007f]/

/** A program with its arguments, as `spawn` takes them with `windowsVerbatimArguments`. */
export interface BatchStart {
  program: string
  args: string[]
}

/**
 * How a batch file (`.cmd`, `.bat`) is started: by cmd.exe, which reads the line again as commands (CVE-2024-24576 and
 * CVE-2024-27980, "BatBadBut"). Each word is in double quotes, where `& | < > ^ ( )` have no meaning; what has one there is
 * refused, so that no argument can become a command, or name a variable such as the client secret. As Rust's standard
 * library does it: no autorun (/d), no delayed variables (/v:off), and the outer quotes are removed (/s).
 *
 * @param usage the words before the command
 * @param cwd the current directory; cmd.exe goes to that of Windows instead of one on a network share
 * @throws UserError `needs-action` / `COMMAND_NOT_EXECUTABLE` (126) for a word that cannot be quoted
 */
export function batchStart(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  usage: string,
  cwd: string = currentDirectory(),
): BatchStart {
  const root = variableOf(env, 'SystemRoot', 'win32')
  const byHand = `If you trust the arguments, quote the command for cmd.exe yourself: ${usage} cmd /d /c COMMAND`
  const refuse = (why: string, next = byHand): UserError =>
    new UserError({
      kind: 'needs-action',
      code: 'COMMAND_NOT_EXECUTABLE',
      message: `The batch file ${file} cannot be started like this`,
      why,
      next: [next],
      exitCode: 126,
    })
  if (/^[\\/]{2}/.test(cwd))
    throw refuse(
      `The current directory, ${cwd}, is on a network share. cmd.exe would run it in the directory of Windows instead.`,
      `In cmd, pushd gives it a drive letter, and goes there: pushd ${quoteForPerson(cwd, 'win32')}`,
    )
  if (root === undefined || !isFullPath(root, 'win32'))
    throw refuse('SystemRoot does not name the directory of Windows, where cmd.exe is.')
  const bad = [file, ...args].findIndex((word) => NOT_QUOTABLE.test(word))
  if (bad === 0)
    throw refuse(
      'Its path has a character that cmd.exe does not read as it is: " % ! or a control character.',
    )
  if (bad > 0)
    throw refuse(
      `Argument ${bad} has a character that cmd.exe does not read as it is: " % ! or a control character.`,
    )
  const line = [file, ...args].map(quoted).join(' ')
  if (line.length > LONGEST - 200) throw refuse('The line is longer than cmd.exe can read.')
  return {
    program: path.win32.join(root, 'System32', 'cmd.exe'),
    args: ['/e:on', '/v:off', '/d', '/s', '/c', `"${line}"`],
  }
}

/** Backslashes at the end are doubled for the program behind the batch file, which would read `\"` as a quote. */
function quoted(word: string): string {
  return `"${word.replace(/(?<!\\)\\+$/, '$&$&')}"`
}
