import {UserError, type ErrorKind} from './errors.js'

/** One row of what `zt help exit-codes` prints. */
export interface ExitCodeRow {
  code: number
  name: string
  meaning: string
}

const BY_KIND: Record<ErrorKind, ExitCodeRow> = {
  usage: {code: 2, name: 'usage', meaning: 'the command line or its input is wrong; nothing was changed'},
  config: {code: 2, name: 'config', meaning: 'a configuration file is damaged or invalid'},
  auth: {code: 3, name: 'auth', meaning: 'no API token, or one that Cloudflare does not accept'},
  permission: {code: 4, name: 'permission', meaning: 'the API token lacks a permission; the error names it'},
  'not-found': {code: 5, name: 'not-found', meaning: 'nothing has that name, ID or domain'},
  ambiguous: {code: 6, name: 'ambiguous', meaning: 'more than one thing has that name; the error lists them'},
  conflict: {
    code: 7,
    name: 'conflict',
    meaning: 'what exists already does not allow it, or it changed meanwhile',
  },
  unreachable: {
    code: 8,
    name: 'unreachable',
    meaning: 'the API or the edge did not answer, or its certificate is not trusted',
  },
  'needs-action': {
    code: 9,
    name: 'needs-action',
    meaning: 'a person must do something first; the error says what',
  },
  refused: {code: 10, name: 'refused', meaning: 'Access refused the credentials; the error says why'},
  api: {code: 11, name: 'api', meaning: "Cloudflare's API answered with another error"},
  cancelled: {
    code: 12,
    name: 'cancelled',
    meaning: 'a question was answered with no, or the prompt was left',
  },
  'not-written': {
    code: 13,
    name: 'not-written',
    meaning: 'a file or the output cannot be written: a full disk, a read-only file system, no permission',
  },
}

/** For commands that end as another program does. */
export const EXIT_CODES_OF_OTHERS =
  'zt ssh, zt exec, zt forward -- COMMAND and zt curl exit with the status of ssh, of the command and of curl (255 if ssh could not connect), or with 128 + n if signal n ended it.'

/** For a kind that comes from a file. */
export function isErrorKind(kind: unknown): kind is ErrorKind {
  return typeof kind === 'string' && Object.hasOwn(BY_KIND, kind)
}

/** The exit code of an error's kind, unless the error sets its own; 1 for anything else, which is a bug. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UserError ? (error.exitCode ?? BY_KIND[error.kind].code) : 1
}

/** For a command that reports a failure in its result instead of an error. */
export function exitCodeOfKind(kind: ErrorKind): number {
  return BY_KIND[kind].code
}

/** As if SIGPIPE had ended it: node ignores that signal. */
export const EXIT_OUTPUT_GONE = 128 + 13

/** zt policy test: an expectation is not met. */
export const EXIT_EXPECTATION_NOT_MET = 14

/** The table for people, in ascending order. */
export const EXIT_CODES: readonly ExitCodeRow[] = [
  {code: 0, name: 'ok', meaning: 'done, or nothing to do'},
  {code: 1, name: 'bug', meaning: 'a bug in zt'},
  ...Object.values(BY_KIND),
  {
    code: EXIT_EXPECTATION_NOT_MET,
    name: 'expectation-not-met',
    meaning: 'zt policy test: an expectation is not met; nothing was changed',
  },
  {
    code: 126,
    name: 'not-executable',
    meaning: 'zt exec, zt forward: the command exists but cannot be started',
  },
  {code: 127, name: 'no-such-command', meaning: 'zt exec, zt forward: the command does not exist'},
  {code: 130, name: 'interrupted', meaning: 'Ctrl-C (SIGINT); other signals are 128 + their number'},
  {
    code: EXIT_OUTPUT_GONE,
    name: 'output-gone',
    meaning: 'the reader of the output has gone, as in zt ... | head',
  },
]
