import {devNull} from 'node:os'
import {UserError} from '../../core/errors.js'
import {shellQuote} from '../../core/command-line.js'
import {hostParts, normaliseHostname} from '../../core/hostname.js'
import {posixPath} from '../../core/posix-path.js'
import {namedFile} from '../../system/platform.js'
import {headerRefusal} from '../carrier/header-line.js'
import {optionLettered, optionNamed, refusalOf, type KnownOption} from './options.js'
import type {RequestFacts} from '../types.js'
import type {WantedFile} from './session-cookies.js'
import {readsStdin, refusedValue} from './values.js'

/** A request's URL, and the host that receives the secret. */
export interface RequestUrl {
  /** For curl: no user, no fragment, nothing that two parsers could read differently. */
  url: string
  host: string
  path: string
}

/** curl's arguments, as far as they matter to zt. */
export interface CurlArguments {
  /** As given, without `--write-out` and the files of {@link CurlArguments.kept}. */
  args: string[]
  /** The value of `--write-out`, which zt appends to its own. */
  writeOut: string
  /** True when curl itself reads stdin. */
  readsStdin: boolean
  /** True when stdout begins with the headers. */
  showsHeaders: boolean
  /** Files with cookies in them, which zt writes. */
  kept: WantedFile[]
}

type Reading = CurlArguments & {
  /** An option with which zt could not read the headers that curl shows. */
  hides: string | undefined
}

/**
 * Reads the URL of a request, which must be https and name a public host.
 *
 * @throws UserError `usage` / `BAD_URL`, `BAD_HOSTNAME`
 */
export function checkUrl(text: string): RequestUrl {
  const ascii = inAscii(text)
  if (ascii !== text) return checkUrl(ascii)
  // A parser that drops unexpected characters and one that does not would see two hosts.
  if (/[\s\\]|[^\x21-\x7E]/.test(text))
    throw badUrl('It contains blanks, backslashes or characters that must be encoded.')
  if (!/^https:\/\/[^/]/i.test(text)) {
    const {scheme, user, host, path} = hostParts(text)
    const form = user === undefined && (path === '' || path.startsWith('/')) ? `https://${host}${path}` : ''
    throw badUrl(
      scheme === 'http'
        ? 'It begins with http://, so others could read the secret on the way.'
        : 'It must begin with https:// and a host name.',
      scheme === undefined || scheme === 'http' ? form : '',
    )
  }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw badUrl('It is not a URL.')
  }
  if (url.username !== '' || url.password !== '' || /^https:\/\/[^/?#]*@/i.test(text))
    throw badUrl('It contains a user or password; use --user NAME after -- instead.')
  if (url.port !== '')
    throw badUrl('It names a port. Access uses only port 443.', url.href.replace(`:${url.port}`, ''))
  const host = normaliseHostname(url.hostname)
  return {url: `https://${host}${url.pathname}${url.search}`, host, path: url.pathname}
}

/** What of the request decides beside the credentials. */
export function factsOf({path}: RequestUrl, {args}: CurlArguments): RequestFacts {
  return {
    path,
    cookie: args.some((word) => /\bCF_Authorization=/i.test(word)),
    xhr: args.some((word) => /^x-requested-with:\s*xmlhttprequest\s*$/i.test(word)),
    certificate: args.includes('--cert'),
  }
}

/**
 * Reads curl's arguments. Refuses those that could send the secret to another host or print it, and those that zt does not
 * know.
 *
 * @throws UserError `usage` / `CURL_OPTION_REFUSED`, `CURL_SECOND_URL`, `CURL_VALUE_MISSING`, `CURL_HEADER_REFUSED`,
 *   `CURL_VALUE_REFUSED`
 */
export function readCurlArguments(words: readonly string[]): CurlArguments {
  const result: Reading = {
    args: [],
    writeOut: '',
    readsStdin: false,
    showsHeaders: false,
    kept: [],
    hides: undefined,
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-') || word === '-' || word === '--') throw secondUrl(word)
    if (word.startsWith('--')) {
      const option = optionNamed(word.slice(2))
      if (!option) throw refused(word)
      if (option.takes === 'nothing') {
        noteHeaders(result, option)
        result.args.push(word)
      } else take(result, word, option, words[++at])
      continue
    }
    // Several letters in one word: only the last takes a value, which may be the rest of the word.
    for (let letter = 1; letter < word.length; letter++) {
      const short = `-${word[letter] ?? ''}`
      const option = optionLettered(word[letter] ?? '')
      if (!option) throw refused(short)
      if (option.takes === 'nothing') {
        noteHeaders(result, option)
        result.args.push(short)
        continue
      }
      const joined = word.slice(letter + 1)
      take(result, short, option, joined === '' ? words[++at] : joined)
      break
    }
  }
  const {hides, ...read} = result
  if (read.showsHeaders && hides !== undefined) throw notFiltered(hides)
  return read
}

/** Options that show the headers in front of the body. */
const SHOW_HEADERS = new Set(['include', 'show-headers', 'head'])
/** Whether a file is the one that keeps nothing; on Windows that is `NUL`, in any case. */
export function isNowhere(file: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return /^(?:\\\\\.\\)?nul:?$/i.test(file)
  return file === posixPath('/dev/null', platform)
}

/** With them, -o /dev/null is a file below a directory, or /dev/null.1. Source: curl's manual, --output-dir, --no-clobber. */
const RENAME_OUTPUT = new Set(['output-dir', 'no-clobber'])

/** Notes what an option does to the headers that curl shows. */
function noteHeaders(result: Reading, {long}: KnownOption, value = ''): void {
  if (SHOW_HEADERS.has(long)) result.showsHeaders = true
  const toFile =
    long === 'remote-name' ||
    RENAME_OUTPUT.has(long) ||
    (long === 'output' && value !== '-' && !isNowhere(value))
  // The answers of several attempts follow each other without a sign between them.
  if (toFile || long === 'retry') result.hides = `--${long}`
}

function notFiltered(option: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'CURL_HEADERS_MIXED',
    message: `curl cannot show the headers together with ${option}`,
    why: "The headers may contain Access's session cookie, which zt could not remove from there.",
    next: ['Write the headers to a file of their own: -D FILE instead of -i or -I'],
  })
}

