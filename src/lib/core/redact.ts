import {UserError} from './errors.js'
import {heldTexts} from './secret.js'

/**
 * The last line of defence for what is said on failure: errors, warnings, notes, traces. What was asked for (the data on
 * stdout, `--reveal` among it) does not pass here: there a secret is printed on purpose, by `.expose()`, or not at all.
 */

/** Shorter texts are words: to hide them would make errors unreadable, and tell that they are secrets. */
const SHORTEST = 8

/** A run that does not go on to either side. */
const whole = (run: string): string => `(?<![A-Za-z0-9_-])${run}(?![A-Za-z0-9_-])`

/** What a secret looks like. A UUID, a Client ID, an account id, a CF-RAY and a host name do not. */
const LOOKS = [
  // A Client Secret, and the API tokens with a prefix of their kind.
  /cf[a-z]{1,6}_[A-Za-z0-9]{24,}/,
  // A Client Secret from before 2026-08-26.
  new RegExp(whole('(?:[0-9a-f]{64}|[0-9A-F]{64})')),
  // An API token without a prefix: 40 characters, letters of both cases and digits.
  new RegExp(whole('(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{40}')),
  // The identity of an age vault.
  /AGE-SECRET-KEY-1[A-Z0-9]{20,}/,
]
const ANY = new RegExp(LOOKS.map(({source}) => source).join('|'), 'g')

interface Found {
  start: number
  end: number
}

/** What looks like a secret, from left to right; none begins within another. */
function* secretsIn(text: string): Generator<Found> {
  let at = 0
  let other: Found | undefined
  let token: Found | undefined
  for (;;) {
    if (!other || other.start < at) other = otherFrom(text, at)
    if (!token || token.start < at) token = webTokenFrom(text, at)
    const next = token.start < other.start ? token : other
    if (next.start === Infinity) return
    yield next
    at = next.end
  }
}

function otherFrom(text: string, from: number): Found {
  ANY.lastIndex = from
  const match = ANY.exec(text)
  return match ? {start: match.index, end: match.index + match[0].length} : {start: Infinity, end: Infinity}
}

/**
 * A JSON Web Token: what Access gives out after a login. It is `eyJ`, two parts of at least ten characters with a full
 * stop behind each, and a third. As a regular expression this would look to the end of a long word for each `eyJ` in it.
 */
function webTokenFrom(text: string, from: number): Found {
  for (let start = text.indexOf('eyJ', from); start >= 0;) {
    const first = endOfWord(text, start)
    const second = text[first] === '.' ? endOfWord(text, first + 1) : first
    const isOne = first - start >= 13 && second - first > 10 && text[second] === '.'
    if (isOne) return {start, end: endOfWord(text, second + 1)}
    // One that begins later in this word ends as it does, and is shorter.
    start = text.indexOf('eyJ', first)
  }
  return {start: Infinity, end: Infinity}
}

function endOfWord(text: string, from: number): number {
  let at = from
  while (isWordCode(text.charCodeAt(at))) at++
  return at
}

/** `[A-Za-z0-9_-]`; NaN (behind the end) is none. */
function isWordCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x2d
  )
}

function hideLooks(text: string): string {
  let result = ''
  let at = 0
  for (const {start, end} of secretsIn(text)) {
    result += `${text.slice(at, start)}[hidden]`
    at = end
  }
  return result + text.slice(at)
}

const AUTHORIZATION = /\b(Bearer|Basic)(\s+)(?=[^\s"',]*[0-9])[A-Za-z0-9._~+/=-]{16,}/gi

/** Signs that nobody sees: whoever reads or copies a secret with one inside has the secret. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu

/** The text without anything that is a secret of this process, or looks like one. */
export function redact(text: string): string {
  const clean = withoutSecrets(text)
  if (!/[^\0-\u00AC]/.test(text)) return clean
  const bare = text.replaceAll(UNSEEN, '')
  const cleanBare = withoutSecrets(bare)
  return bare.length === text.length || cleanBare === bare ? clean : cleanBare
}

function withoutSecrets(text: string): string {
  let result = text
  for (const form of forms()) if (result.includes(form)) result = result.replaceAll(form, '[secret]')
  return hideLooks(result).replaceAll(AUTHORIZATION, '$1$2[hidden]')
}

/** A copy of a JSON value with every text in it redacted, keys included. */
export function redactJson<T>(value: T): T {
  return walk(value) as T
}

function walk(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(walk)
  if (typeof value !== 'object' || value === null) return value
  // What is no plain object says itself how it is written (a Secret does).
  if (typeof (value as {toJSON?: unknown}).toJSON === 'function') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), walk(inner)]))
}

/** True for a word that looks like a secret; a word that is part of a longer text is none. */
export function looksSecret(word: string): boolean {
  const [first] = secretsIn(word)
  return first?.start === 0 && first.end === word.length
}

/**
 * Refuses a command line on which a secret stands: other users of the machine can read it, and the shell keeps it in its
 * history. The word is not repeated. What stands behind `--` is another program's.
 *
 * @throws UserError `usage` / `SECRET_ON_COMMAND_LINE`
 */
export function refuseSecretWords(argv: readonly string[]): void {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const bad = own.some((word) => looksSecret(word) || looksSecret(word.replace(/^-[^=]*=/, '')))
  if (!bad) return
  throw new UserError({
    kind: 'usage',
    code: 'SECRET_ON_COMMAND_LINE',
    message: 'Something that looks like a secret stands on the command line',
    why: 'Every process of this machine can read it there, and the shell keeps it in its history. Nothing was done.',
    next: [
      'zt reads a secret from stdin or from a hidden prompt, never from an argument',
      'If it is a secret, take it for known: rotate it, or make a new one',
    ],
  })
}

/** What is to be hidden, as itself and as programs write it; the longest first, as one may be part of another. */
function forms(): string[] {
  const all = new Set<string>()
  for (const text of heldTexts()) {
    if (text.length < SHORTEST) continue
    for (const form of writtenForms(text)) all.add(form)
  }
  return [...all].sort((a, b) => b.length - a.length)
}

/** A text as itself, in JSON, in a URL, in hex, and in base64 wherever it begins in what was encoded. */
function writtenForms(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64 = [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // The first and last characters also hold bits of what stands beside it.
    const sure = encoded.replace(/(?<!=)=+$/, '').slice(before === 0 ? 0 : before + 1, -1)
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const hex = bytes.toString('hex')
  return [text, JSON.stringify(text).slice(1, -1), ...inUrl(text), ...base64, hex, hex.toUpperCase()]
}

function inUrl(text: string): string[] {
  try {
    return [encodeURIComponent(text)]
  } catch {
    // Half a surrogate pair cannot stand in one.
    return []
  }
}
