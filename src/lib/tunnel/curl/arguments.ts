import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'
import {optionLettered, optionNamed, refusalOf, type KnownOption} from './options.js'
import {readsStdin, refusedValue} from './values.js'

/** A request's URL, and the host that the secret goes to. */
export interface RequestUrl {
  /** As curl gets it: no user, no fragment, nothing that two parsers could read in two ways. */
  url: string
  host: string
  path: string
}

/** curl's arguments, as far as they matter to us. */
export interface CurlArguments {
  /** As they were given, without `--write-out`. */
  args: string[]
  /** The value of `--write-out`: ours is put behind it. */
  writeOut: string
  /** True when curl itself reads stdin. */
  readsStdin: boolean
}

/**
 * The URL of a request, which must be https and name a public host.
 *
 * @throws UserError `usage` / `BAD_URL`, `BAD_HOSTNAME`
 */
export function checkUrl(text: string): RequestUrl {
  // A parser that drops what it does not expect, and one that does not, would see two hosts.
  if (/[\s\\]|[^\x21-\x7E]/.test(text))
    throw badUrl('It holds blanks, backslashes or signs that must be encoded.')
  if (!/^https:\/\/[^/]/i.test(text)) {
    throw badUrl(
      /^http:/i.test(text)
        ? 'It begins with http://, and the secret would be readable on the way.'
        : 'It must begin with https:// and a host name.',
    )
  }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw badUrl('It is not a URL.')
  }
  if (url.username !== '' || url.password !== '' || /^https:\/\/[^/?#]*@/i.test(text))
    throw badUrl('It carries a user or password; --user NAME behind -- is for that.')
  if (url.port !== '') throw badUrl('It names a port. Access is at the usual one, 443.')
  const host = normaliseHostname(url.hostname)
  return {url: `https://${host}${url.pathname}${url.search}`, host, path: url.pathname}
}

/**
 * Reads curl's arguments, and refuses whatever could send the secret to another host, print it, or is not known.
 *
 * @throws UserError `usage` / `CURL_OPTION_REFUSED`, `CURL_SECOND_URL`, `CURL_VALUE_MISSING`, `CURL_HEADER_REFUSED`,
 *   `CURL_VALUE_REFUSED`
 */
export function readCurlArguments(words: readonly string[]): CurlArguments {
  const result: CurlArguments = {args: [], writeOut: '', readsStdin: false}
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-') || word === '-' || word === '--') throw secondUrl(word)
    if (word.startsWith('--')) {
      const option = optionNamed(word.slice(2))
      if (!option) throw refused(word)
      if (option.takes === 'nothing') result.args.push(word)
      else take(result, word, option, words[++at])
      continue
    }
    // Letters in one word: each takes nothing, but for the last, whose value may be the rest of the word.
    for (let letter = 1; letter < word.length; letter++) {
      const short = `-${word[letter] ?? ''}`
      const option = optionLettered(word[letter] ?? '')
      if (!option) throw refused(short)
      if (option.takes === 'nothing') {
        result.args.push(short)
        continue
      }
      const joined = word.slice(letter + 1)
      take(result, short, option, joined === '' ? words[++at] : joined)
      break
    }
  }
  return result
}

function take(result: CurlArguments, written: string, option: KnownOption, value: string | undefined): void {
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
    if (value.startsWith('@')) throw valueRefused(written, 'What it prints cannot come from a file here.')
    if (/%output\{/.test(value)) throw valueRefused(written, 'Give the file with -o.')
    result.writeOut = value
    return
  }
  if (readsStdin(takes, value)) result.readsStdin = true
  // As words of their own: no value is taken for a letter, nor a letter for a value.
  result.args.push(`--${option.long}`, value)
}

/** What is about the connection, or says where a request ends. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A header must not name another host, end a connection's framing, or stand in for ours. */
function checkHeader(written: string, value: string): void {
  const refuse = (why: string): UserError =>
    new UserError({
      kind: 'usage',
      code: 'CURL_HEADER_REFUSED',
      message: `curl's option ${written} cannot send this header`,
      why,
    })
  if (value.startsWith('@'))
    throw refuse('What stands in a file is not seen here; give each header by itself.')
  if (/[\x00-\x1F\x7F]/.test(value)) throw refuse('It holds control characters.')
  // With a blank before it, it would be the rest of the header before; with one behind it, another to another parser.
  const name = /^([\w!#$%&'*+.^`|~-]+)[:;]/.exec(value)?.[1]?.toLowerCase()
  if (name === undefined) throw refuse('It is not NAME: VALUE.')
  if (name === 'host') throw refuse('It names the host, and the secret is for the one in the URL.')
  if (/^cf[-_]access[-_]/.test(name)) throw refuse('zt sends the headers of Access itself.')
  if (FRAMING.has(name)) throw refuse('It is about the connection, which curl sees to.')
}

function badUrl(why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_URL',
    message: 'This URL cannot be requested',
    why,
    next: ['zt curl https://HOST/PATH -- CURL-OPTIONS'],
  })
}

function secondUrl(word: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'CURL_SECOND_URL',
    message:
      word === '-' || word === '--'
        ? `"${word}" is no option of curl's`
        : 'Behind -- stand options, and no other URL',
    why: 'One call is one request to one URL, the one before --: the secret is for its host.',
    next: ['zt curl https://HOST/PATH -- CURL-OPTIONS'],
  })
}

function refused(option: string): UserError {
  const {why, next} = refusalOf(option)
  // Longer than any of curl's, it may be a secret that was put in the wrong place.
  const named = /^--?[\w#:.-]{1,30}$/.test(option) ? option : '(unreadable)'
  return new UserError({
    kind: 'usage',
    code: 'CURL_OPTION_REFUSED',
    message: `curl's option ${named} is not passed on`,
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
