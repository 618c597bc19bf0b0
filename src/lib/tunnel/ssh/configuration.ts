import path from 'node:path'
import {filesSync as fs} from '../../system/disk.js'
import {posixPath} from '../../core/posix-path.js'
import {readForeignFile} from '../../system/own-files.js'
import {isFullPath, variableOf} from '../../system/platform.js'
import {defaultSshConfig, patternOf} from './config-values.js'
import {isNameless} from './user-name.js'

// ssh's configuration as its files hold it. What it means for a host only ssh knows: ask-ssh.ts.

const LONGEST = 1024 * 1024
const MOST_FILES = 64

/** One line of a configuration, split as ssh splits it: a keyword, blanks or a `=`, and the rest. */
export interface ConfigLine {
  /** 1-based. */
  number: number
  /** The whole line with its end. */
  line: string
  /** In lower case; empty for a comment and a blank line. */
  keyword: string
  value: string
}

export interface ConfigurationFile {
  file: string
  /** latin1: one character for each byte. */
  text: string
  mode: number
  /** What each Include line names, by the number of the line; undefined: only ssh can expand it. */
  includes: Map<number, string[] | undefined>
}

export interface Configuration {
  /** The files that ssh reads first, in its order; others only through an Include. */
  main: string[]
  files: Map<string, ConfigurationFile>
  /** False if a file could not be read, or an Include not expanded. */
  complete: boolean
}

export interface ConfigurationOptions {
  /** The value of ssh's -F; undefined: the user's file and the system's. */
  file: string | undefined
  /** Absolute path of ssh, which decides where the system's file is. */
  ssh: string
  /** Read in place of what the file holds, latin1. */
  text?: string | undefined
  /** The same for included files, by their path. */
  texts?: ReadonlyMap<string, string> | undefined
}

/** Reads a configuration with all files that it includes. */
export function readConfiguration({file, ssh, text, texts = new Map()}: ConfigurationOptions): Configuration {
  const own = file === undefined || !isNameless() ? defaultSshConfig() : undefined
  const main: string[] =
    file === undefined
      ? [own, systemFile(ssh)].filter((one) => one !== undefined)
      : file === 'none'
        ? []
        : [path.resolve(file)]
  const found: Configuration = {main, files: new Map(), complete: true}
  // Relative names start from ~/.ssh, or from /etc/ssh in the system's file (ssh_config(5), Include).
  const base = (one: string): string => path.dirname(file === undefined ? one : (own ?? one))
  const waiting = main.map((one): [string, string] => [one, base(one)])
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [one, from] = next
    if (found.files.has(one)) continue
    const read =
      found.files.size < MOST_FILES &&
      (text !== undefined && one === main[0] ? {text, mode: 0o600} : readOne(one, texts.get(one)))
    if (!read) {
      found.complete = false
      continue
    }
    const includes: ConfigurationFile['includes'] = new Map()
    found.files.set(one, {file: one, ...read, includes})
    for (const {number, keyword, value} of configLines(read.text)) {
      if (keyword !== 'include') continue
      const named = included(value, from)
      includes.set(number, named)
      if (!named) found.complete = false
      waiting.push(...(named ?? []).map((name): [string, string] => [name, from]))
    }
  }
  return found
}

/** The lines of a text. */
export function* configLines(text: string): Generator<ConfigLine> {
  for (const {line, number} of linesOf(text)) {
    const [, quoted, plain = '', rest = ''] =
      /^(?:"([^"]*)"|([\w"]+)(?=[\s=]|$))(.*)$/s.exec(line.trim()) ?? []
    yield {
      number,
      line,
      // ssh reads Ma"tch", too.
      keyword: (quoted ?? plain.replaceAll('"', '')).toLowerCase(),
      value: rest.replace(/^\s*=?\s*/, '').trim(),
    }
  }
}

/** The lines of a text with their ends, and where each begins. */
export function* linesOf(text: string): Generator<{line: string; offset: number; number: number}> {
  let number = 0
  for (let offset = 0; offset < text.length;) {
    const at = text.indexOf('\n', offset)
    const next = at < 0 ? text.length : at + 1
    yield {line: text.slice(offset, next), offset, number: ++number}
    offset = next
  }
}

