import net from 'node:net'
import {writtenForms} from '../../core/redact.js'
import {Foreign, Label, Own, Prose, type Kind, type Piece} from './piece.js'
import {isOwnDotted, isOwnName, isOwnPart, isOwnText, isOwnWord} from './vocabulary.js'

/** More would be no word that a person reads. */
const LONGEST_KNOWN = 4096

/** The directories of zt that have one for each profile (IndexFiles): its name may be any word. */
const OF_PROFILES: ReadonlySet<string> = new Set(['index', 'hosts'])

/** In suggestions. */
const PUBLIC_RESOLVER = '1.1.1.1'

/** Splits a text so that every character is part of a match, or is a blank or punctuation in ASCII. */
const PARTS = [
  // Names are in quotes.
  String.raw`(?<quoted>"[^"\n]*"|(?<![\p{L}\p{N}])'[^'\n]*'(?![\p{L}\p{N}])|\u201C[^\u201D\n]*\u201D)`,
  // What a person would give there, whatever it is.
  String.raw`(?<given>(?<=--(?:profile|token|account|zone|connect-to|name|host|user) )[^\s"']+)`,
  String.raw`(?<url>\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>\u2026]+)`,
  String.raw`(?<email>[^\s"'<>(),:;@]+@[^\s"'<>(),:;@]+)`,
  String.raw`(?<path>(?<![\p{L}\p{N}])(?:~|\.{1,2})?\/[^\s"'<>(),;:]*|\b[A-Za-z]:\\[^\s"'<>(),;]*)`,
  String.raw`(?<address>(?<![\p{L}\p{N}.])(?:[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){1,6}:\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\p{L}\p{N}]))`,
  String.raw`(?<date>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)?(?![\p{L}\p{N}-]))`,
  String.raw`(?<id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{12,}(?:-[A-Z]{2,4})?(?:\.access)?)`,
  String.raw`(?<dotted>[\p{L}\p{N}_*-]+(?:\.[\p{L}\p{N}_*-]+)+)`,
  String.raw`(?<word>[\p{L}\p{N}_\p{M}]+)`,
  // Everything else that is no ASCII.
  String.raw`(?<odd>[^ -~\n]+)`,
]

/**
 * Replaces what is foreign by placeholders: the same for the same, and others for others. The table of them is in memory
 * only.
 */
export class Replacer {
  readonly #places = new Map<string, {kind: Kind; place: string; text: string}>()
  readonly #counts = new Map<Kind, number>()
  /** Texts that no placeholder may be: foreign texts that look like one. */
  readonly #taken: ReadonlySet<string>
  #known: RegExp | undefined
  /** The known texts that have quotes, by how they are quoted. */
  readonly #quoted = new Map<string, string>()

  constructor(taken: ReadonlySet<string> = new Set()) {
    this.#taken = taken
  }

  /** A foreign text that may be part of others. */
  know(kind: Kind, text: string | undefined): void {
    if (text === undefined || text === '' || text.length > LONGEST_KNOWN) return
    this.place(kind, text)
    this.#known = undefined
  }

  /** The parts of a path that are of this machine. */
  knowPath(text: string | undefined): void {
    if (text !== undefined) this.path(text)
    this.#known = undefined
  }