function take(result: Reading, written: string, option: KnownOption, value: string | undefined): void {
  if (value === undefined) {
    throw new UserError({
      kind: 'usage',
      code: 'CURL_VALUE_MISSING',
      message: `curl's option ${written} needs a value`,
    })
  }
  const {takes} = option
  if (takes === 'header') checkHeader(written, value)
  const refusal = refusedValue(takes, value)
  if (refusal) throw valueRefused(written, refusal.why, refusal.next)
  if (takes === 'format') {
    if (value.startsWith('@')) throw valueRefused(written, 'zt does not read the format from a file.')
    if (/%output\{/.test(value)) throw valueRefused(written, 'Name the file with -o instead.')
    if (/%\{header_json\}|%header\{\s*set-cookie/i.test(value))
      throw valueRefused(
        written,
        "It could print Access's session cookie.",
        'For the cookies: -c FILE, for all headers: -D FILE',
      )
    result.writeOut = value
    return
  }
  if (takes === 'kept-file') {
    // curl writes only the last one of each.
    const file = isNowhere(value) ? devNull : namedFile(value)
    const kept = {option: option.long as WantedFile['option'], file}
    if (kept.option === 'dump-header' && value === '-')
      throw valueRefused(written, 'Use -i, which shows the headers on stdout.')
    result.kept = [...result.kept.filter((one) => one.option !== kept.option), kept]
    return
  }
  noteHeaders(result, option, value)
  if (readsStdin(takes, value)) result.readsStdin = true
  // As separate words, so that no value is mistaken for a letter, nor a letter for a value.
  result.args.push(`--${option.long}`, value)
}

/** Each header is an argument, so that zt can check it. @throws UserError `usage` / `CURL_HEADER_REFUSED` */
function checkHeader(written: string, value: string): void {
  const why = value.startsWith('@')
    ? 'zt cannot check headers in a file; give each one as an argument.'
    : headerRefusal(value)
  if (why === undefined) return
  throw new UserError({
    kind: 'usage',
    code: 'CURL_HEADER_REFUSED',
    message: `curl's option ${written} cannot send this header`,
    why,
  })
}

/** The URL with its host as DNS has it, if that is internationalised; otherwise unchanged. */
function inAscii(text: string): string {
  const [, scheme = '', host = ''] = /^(https:\/\/)([^/?#@:\\\s]+)/i.exec(text) ?? []
  if (!/[^\0-\x7F]/.test(host)) return text
  return scheme + normaliseHostname(host) + text.slice(scheme.length + host.length)
}

/** @param form a URL that means the same and may be one that can be requested */
function badUrl(why: string, form = ''): UserError {
  const clear = canRequest(form)
  return new UserError({
    kind: 'usage',
    code: 'BAD_URL',
    message: 'This URL cannot be requested',
    why,
    next: [clear ? `zt curl ${shellQuote(form)}` : 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
  })
}

/** A query is not repeated: it may be confidential. */
function canRequest(url: string): boolean {
  try {
    return url !== '' && !/[?#]/.test(url) && checkUrl(url).host !== ''
  } catch {
    return false
  }
}

function secondUrl(word: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'CURL_SECOND_URL',
    message:
      word === '-' || word === '--'
        ? `"${word}" is not an option of curl`
        : 'Only options may follow --, no other URL',
    why: 'zt curl makes one request, to the URL before --: the secret is only for its host.',
    next: ['zt curl https://HOST/PATH -- CURL-OPTIONS'],
  })
}

function refused(option: string): UserError {
  const {why, next} = refusalOf(option)
  // A word longer than any of curl's options may be a secret in the wrong place.
  const named = /^--?[\w#:.-]{1,30}$/.test(option) ? option : '(unreadable)'
  return new UserError({
    kind: 'usage',
    code: 'CURL_OPTION_REFUSED',
    message: `zt does not pass curl's option ${named} on`,
    why,
    next: next === undefined ? [] : [next],
    details: {option: named},
  })
}

function valueRefused(option: string, why: string, next?: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'CURL_VALUE_REFUSED',
    message: `curl's option ${option} cannot have this value`,
    why,
    next: next === undefined ? [] : [next],
  })
}
