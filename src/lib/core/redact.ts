import {UserError} from './errors.js'
import {heldTexts} from './secret.js'

/**
 * The last line of defence for messages: errors, warnings, notes, traces. Results on stdout (`--reveal` included) do not
 * pass through here: they contain a secret only on purpose, by `.expose()`.
 */

/** Shorter texts are words: hiding them would make errors unreadable, and would reveal that they are secrets. */
const SHORTEST = 8

/** A run that does not continue on either side. */
const whole = (run: string): string => `(?<![A-Za-z0-9_-])${run}(?![A-Za-z0-9_-])`

/** What a secret looks like. A UUID, a client ID, an account ID, a CF-RAY and a host name do not. */
const LOOKS = [
  // A client secret, and API tokens with a prefix for their kind.
  /cf[a-z]{1,6}_[A-Za-z0-9]{24,}/,
  // A client secret from before 2026-08-26.
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

/** Everything that looks like a secret, from left to right, without overlaps. */
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
 * A JSON Web Token, which Access issues after a login: `eyJ`, two parts of at least ten characters each followed by a
 * full stop, and a third part. A regular expression would scan a long word once for each `eyJ` in it.
 */
function webTokenFrom(text: string, from: number): Found {
  for (let start = text.indexOf('eyJ', from); start >= 0;) {
    const first = endOfWord(text, start)
    const second = text[first] === '.' ? endOfWord(text, first + 1) : first
    const isOne = first - start >= 13 && second - first > 10 && text[second] === '.'
    if (isOne) return {start, end: endOfWord(text, second + 1)}
    // A later one in this word would end at the same place.
    start = text.indexOf('eyJ', first)
  }
  return {start: Infinity, end: Infinity}
}

function endOfWord(text: string, from: number): number {
  let at = from
  while (isWordCode(text.charCodeAt(at))) at++
  return at
}

/** `[A-Za-z0-9_-]`; false for NaN (beyond the end). */
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

/** Invisible characters: a secret with one inside still reads and copies as the secret. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu

/** The text with every secret of this process, and whatever looks like one, hidden. */
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

/** A copy of a JSON value with every string redacted, keys included. */
export function redactJson<T>(value: T): T {
  return walk(value) as T
}

function walk(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(walk)
  if (typeof value !== 'object' || value === null) return value
  // An object that defines its own JSON, as a Secret does.
  if (typeof (value as {toJSON?: unknown}).toJSON === 'function') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), walk(inner)]))
}

/** Whether the whole word looks like a secret. */
export function looksSecret(word: string): boolean {
  const [first] = secretsIn(word)
  return first?.start === 0 && first.end === word.length
}

/**
 * Refuses a command line that contains a secret: other users of the machine can read it, and the shell keeps it in its
 * history. The word is not repeated. Whatever follows `--` belongs to another program.
 *
 * @throws UserError `usage` / `SECRET_ON_COMMAND_LINE`
 */
export function refuseSecretWords(argv: readonly string[]): void {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const bad = own.some((word) =>
    [word, word.replace(/^-+/, ''), word.replace(/^-[^=]*=/, '')].some(looksSecret),
  )
  if (!bad) return
  throw new UserError({
    kind: 'usage',
    code: 'SECRET_ON_COMMAND_LINE',
    message: 'The command line contains what looks like a secret',
    why: 'Every process on this machine can read it there, and the shell keeps it in its history. Nothing was done.',
    next: [
      'zt reads a secret from stdin or from a hidden prompt, never from an argument',
      'If it is a secret, treat it as compromised: rotate it, or create a new one',
    ],
  })
}

/** What to hide, as itself and as programs encode it; the longest first, because one may be part of another. */
function forms(): string[] {
  const all = new Set<string>()
  for (const text of heldTexts()) {
    if (text.length < SHORTEST) continue
    for (const form of writtenForms(text)) all.add(form)
  }
  return [...all].sort((a, b) => b.length - a.length)
}

/** A text as itself, in JSON, in a URL, in hex, and in base64 at each of the three offsets. */
export function writtenForms(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64 = [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // The first and last characters also hold bits of what is next to it.
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
    // A URL cannot contain half a surrogate pair.
    return []
  }
}
