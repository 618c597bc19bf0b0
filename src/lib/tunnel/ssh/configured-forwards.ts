import {execFile} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import {patient} from '../../core/patience.js'
import {readForeignFile} from '../../system/own-files.js'
import {defaultSshConfig} from './config-values.js'

/** Where systems and their package managers have it. */
const SYSTEM_FILES = [
  '/etc/ssh/ssh_config',
  '/usr/local/etc/ssh/ssh_config',
  '/opt/homebrew/etc/ssh/ssh_config',
]
const LONGEST = 1024 * 1024
const MOST_FILES = 64
/** A Match exec of the person's may take its time. */
const PATIENCE_MS = 10_000

/** What lets something outlive its session, or sends the session away, where it is not switched off. */
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
/** As ssh -G prints what holds for a host. */
const EFFECTIVE =
  /^((local|remote|dynamic)forward |(forwardagent|tunnel) (?!no|false)|(forwardx11|gssapidelegatecredentials|forkafterauthentication) (yes|true))/m

export interface ForwardsOptions {
  /** Absolute path of ssh. */
  ssh: string
  /** As ssh is to be called. */
  args: readonly string[]
  /** The value of -F, where it is among them. */
  file: string | undefined
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Whether a configuration lets ssh forward ports, the agent or windows for a host, or go to the background: what outlives
 * its session in a shared connection. ssh itself knows, and is asked; but that takes as long as its start, and runs each
 * `Match exec` once more, so only where a file has such a line at all, for whichever host, or cannot be looked through.
 */
export async function forwardsByConfiguration(options: ForwardsOptions): Promise<boolean> {
  if (!mayForward(options.file)) return false
  return asksSsh(options)
}

/** What `ssh -G` has printed. */
export function forwardsIn(answer: string): boolean {
  return EFFECTIVE.test(answer)
}

function mayForward(file: string | undefined): boolean {
  if (file !== undefined) return file !== 'none' && mayHold([[file, path.dirname(defaultSshConfig())]])
  const own = defaultSshConfig()
  return mayHold([own, ...SYSTEM_FILES].map((one) => [one, path.dirname(one)]))
}

/** @param files each with the directory that a relative Include starts from */
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

/** The lines of a configuration as ssh takes them apart: a keyword, blanks or a `=`, and the rest. */
function linesOf(text: string): {keyword: string; value: string}[] {
  return text.split('\n').flatMap((line) => {
    const [, keyword, rest = ''] = /^"?(\w+)"?(?=[ \t\r=])(.*)$/s.exec(line.trim()) ?? []
    return keyword === undefined
      ? []
      : [{keyword: keyword.toLowerCase(), value: rest.replace(/^[ \t\r=]+/, '').trim()}]
  })
}

/** Empty where there is none; undefined where it is not for us to read. */
function read(file: string): string | undefined {
  try {
    return readForeignFile(file, {maxBytes: LONGEST})?.toString('latin1') ?? ''
  } catch {
    return undefined
  }
}

/** The files of an Include line; undefined for what only ssh takes apart (`~user`, %h, quotes, a pattern of directories). */
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
    const source = name
      .replaceAll(/[.+^()|\]}]/g, String.raw`\$&`)
      .replaceAll(/\*+/g, '.*')
      .replaceAll('?', '.')
    const pattern = new RegExp(`^${source}$`)
    try {
      files.push(
        ...fs
          .readdirSync(directory)
          .filter((one) => pattern.test(one))
          .map((one) => path.join(directory, one)),
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined
    }
  }
  return files
}

/** True as well when ssh does not answer. */
function asksSsh({ssh, args, env}: ForwardsOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const limits = {timeout: patient(PATIENCE_MS), maxBuffer: 16 * 1024 * 1024}
    const child = execFile(ssh, ['-T', '-G', ...args], {env, ...limits}, (error, stdout) => {
      resolve(error !== null || !stdout.includes('hostname ') || forwardsIn(stdout))
    })
    child.stdin?.end()
  })
}
