import fs from 'node:fs'
import path from 'node:path'
import {readForeignFile} from '../../system/own-files.js'
import {settingsFromSsh} from './ask-ssh.js'
import {defaultSshConfig, patternOf} from './config-values.js'

/** The system-wide configuration: of the system, and of package managers. */
const SYSTEM_FILES = [
  '/etc/ssh/ssh_config',
  '/usr/local/etc/ssh/ssh_config',
  '/opt/homebrew/etc/ssh/ssh_config',
]
const LONGEST = 1024 * 1024
const MOST_FILES = 64
/** Settings that let something outlive its session or send the session to the background, unless switched off. */
const FORWARDS = new Set([
  'localforward',
  'remoteforward',
  'dynamicforward',
  'forwardagent',
  'forwardx11',
  'gssapidelegatecredentials',
  'tunnel',
  'forkafterauthentication',
])
/** The same as `ssh -G` prints them. */
const EFFECTIVE =
  /^((local|remote|dynamic)forward |(forwardagent|tunnel) (?!no|false)|(forwardx11|gssapidelegatecredentials|forkafterauthentication) (yes|true))/m

export interface ForwardsOptions {
  /** Absolute path of ssh. */
  ssh: string
  /** ssh's arguments. */
  args: readonly string[]
  /** The value of -F, if it is among them. */
  file: string | undefined
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Whether the configuration makes ssh forward ports, the agent or windows for a host, or go to the background: in a shared
 * connection that outlives its session. Only ssh knows, but to ask it takes as long as its start and runs each `Match exec`
 * once more. So it is asked only if a file has such a line at all, for any host, or cannot be searched. If ssh does not
 * answer, the result is true.
 */
export async function forwardsByConfiguration({ssh, args, file, env}: ForwardsOptions): Promise<boolean> {
  if (!mayForward(file)) return false
  const answer = await settingsFromSsh(ssh, args, env)
  return typeof answer !== 'string' || !answer.includes('hostname ') || forwardsIn(answer)
}

/** Whether the output of `ssh -G` contains such a setting. */
export function forwardsIn(answer: string): boolean {
  return EFFECTIVE.test(answer)
}

function mayForward(file: string | undefined): boolean {
  if (file !== undefined) return file !== 'none' && mayHold([[file, path.dirname(defaultSshConfig())]])
  const own = defaultSshConfig()
  return mayHold([own, ...SYSTEM_FILES].map((one) => [one, path.dirname(one)]))
}

/** @param files each with the directory that its relative Includes start from */
function mayHold(files: [file: string, base: string][]): boolean {
  const seen = new Set<string>()
  for (let next = files.shift(); next; next = files.shift()) {
    const [file, base] = next
    if (seen.has(file)) continue
    if (seen.add(file).size > MOST_FILES) return true
    const text = read(file)
    if (text === undefined) return true
    for (const {keyword, value} of linesOf(text)) {
      if (FORWARDS.has(keyword) && !/^"?(no|false)"?$/i.test(value)) return true
      if (keyword !== 'include') continue
      const more = included(value, base)
      if (!more) return true
      files.push(...more.map((one): [string, string] => [one, base]))
    }
  }
  return false
}

/** The lines of a configuration, split as ssh splits them: a keyword, blanks or a `=`, and the rest. */
function linesOf(text: string): {keyword: string; value: string}[] {
  return text.split('\n').flatMap((line) => {
    const [, keyword, rest = ''] = /^"?(\w+)"?(?=[ \t\r=])(.*)$/s.exec(line.trim()) ?? []
    return keyword === undefined
      ? []
      : [{keyword: keyword.toLowerCase(), value: rest.replace(/^[ \t\r=]+/, '').trim()}]
  })
}

/** Empty if there is no such file; undefined if it cannot be read. */
function read(file: string): string | undefined {
  try {
    return readForeignFile(file, {maxBytes: LONGEST})?.toString('latin1') ?? ''
  } catch {
    return undefined
  }
}

/** The files of an Include line; undefined for what only ssh can expand (`~user`, %h, quotes, patterns of directories). */
function included(words: string, base: string): string[] | undefined {
  const files: string[] = []
  for (const word of words.split(/[ \t\r]+/).filter((one) => one !== '')) {
    if (word.startsWith('#')) break
    const home = path.dirname(path.dirname(defaultSshConfig()))
    const whole = path.resolve(base, word.startsWith('~/') ? path.join(home, word.slice(2)) : word)
    const [directory, name] = [path.dirname(whole), path.basename(whole)]
    if (/["'\\$%[{]/.test(word) || word.startsWith('~') !== word.startsWith('~/') || /[*?]/.test(directory))
      return undefined
    if (!/[*?]/.test(name)) {
      files.push(whole)
      continue
    }
    const pattern = patternOf(name)
    try {
      const names = fs.readdirSync(directory).filter((one) => pattern.test(one))
      files.push(...names.map((one) => path.join(directory, one)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined
    }
  }
  return files
}