  /** What the bundle has in place of a foreign text. */
  place(kind: Kind, text: string): string {
    const key = keyOf(text)
    const known = this.#places.get(key)
    if (known) return known.place
    let place: string
    do {
      const number = (this.#counts.get(kind) ?? 0) + 1
      this.#counts.set(kind, number)
      place = kind === 'host' ? `host-${number}.example` : `${kind}-${number}`
    } while (this.#taken.has(keyOf(place)))
    this.#places.set(key, {kind, place, text})
    return place
  }

  /** How many of each kind were replaced. */
  get counts(): Partial<Record<Kind, number>> {
    const counts: Partial<Record<Kind, number>> = {}
    for (const {kind} of this.#places.values()) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
  }

  /** What a text was taken for. */
  kindOf(text: string): Kind {
    return this.#places.get(keyOf(text))?.kind ?? 'text'
  }

  /** Every foreign text so far. */
  get texts(): string[] {
    return [...this.#places.values()].map(({text}) => text)
  }

  /** A piece as JSON. */
  render(piece: Piece): unknown {
    if (piece instanceof Own) return piece.text
    if (piece instanceof Foreign) return this.foreign(piece)
    if (piece instanceof Label) return isOwnText(piece.text) ? piece.text : this.prose(piece.text)
    if (piece instanceof Prose) return this.prose(piece.text)
    if (typeof piece === 'string') return this.place('text', piece)
    if (Array.isArray(piece)) return (piece as readonly Piece[]).map((one) => this.render(one))
    if (typeof piece !== 'object' || piece === null) return piece
    return Object.fromEntries(
      Object.entries(piece as Readonly<Record<string, Piece>>).flatMap(([key, value]) =>
        value === undefined ? [] : [[this.key(key), this.render(value)]],
      ),
    )
  }

  /** A field's name is zt's if its words are: `profileName`. */
  key(name: string): string {
    const parts = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
    const isOwn = /^[a-zA-Z0-9 -]+$/.test(parts) && isOwnText(parts)
    return isOwn && (isOwnText(name) || !this.#places.has(keyOf(name))) ? name : this.place('word', name)
  }

  foreign({kind, text}: Foreign): string {
    if (text === '') return ''
    return kind === 'path' ? this.path(text) : this.place(kind, text)
  }

  /** The directories that every system has stay; the others are replaced one by one. */
  path(text: string): string {
    const known = this.#places.get(keyOf(text))
    if (known && known.kind !== 'path') return known.place
    const parts = text.split(/([/\\])/)
    return parts
      .map((part, at) => {
        if (OF_PROFILES.has(parts[at - 2] ?? '') && part !== '' && part !== 'default')
          return /\.json$/.test(part) ? this.part(part) : this.place('profile', decoded(part))
        return part === '/' || part === '\\' || /^[A-Za-z]:$/.test(part) || isOwnPart(part) ? part : this.part(part)
      })
      .join('')
  } // prettier-ignore

  /** Files of zt are named after hosts and IDs, in the form of a URL. */
  private part(part: string): string {
    const [, stem = part, ending = ''] = /^(.+?)(\.(?:json|age|lock|sock|log|spool))?$/.exec(part) ?? []
    const plain = decoded(stem)
    // The same place as in a text: `host.json` is that host's.
    if (isOwnDotted(plain)) return plain + ending
    const kind = isHost(plain) ? 'host' : /^[0-9a-f-]{12,}$/i.test(plain) ? 'id' : 'name'
    return this.place(kind, plain) + ending
  }

  /** Zt's words stay; everything else is replaced, whatever it is. */
  prose(text: string): string {
    this.#known ??= this.#knownIn()
    return text
      .normalize('NFC')
      .replaceAll(this.#known, (found: string, ...more: unknown[]) => {
        const groups = more.at(-1) as Partial<Record<string, string>>
        const inQuotes = this.#quoted.get(found)
        if (inQuotes !== undefined) return this.#inQuotes(found, inQuotes)
        if (groups['known'] !== undefined) return this.place('word', found)
        if (groups['quoted'] !== undefined) return this.quoted(found)
        if (groups['given'] !== undefined) return this.given(found)
        if (groups['url'] !== undefined) return this.url(found)
        if (groups['email'] !== undefined) return this.email(found)
        if (groups['path'] !== undefined) return found.endsWith('.') ? `${this.path(found.slice(0, -1))}.` : this.path(found)
        if (groups['address'] !== undefined) return found === PUBLIC_RESOLVER ? found : net.isIP(found) === 0 ? this.spelled(found) : this.place('ip', found)
        if (groups['date'] !== undefined) return found
        if (groups['id'] !== undefined) return this.place('id', found)
        if (groups['dotted'] !== undefined) return isOwnDotted(found) ? found : this.place('host', found)
        if (groups['odd'] !== undefined) return found === '\u2026' || found === '\u2013' ? found : this.place('text', found)
        return this.word(found)
      })
  } // prettier-ignore

  private quoted(found: string): string {
    const inner = found.slice(1, -1)
    if (inner === '' || isOwnName(inner)) return found
    const kind = isHost(inner) ? 'host' : 'name'
    return `${found.charAt(0)}${inner.includes('/') && this.#isPath(inner) ? this.path(inner) : this.place(kind, inner)}${found.at(-1) ?? ''}`
  }

  #isPath(text: string): boolean {
    return /^(?:~|\.{1,2})?\//.test(text)
  }

  /** In a suggestion, NAME stays. */
  private given(found: string): string {
    if (found === 'env' || found === 'default' || (/^[A-Z]+$/.test(found) && isOwnWord(found))) return found
    return this.place(isHost(found) ? 'host' : 'name', found)
  }

  private url(found: string): string {
    const scheme = found.slice(0, found.indexOf(':'))
    const [authority = ''] = /^[^/?#]*/.exec(found.slice(scheme.length + 3)) ?? []
    const rest = found.slice(scheme.length + 3 + authority.length)
    const at = authority.lastIndexOf('@')
    const [, host = '', port = ''] = /^(.*?)(:\d+)?$/.exec(authority.slice(at + 1)) ?? []
    if (isOwnDotted(host) && at < 0) return `${scheme}://${authority}${this.query(rest)}`
    const user = at < 0 ? '' : `${this.place('user', authority.slice(0, at))}@`
    const where = /^[\d.[\]:a-f]+$/i.test(host) && net.isIP(host.replaceAll(/[[\]]/g, '')) !== 0 ? this.place('ip', host) : host === '' ? '' : this.place('host', host)
    return `${isOwnWord(scheme) ? scheme : this.place('word', scheme)}://${user}${where}${port}${this.query(rest)}`
  } // prettier-ignore

  /** What follows the host of a URL. */
  private query(rest: string): string {
    const end = /[.…]$/.test(rest) ? rest.slice(-1) : ''
    const body = end === '' ? rest : rest.slice(0, -1)
    return (/^[/\w.-]*$/.test(body) && body.split('/').every((part) => part.split('-').every(isOwnWordOrEmpty)) ? body : this.place('path', body)) + end
  } // prettier-ignore

  /** `USER@HOST` for ssh, as well. */
  private email(found: string): string {
    const at = found.lastIndexOf('@')
    const user = found.slice(0, at)
    const end = /[.…]$/.test(found) ? found.slice(-1) : ''
    const domain = found.slice(at + 1, found.length - end.length)
    if (!isHost(domain)) return this.place('email', found)
    return `${isOwnWord(user) ? user : this.place('user', user)}@${this.place('host', domain)}${end}`
  }

  private word(found: string): string {
    if (isOwnWord(found)) return found
    // SCREAMING_SNAKE_CASE, as codes and variables are.
    const parts = found.split('_')
    if (parts.length > 1 && parts.every((part) => part === '' || isOwnWord(part))) return found
    return this.place('word', found)
  }

  /** What only looks like an address: `12:30`, `::`. */
  private spelled(found: string): string {
    return /^[\d:]+$/.test(found) ? found : this.place('ip', found)
  }

  /** A name that has quotes, in the quotes of a sentence and of a shell: there they do not end where the name does. */
  #withQuotes(text: string): string[] {
    const forms = [
      ...(text.includes('"') ? [`"${text}"`] : []),
      ...(text.includes("'") ? [`'${text.replaceAll("'", String.raw`'\''`)}'`] : []),
    ]
    for (const form of forms) this.#quoted.set(form, text)
    return forms
  }

  #inQuotes(found: string, text: string): string {
    return `${found.charAt(0)}${this.place('word', text)}${found.charAt(0)}`
  }

  /** Known texts first, the longest before its parts. */
  #knownIn(): RegExp {
    const texts = [...this.#places.values()]
      .map(({text}) => text.normalize('NFC'))
      .flatMap((text) => [text, ...this.#withQuotes(text)])
      .filter((text) => text.trim() !== '' && !/^[ -/:-@[-`{-~]$/.test(text))
      .sort((a, b) => b.length - a.length)
    const escaped = texts.map((text) => {
      const pattern = text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
      const before = /^[\p{L}\p{N}_]/u.test(text) ? String.raw`(?<![\p{L}\p{N}_])` : ''
      const after = /[\p{L}\p{N}_]$/u.test(text) ? String.raw`(?![\p{L}\p{N}_])` : ''
      return before + pattern + after
    })
    const known = escaped.length === 0 ? [] : [`(?<known>${escaped.join('|')})`]
    return new RegExp([...known, ...PARTS].join('|'), 'gu')
  }
}

function isOwnWordOrEmpty(part: string): boolean {
  return part === '' || isOwnWord(part)
}

/** A host name is the same in any case. */
function keyOf(text: string): string {
  const plain = text.normalize('NFC')
  return isHost(plain) ? plain.toLowerCase() : plain
}

function isHost(text: string): boolean {
  return /^[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)+$/i.test(text) && !isOwnDotted(text) && net.isIP(text) === 0
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** With fewer characters, an encoded form is found everywhere. */
const SHORTEST_FORM = 6

/**
 * Foreign texts that are in a text all the same, in whatever form a program writes them. One that consists of zt's own words
 * is none: that it is there says nothing.
 */
export function leftIn(text: string, foreign: Iterable<string>): string[] {
  const low = text.toLowerCase()
  return [...foreign].filter((one) => {
    if (one.trim() === '' || isOwnText(one) || isOwnPart(one)) return false
    return formsOf(one).some((form) => {
      if (form !== one && form.length < SHORTEST_FORM) return false
      return one.length < SHORTEST_FORM ? standsAlone(text, form) : low.includes(form.toLowerCase())
    })
  })
}

/** As {@link writtenForms}; in JSON twice, and in a URL with its separators. */
function formsOf(text: string): string[] {
  const twice = JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1)
  const forms = [...writtenForms(text), twice]
  try {
    return [...forms, encodeURI(text)]
  } catch {
    // Half a surrogate pair.
    return forms
  }
}

/** Whether a short text is there as a word of its own. */
function standsAlone(text: string, word: string): boolean {
  const isPart = (sign: string | undefined): boolean => sign !== undefined && /[\p{L}\p{N}_-]/u.test(sign)
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isPart(text[at - 1]) && !isPart(text[at + word.length])) return true
  }
  return false
}
