import {files as fs} from '../../system/disk.js'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {withForwardSlashes} from '../../core/quote.js'
import {askProgram} from '../../system/ask-program.js'
import {environmentFor} from '../../system/child-environment.js'
import {temporaryPlace} from '../connections/run-files.js'
import {bytesOf, includedFile} from './config-values.js'
import {readConfiguration, type Configuration} from './configuration.js'
import {hasMatchExec, probed, withoutExec, type MatchExec} from './match-exec.js'
import {installing} from '../../core/shell-words.js'

const PATIENCE_MS = 10_000
/** In ssh's words, which no locale changes (its readconf.c and ssh.c). */
const CANNOT_OPEN = /\bcan't open\b/i

export interface SshQuestion {
  /** Absolute path of ssh. */
  ssh: string
  /** ssh's arguments without -F, with the host. */
  args: readonly string[]
  /** The value of -F; undefined: the user's configuration and the system's. */
  file: string | undefined
  /** What the file would hold, latin1, where that is asked. */
  text?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  /** The configuration, if it has been read already. */
  configuration?: Configuration | undefined
  /** Its files are not as they are on the disk. */
  edited?: boolean | undefined
}

export interface SshAnswer {
  /** What `ssh -G` prints: one setting a line, the keyword in lower case. */
  settings: string
  /** The `Match … exec` lines whose program ssh would start for this host. Their sections are taken not to apply. */
  execs: MatchExec[]
}

/** Why ssh did not say which settings apply. */
export interface SshSilence {
  failed: string
  /** The words in it that are ssh's own. */
  quotes: string[]
  /** It did not answer in time, so nothing is known of its configuration. */
  late: boolean
}

/**
 * Asks ssh itself which settings apply (`ssh -G`). Runs no `Match … exec`: ssh reads copies of the files in which these
 * lines start nothing.
 *
 * @returns the answer, or why ssh did not give one
 */
export function settingsFromSsh(question: SshQuestion): Promise<SshAnswer | SshSilence> {
  return askSeveral(question, (ask) => ask(question.args))
}

/** {@link settingsFromSsh} for several command lines: the files are copied once. */
export async function askSeveral<T>(
  question: Omit<SshQuestion, 'args'>,
  use: (ask: (args: readonly string[]) => Promise<SshAnswer | SshSilence>) => Promise<T>,
): Promise<T> {
  const {ssh, file, text, edited = false, configuration = readConfiguration({ssh, file, text})} = question
  // A file that zt cannot read may have such a line: it is left out.
  const filtered = edited || hasMatchExec(configuration) || !configuration.complete
  if (!filtered && text === undefined) return use((args) => run(question, args, file, []))
  const copies = new Map<string, string>()
  const removals: (() => Promise<void>)[] = []
  const place = async (): Promise<string> => {
    const {file: to, remove} = await temporaryPlace(question.env, 'config')
    removals.push(remove)
    return to
  }
  const write = (to: string, content: string): Promise<void> =>
    fs.writeFile(to, content, {encoding: 'latin1', mode: 0o600, flag: 'wx'})
  try {
    const execs: MatchExec[] = []
    const {main, files} = configuration
    // Without such a line, the included files are read where they are.
    for (const one of filtered ? files.keys() : main) copies.set(one, await place())
    for (const [one, to] of copies) {
      const read = files.get(one)
      if (!read) continue
      await write(to, filtered ? withoutExec(read, execs, copies) : read.text)
      // ssh refuses an included file that others can write to, and so does it the copy.
      await fs.chmod(to, read.mode)
    }
    let first = copies.get(main[0] ?? '') ?? 'none'
    if (main.length > 1) {
      first = await place()
      await write(first, main.map((one) => `Include ${includedFile(copies.get(one) ?? '')}\n`).join(''))
    }
    let waited = false
    return await use(async (args) => {
      let answer = await run(question, args, first, execs)
      if ('failed' in answer && !waited && answer.quotes.some((line) => CANNOT_OPEN.test(line))) {
        waited = true
        // A scanner may have held what is new: ssh does not wait for it, and reading does (system/disk.ts).
        for (const to of new Set([...copies.values(), first])) await fs.readFile(to).catch(() => undefined)
        answer = await run(question, args, first, execs)
      }
      if (!('failed' in answer)) return answer
      const ofTheFiles = (text: string): string =>
        [...copies].reduce(
          (words, [one, to]) => formsOf(to).reduce((said, form) => said.replaceAll(form, one), words),
          text,
        )
      return {...answer, failed: ofTheFiles(answer.failed), quotes: answer.quotes.map(ofTheFiles)}
    })
  } finally {
    for (const remove of removals) await remove()
  }
}

/** How ssh may name a file: on Windows as the Include does, and in a locale without UTF-8 by the bytes. */
function formsOf(file: string): string[] {
  const inOctal = (text: string): string =>
    bytesOf(text).replaceAll(/[\x80-\xff]/g, (byte) => `\\${byte.charCodeAt(0).toString(8)}`)
  return [file, withForwardSlashes(file)].flatMap((one) => [one, inOctal(one)])
}

/** The value of a setting in an answer of `ssh -G`. */
export function settingIn({settings}: SshAnswer, keyword: string): string | undefined {
  const line = settings.split(/\r?\n/).find((one) => one.startsWith(`${keyword} `))
  return line?.slice(keyword.length + 1).trim()
}

export function sshNotFound(): UserError {
  return new UserError({
    kind: 'needs-action',
    code: 'SSH_NOT_FOUND',
    message: 'ssh is not installed',
    why: 'There is no program called ssh on PATH.',
    next: [installing('ssh')],
  })
}

async function run(
  {ssh, env}: Omit<SshQuestion, 'args'>,
  args: readonly string[],
  file: string | undefined,
  execs: readonly MatchExec[],
): Promise<SshAnswer | SshSilence> {
  const deadlineMs = patient(PATIENCE_MS)
  const from = file === undefined ? [] : ['-F', file]
  const limits = {env: environmentFor('tool', env), deadlineMs, maxBytes: 16 * 1024 * 1024}
  const {end, stdout, stderr} = await askProgram(ssh, ['-T', '-G', ...from, ...args], limits)
  if (end === 'late')
    return {failed: `ssh -G did not answer within ${deadlineMs / 1000} s.`, quotes: [], late: true}
  if (end === 'failed') {
    const lines = stderr.trim().split(/\r?\n/)
    return {failed: `ssh says: ${lines.join('; ')}`, quotes: lines, late: false}
  }
  const {answer, execs: would} = probed(stdout, execs)
  return {settings: answer, execs: would}
}