/**
 * The words of a value as ssh splits them: quotes keep blanks, a backslash takes the meaning from a quote, a blank or a
 * backslash, and a # begins a comment. Undefined if a quote is not closed.
 */
export function configWords(value: string): string[] | undefined {
  const words: string[] = []
  for (let at = 0; at < value.length;) {
    const [blanks] = /^\s*/.exec(value.slice(at)) ?? ['']
    at += blanks.length
    if (at >= value.length || value[at] === '#') break
    let word = ''
    let quote: string | undefined
    for (; at < value.length; at++) {
      const char = value.charAt(at)
      if (char === '\\' && /["'\\]/.test(value.charAt(at + 1))) word += value.charAt(++at)
      else if (char === '\\' && quote === undefined && value[at + 1] === ' ') word += value.charAt(++at)
      else if (quote === undefined && /["']/.test(char)) quote = char
      else if (char === quote) quote = undefined
      else if (quote === undefined && /\s/.test(char)) break
      else word += char
    }
    if (quote !== undefined) return undefined
    words.push(word)
  }
  return words
}

/**
 * Where the system's configuration is: of the system, or of a package manager (Homebrew) whose ssh it is. On Windows in
 * ProgramData (win32-openssh's pathnames.h); undefined if there is none.
 */
function systemFile(
  ssh: string,
  {
    platform = process.platform,
    env = process.env,
  }: {platform?: NodeJS.Platform; env?: NodeJS.ProcessEnv} = {},
): string | undefined {
  if (platform === 'win32') {
    const data = variableOf(env, 'ProgramData', platform)
    return data !== undefined && isFullPath(data, platform)
      ? path.win32.join(data, 'ssh', 'ssh_config')
      : undefined
  }
  const own = path.join(path.dirname(path.dirname(ssh)), 'etc/ssh/ssh_config')
  const homebrew = [posixPath('/usr/local/etc/ssh/ssh_config'), posixPath('/opt/homebrew/etc/ssh/ssh_config')]
  return homebrew.includes(own) ? own : posixPath('/etc/ssh/ssh_config')
}

/** Empty if there is no such file; undefined if it cannot be read. `instead`: in place of what it holds. */
function readOne(file: string, instead: string | undefined): {text: string; mode: number} | undefined {
  let mode = 0o600
  try {
    const bytes = readForeignFile(file, {maxBytes: LONGEST}, (stat) => (mode = stat.mode & 0o777))
    return {text: instead ?? bytes?.toString('latin1') ?? '', mode}
  } catch {
    return undefined
  }
}

/** The files of an Include line; undefined for what only ssh can expand (`~user`, %h, variables, brackets). */
function included(value: string, base: string): string[] | undefined {
  const words = configWords(value)
  const files: string[] = []
  for (const word of words ?? []) {
    if (/[$%[{\\]/.test(word) || word.startsWith('~') !== word.startsWith('~/')) return undefined
    if (word.startsWith('~/') && isNameless()) return undefined
    const home = (): string => path.dirname(path.dirname(defaultSshConfig()))
    const whole = path.resolve(base, word.startsWith('~/') ? path.join(home(), word.slice(2)) : word)
    const expanded = expand(whole)
    if (!expanded) return undefined
    files.push(...expanded)
  }
  return words && files
}

/** The files that match a path with `*` and `?`, sorted as glob(3) does; undefined if a directory cannot be read. */
function expand(pattern: string): string[] | undefined {
  const root = path.parse(pattern).root
  let found = [root]
  for (const part of pattern.slice(root.length).split(path.sep)) {
    if (!/[*?]/.test(part)) {
      found = found.map((one) => path.join(one, part))
      continue
    }
    const fits = patternOf(part)
    const next: string[] = []
    for (const directory of found) {
      try {
        // glob(3) leaves hidden files out unless the pattern names the dot.
        const names = fs
          .readdirSync(directory)
          .filter((name) => fits.test(name) && (!name.startsWith('.') || part.startsWith('.')))
        next.push(...names.sort().map((name) => path.join(directory, name)))
      } catch (error) {
        if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
      }
    }
    if (next.length > MOST_FILES) return undefined
    found = next
  }
  return found
}
