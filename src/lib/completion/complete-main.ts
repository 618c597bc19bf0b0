import {filesSync as fs} from '../system/disk.js'
import {hasCode, nameOfThrown} from '../core/errors.js'
import {bePatient, patient} from '../core/patience.js'
import {isVisible, visible} from '../core/text.js'
import {readBashLine} from './bash-line.js'
import {readPowerShellLine} from './powershell-line.js'
import type {Candidate, NameKind, Words} from './types.js'
import {wantedAt, type Wanted} from './wanted.js'

/** The longest wait for a person, from the start of the process. */
const DEADLINE_MS = 2000

/** What a request for names needs. It goes to a function of the large bundle, which shares no module with this one. */
export interface AskForNames {
  kind: NameKind
  env: NodeJS.ProcessEnv
  cwd: string
  flags: {profile: string | undefined; account: string | undefined}
}

export interface CompleteOptions {
  env: NodeJS.ProcessEnv
  cwd: string
  /** What the build makes from the manifest: dist/complete/words.json. */
  words: Words
  /** Asks the API and caches the answer. @throws if that fails */
  ask: (asked: AskForNames) => Promise<void>
  /** The longest wait for the answer. */
  patienceMs: number
}

/**
 * Answers a shell: `__complete bash -- COMP_WORDBREAKS LINE`, `__complete zsh|fish -- WORDS…`, where the last word is at the
 * cursor, or `__complete powershell BASE64`.
 *
 * @returns what to print: `words`, `part` (no space after the word) or `files`, then one candidate per line, followed by
 *   a tab and its description; empty if the question makes no sense
 */
export async function complete(argv: readonly string[], options: CompleteOptions): Promise<string> {
  const [shell, dashes, ...given] = argv
  const own = shell === 'powershell' ? readPowerShellLine(dashes ?? '') : undefined
  if (dashes !== '--' && !own) return ''
  const line = shell === 'bash' ? readBashLine(given[1] ?? '', given[0] ?? '') : undefined
  if (shell === 'bash' && !line) return ''
  const before = own?.before ?? (line ? line.before.slice(1) : given.slice(0, -1))
  const current = own?.current ?? line?.current ?? given.at(-1) ?? ''
  const wanted = wantedAt(options.words, before, current)
  if (wanted.kind === 'other' || wanted.kind === 'file') return 'files\n'
  const {prefix} = wanted
  const found = [...wanted.words, ...(await offersAt(wanted, current.slice(prefix.length), options))]
  const candidates = presentable(prefix === '' ? found.map((one) => typable(one, shell)) : found)
  const header = wanted.kind === 'url' ? 'part' : 'words'
  const starts = (value: string): boolean => value.toLowerCase().startsWith(current.toLowerCase())
  const lines = own
    ? candidates
        .map(({value, about}) => ({value: prefix + value, about}))
        .filter(({value}) => starts(value))
        .map(({value, about}) => [own.inserted(value), value, about ?? ''].join('\t'))
    : line
      ? candidates
          .map(({value}) => prefix + value)
          .filter((value) => value.startsWith(current))
          .map((value) => line.inserted(value))
      : candidates.map(({value, about}) => {
          const whole = shell === 'fish' ? prefix + value : value
          return about === undefined || about === '' ? whole : `${whole}\t${about}`
        })
  return [header, ...lines, ''].join('\n')
}

/** Candidates other than zt's own words; none if a file of zt's is damaged. */
async function offersAt(
  {kind, profile, account, zone}: Wanted,
  typed: string,
  options: CompleteOptions,
): Promise<Candidate[]> {
  if (kind === 'none' || kind === 'other') return []
  const flags = {profile, account}
  const ask = async (names: NameKind): Promise<boolean> => {
    await options.ask({...options, kind: names, flags})
    return true
  }
  try {
    // Not loaded for a command or a flag, which most TABs are for.
    const [{loadSettings}, {offersFor}] = await Promise.all([
      import('../config/settings.js'),
      import('./offers.js'),
    ])
    return await offersFor(kind, {
      settings: await loadSettings({...options, flags}),
      zone: zone !== undefined,
      typed,
      searchPath: options.env['PATH'],
      ask: (names) => inTime(ask(names), options),
    })
  } catch (error) {
    debug(options.env, error)
    return []
  }
}

/**
 * The ID instead of a name that would be read as a flag, has invisible characters, or would be expanded (fish does not
 * quote a tilde).
 */
function typable(candidate: Candidate, shell: string | undefined): Candidate {
  const {id, value} = candidate
  const misread =
    value.startsWith('-') ||
    !isVisible(value) ||
    (shell === 'fish' && value.startsWith('~')) ||
    // PowerShell before 7.3 loses a quote on its way to a program.
    (shell === 'powershell' && value.includes('"'))
  return misread && id !== undefined ? {value: id, about: value} : candidate
}

/** The candidates that can be typed, each once. */
function presentable(found: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, Candidate>()
  for (const {value, about} of found) {
    if (value === '' || !isVisible(value) || seen.has(value)) continue
    seen.set(value, {value, about: about === undefined ? undefined : visible(about).trim()})
  }
  return [...seen.values()]
}

/** Never throws, so that the shell continues: false if asking fails or takes too long. */
async function inTime(
  asked: Promise<boolean>,
  {patienceMs, env}: Pick<CompleteOptions, 'patienceMs' | 'env'>,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, patienceMs)
  })
  try {
    return await Promise.race([asked, late])
  } catch (error) {
    debug(env, error)
    return false
  } finally {
    clearTimeout(timer)
  }
}

/** Not shown at TAB: `ZT_DEBUG=1 zt __complete …` says why nothing is offered. */
function debug(env: NodeJS.ProcessEnv, error: unknown): void {
  if (env['ZT_DEBUG'] === undefined || env['ZT_DEBUG'] === '') return
  fs.writeSync(2, `zt __complete: ${nameOfThrown(error)}\n`)
}

/**
 * Runs {@link complete} as a process that never fails, and that ends even if a request still waits for its answer.
 *
 * @param loadWords reads what the build made from the manifest
 * @param loadZt the bundle of everything else
 */
export async function main(
  argv: readonly string[],
  {loadWords, loadZt}: {loadWords: () => Words; loadZt: () => {askForNames: CompleteOptions['ask']}},
): Promise<void> {
  const {env} = process
  const giveUp = (error: unknown): void => {
    debug(env, error)
    process.exit(0)
  }
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(event)
    process.on(event, giveUp)
  }
  bePatient(env['ZT_PATIENCE'])
  try {
    const ask: CompleteOptions['ask'] = async (asked) => {
      // A library's output would be read as a candidate, and can hold any text.
      process.stdout.write = () => true
      process.stderr.write = () => true
      return loadZt().askForNames(asked)
    }
    const patienceMs = patient(DEADLINE_MS) - process.uptime() * 1000
    const answer = await complete(argv, {env, cwd: process.cwd(), words: loadWords(), ask, patienceMs})
    print(answer)
    process.exit(0)
  } catch (error) {
    giveUp(error)
  }
}

/** Without process.stdout, which takes longer to create than the look-up of a command. */
function print(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(1, bytes, at)
    } catch (error) {
      // The pipe is non-blocking and full.
      if (!hasCode(error, 'EAGAIN')) throw error
    }
  }
}
