import fs from 'node:fs'
import {hasCode, nameOfThrown} from '../core/errors.js'
import {bePatient, patient} from '../core/patience.js'
import {isVisible, visible} from '../core/text.js'
import {readBashLine} from './bash-line.js'
import type {Candidate, NameKind, Words} from './types.js'
import {wantedAt, type Wanted} from './wanted.js'

/** How long a person waits at most, from the start of the process. */
const DEADLINE_MS = 2000

/** What a request to the API needs to know; by a function of the large bundle, which shares no module with this one. */
export interface AskForNames {
  kind: NameKind
  env: NodeJS.ProcessEnv
  cwd: string
  flags: {profile: string | undefined; account: string | undefined}
}

export interface CompleteOptions {
  env: NodeJS.ProcessEnv
  cwd: string
  /** What the build made of the manifest: dist/complete/words.json. */
  words: Words
  /** Asks the API and keeps what it says. @throws where it did not come off */
  ask: (asked: AskForNames) => Promise<void>
  /** For how many milliseconds it may be waited for. */
  patienceMs: number
}

/**
 * Answers a shell: `__complete bash -- COMP_WORDBREAKS LINE`, `__complete zsh|fish -- WORDS…`, the last word being the one
 * at the cursor.
 *
 * @returns what is printed: `words`, `part` (no blank is to follow) or `files`, then a candidate on each line, with what it
 *   is about behind a tab; empty where the question makes no sense
 */
export async function complete(argv: readonly string[], options: CompleteOptions): Promise<string> {
  const [shell, dashes, ...given] = argv
  if (dashes !== '--') return ''
  const line = shell === 'bash' ? readBashLine(given[1] ?? '', given[0] ?? '') : undefined
  if (shell === 'bash' && !line) return ''
  const before = line ? line.before.slice(1) : given.slice(0, -1)
  const current = line?.current ?? given.at(-1) ?? ''
  const wanted = wantedAt(options.words, before, current)
  if (wanted.kind === 'other' || wanted.kind === 'file') return 'files\n'
  const {prefix} = wanted
  const found = [...wanted.words, ...(await offersAt(wanted, current.slice(prefix.length), options))]
  const candidates = presentable(prefix === '' ? found.map((one) => typable(one, shell)) : found)
  const header = wanted.kind === 'url' ? 'part' : 'words'
  const lines = line
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

/** What is no word of zt itself; none where something of this machine is damaged. */
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
    // Not loaded for a command or a flag, which is what most TABs are for.
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
 * The id where the name would be taken for a flag, is not what it looks like, or would be expanded: fish leaves a tilde
 * as it is.
 */
function typable(candidate: Candidate, shell: string | undefined): Candidate {
  const {id, value} = candidate
  const misread = value.startsWith('-') || !isVisible(value) || (shell === 'fish' && value.startsWith('~'))
  return misread && id !== undefined ? {value: id, about: value} : candidate
}

/** Without those that cannot be typed, and each once. */
function presentable(found: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, Candidate>()
  for (const {value, about} of found) {
    if (value === '' || !isVisible(value) || seen.has(value)) continue
    seen.set(value, {value, about: about === undefined ? undefined : visible(about).trim()})
  }
  return [...seen.values()]
}

/** Whatever happens, the shell goes on: false where it failed or takes longer than a person waits. */
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

/** A shell shows nothing of this; by hand `ZT_DEBUG=1 zt __complete …` says why there is nothing. */
function debug(env: NodeJS.ProcessEnv, error: unknown): void {
  if (env['ZT_DEBUG'] === undefined || env['ZT_DEBUG'] === '') return
  fs.writeSync(2, `zt __complete: ${nameOfThrown(error)}\n`)
}

/**
 * Runs {@link complete} as a process that never fails and leaves nothing behind: what still waits for an answer is ended.
 *
 * @param loadWords reads what the build made of the manifest
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
      // A library's text would be taken for a candidate, and may hold anything.
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

/** Not by process.stdout, which takes longer to make than a command is looked up in. */
function print(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(1, bytes, at)
    } catch (error) {
      // A pipe that does not wait for its reader: it is waited for here.
      if (!hasCode(error, 'EAGAIN')) throw error
    }
  }
}
