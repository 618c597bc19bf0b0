import {
  decoded,
  isPartOfSecret,
  named,
  ownerIn,
  shapeOf,
  unnamed,
  type Found,
  type Reading,
} from './values.js'

/** A name, as it begins anywhere in a line: two words for a label. */
const NAME = /--(?:id|secret)\b|client[ _-]?(?:id|secret)\b(?=["'`)\]]*[ \t]*[:=])|[A-Za-z_][\w.-]{0,200}/gi
/** What may be between a name and its value. Undefined: blanks alone, as in a table or behind a flag. */
const BETWEEN = /["'`)\]]{0,9}[ \t]{0,99}(:=|=>|[:=])?(?:\\? |\t){0,99}/y
const VALUE = /\\?"([^"\\]{0,600})(\\?")?|'([^']{0,600})(')?|`([^`]{0,600})(`)?|([^\s"'`,;|&)}\]]{1,600})/y
const LONGEST_VALUE = 600
/** Another word behind a value that is not in quotes, and not another name. */
const GOES_ON = /^\s+[\w.+/](?![\w-]*[:=])/
const COMMENT = /^[ \t]*(?:#|\/\/|;|rem\s)/i

/**
 * Reads lines in any syntax of names and values: headers, variables, options of curl, tables, YAML. A value without such a
 * name counts by its shape. Nothing looks at more than a limited part of a line at a time.
 */
export function foundInLines(text: string): Reading {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => !COMMENT.test(line))
  const found = lines.flatMap((line, at) => [...namedIn(line, lines.slice(at + 1, at + 3)), ...bareIn(line)])
  return {form: formOf(text.slice(0, 64 * 1024), found), found}
}

function namedIn(line: string, below: readonly string[]): Found[] {
  const found: Found[] = []
  for (const match of line.matchAll(NAME)) {
    const flag = /^--(?:id|secret)$/i.test(match[0])
    const name = flag ? match[0].replace('--', 'client') : match[0]
    const half = named(name)
    if (!half) continue
    const by = {...half, owner: ownerIn(name)}
    BETWEEN.lastIndex = match.index + match[0].length
    const separator = BETWEEN.exec(line)?.[1]
    const begin = BETWEEN.lastIndex
    VALUE.lastIndex = begin
    const given = VALUE.exec(line)
    const {value, quoted, open} = valueOf(given)
    const end = begin + (given?.[0].length ?? 0)
    const rest = line.slice(end, end + LONGEST_VALUE)
    const isLast = rest.trim() === ''
    if (value === '' || /^[|>][+-]?$/.test(value)) {
      const next = isLast ? valueBelow(below) : undefined
      if (next !== undefined) found.push({...by, value: next})
      continue
    }
    // In a sentence, a word follows the name.
    if (separator === undefined && !flag && !shapeOf(value)) continue
    const cut = open || (!quoted && (isLast ? continues(below[0]) : GOES_ON.test(rest)))
    found.push({...by, value: decoded(value), cut})
  }
  return found
}

/** `open`: it does not end on its line. */
function valueOf(match: RegExpExecArray | null): {value: string; quoted: boolean; open: boolean} {
  const [, double, doubleEnd, single, singleEnd, back, backEnd, bare = ''] = match ?? []
  const quoted = double ?? single ?? back
  if (quoted === undefined) return {value: bare, quoted: false, open: bare.length === LONGEST_VALUE}
  return {value: quoted.trim(), quoted: true, open: (doubleEnd ?? singleEnd ?? backEnd) === undefined}
}

/** The value of a name that is alone on its line, or before a block of YAML. */
function valueBelow(below: readonly string[]): string | undefined {
  const next = below.find((line) => line.trim() !== '')
  const value = decoded(
    (next ?? '')
      .slice(0, LONGEST_VALUE)
      .trim()
      .replace(/^value\s*[:=]\s*/i, '')
      .replace(/^(["'])(.*)\1$/, '$2'),
  )
  return shapeOf(value) ? value : undefined
}

/** Whether a line is one word that can be the rest of a secret. */
function continues(line = ''): boolean {
  const word = line.slice(0, LONGEST_VALUE).trim()
  return /^[A-Za-z0-9+/_.-]+["']?$/.test(word) && !shapeOf(word)
}

/** Longer than a name and what is between it and its value. */
const BEFORE = 240

/** Words that are a half by their shape, or part of one. The name before one says whether it may be a checksum. */
function bareIn(line: string): Found[] {
  const found: Found[] = []
  for (const {0: value, index} of line.matchAll(/[A-Za-z0-9_.-]{8,255}/g)) {
    const isPart = isPartOfSecret(value)
    if (!isPart && !shapeOf(value)) continue
    const before = line.slice(Math.max(0, index - BEFORE), index)
    const mark = /["'`]?[ \t]{0,9}[:=][ \t]{0,9}["'`]?$/.exec(before)
    const name = mark ? /(?<![\w.-])[\w.-]+$/.exec(before.slice(0, mark.index))?.[0] : undefined
    // A name that is certain has been read with its value.
    if (name !== undefined && named(name)) continue
    const one = isPart
      ? {value, half: undefined, of: '', cut: true}
      : unnamed(value, name !== undefined && shapeOf(name) ? undefined : name)
    if (one) found.push(one)
  }
  return found
}

function formOf(text: string, found: readonly Found[]): string {
  if (/^[{[]/.test(text)) return 'JSON that is not complete'
  if (/\bcurl\b|(?:^|\s)(?:-H|--header)[ =]/.test(text)) return 'options of curl'
  if (/\bTUNNEL_SERVICE_TOKEN/i.test(text)) return 'variables of cloudflared'
  if (/cf-access-client-(?:id|secret)["'`]?[ \t]*:/i.test(text)) return 'header lines'
  if (/^[ \t]*resource "|\(sensitive value\)/m.test(text)) return 'the output of terraform show'
  if (/<sensitive>|^[ \t]*\w+ += "/m.test(text)) return 'the output of terraform output'
  if (/=== Data ===|^Key +Value$/m.test(text)) return 'the output of vault kv get'
  if (/^[ \t]*(?:export |set |\$env:)?["']?[A-Za-z_]\w*["']?[ \t]*=/im.test(text)) return 'lines of variables'
  return found.some(({half}) => half !== undefined) ? 'lines with names' : 'lines without names'
}
