import {UserError} from '../../../core/errors.js'
import type {OtherSetting} from '../../types.js'
import {sumOf} from './block.js'

/**
 * Pure edits of the text of an ssh configuration. A text here is latin1: one character for each byte, so that whatever
 * encoding the file has, what is not ours comes out as it went in.
 */

/** One block of ours. */
export interface FoundBlock {
  host: string
  /** Offsets of its first character, and of the one behind its last line's end. */
  start: number
  end: number
  /** 1-based. */
  line: number
  /** What stands there is not what was written there. */
  edited: boolean
}

const MARK = /^# zt: (begin|end) (\S+)(?: ([0-9a-f]{12}))?[ \t\r]*\n?$/
/** ssh skips blanks before a keyword, takes it in any case and in quotes, and lets = follow it. */
const SECTION = /^[ \t\r]*"?(host|match)"?[ \t\r=]/i
const COMMENT = /^[ \t\r]*#/

/**
 * The blocks between our marks.
 *
 * @param file for the error
 * @throws UserError `conflict` / `SSH_CONFIG_DAMAGED` for a mark without its partner, or two blocks of one host
 */
export function findBlocks(text: string, file: string): FoundBlock[] {
  const blocks: FoundBlock[] = []
  let open: {host: string; start: number; line: number; lines: string[]} | undefined
  for (const {line, offset, number} of linesOf(text)) {
    const [mark, which, host = '', sum] = MARK.exec(line) ?? []
    if (mark === undefined) {
      open?.lines.push(line)
    } else if (which === 'begin') {
      if (open) throw damaged(file, open.line, `The block of ${open.host} has no end`)
      const twice = blocks.find((one) => one.host === host)
      if (twice)
        throw damaged(file, number, `There is a second block of ${host}; the first is in line ${twice.line}`)
      open = {host, start: offset, line: number, lines: []}
    } else {
      if (!open) throw damaged(file, number, `This is the end of a block of ${host} that has no beginning`)
      if (open.host !== host) throw damaged(file, number, `The block of ${open.host} ends as that of ${host}`)
      const {lines, ...rest} = open
      blocks.push({...rest, end: offset + line.length, edited: sum !== sumOf(lines)})
      open = undefined
    }
  }
  if (open) throw damaged(file, open.line, `The block of ${open.host} has no end`)
  return blocks
}

/**
 * The text with this block: in place of the host's own one, or else before the first Host or Match (and the comments
 * right above it). ssh takes the first value that it meets, so what the file says of all hosts in its beginning comes
 * first; above that a Host line would take those settings into its own block. No blank line is added: what is put in
 * can then be taken out to the byte.
 */
export function withBlock(text: string, found: readonly FoundBlock[], host: string, block: string): string {
  const own = found.find((one) => one.host === host)
  if (own) {
    const old = text.slice(own.start, own.end)
    const body = withEnds(block, endOf(old))
    return text.slice(0, own.start) + body + (/\r?\n$/.exec(old)?.[0] ?? '') + text.slice(own.end)
  }
  // As our other blocks, so that each says by itself which end the line before it got.
  const [first] = found
  const end = endOf(first ? text.slice(first.start) : text)
  const body = withEnds(block, end)
  const at = placeFor(text, found)
  if (at < text.length || text === '' || text.endsWith('\n'))
    return text.slice(0, at) + body + end + text.slice(at)
  // Without an end of the last line, as before.
  return text + end + body
}

/** The text without the host's block: as it was before that was put in. */
export function withoutBlock(text: string, found: readonly FoundBlock[], host: string): string {
  const own = found.find((one) => one.host === host)
  if (!own) return text
  const block = text.slice(own.start, own.end)
  const before = text.slice(0, own.start)
  // The last line had no end, and got one so that ours could follow.
  const end = endOf(block)
  const kept = !block.endsWith('\n') && before.endsWith(end) ? before.slice(0, -end.length) : before
  return kept + text.slice(own.end)
}

/** What the file itself says of a host in those keywords, outside our blocks: Host lines that match, not Match ones. */
export function otherSettings(
  text: string,
  found: readonly FoundBlock[],
  host: string,
  keywords: readonly string[],
): OtherSetting[] {
  const wanted = new Set(keywords.map((keyword) => keyword.toLowerCase()))
  const others: OtherSetting[] = []
  let section: string | undefined
  let applies = true
  for (const {line, offset, number} of linesOf(text)) {
    if (found.some(({start, end}) => offset >= start && offset < end)) continue
    const [, word = '', rest = ''] = /^[ \t\r]*"?([A-Za-z0-9]+)"?[ \t\r]*=?[ \t\r]*(.*)/.exec(line) ?? []
    if (SECTION.test(line)) {
      section = line.trim()
      applies = word.toLowerCase() === 'host' && matchesHost(rest, host)
    } else if (applies && wanted.has(word.toLowerCase())) {
      others.push({line: number, section, keyword: word})
    }
  }
  return others
}

/** Patterns of ssh_config(5): `*`, `?`, and `!` for what must not match. */
function matchesHost(patterns: string, host: string): boolean {
  let matched = false
  for (const word of patterns.split(/[ \t\r"]+/).filter((one) => one !== '')) {
    const negated = word.startsWith('!')
    const source = word
      .slice(negated ? 1 : 0)
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll(/\*+/g, '.*')
      .replaceAll('?', '.')
    if (!new RegExp(`^${source}$`, 'i').test(host)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

function placeFor(text: string, found: readonly FoundBlock[]): number {
  let comments: number | undefined
  for (const {line, offset} of linesOf(text)) {
    if (found.some(({start, end}) => offset >= start && offset < end)) comments = undefined
    else if (SECTION.test(line)) return comments ?? offset
    else if (COMMENT.test(line)) comments ??= offset
    else comments = undefined
  }
  return text.length
}

function* linesOf(text: string): Generator<{line: string; offset: number; number: number}> {
  let number = 0
  for (let offset = 0; offset < text.length;) {
    const at = text.indexOf('\n', offset)
    const next = at < 0 ? text.length : at + 1
    yield {line: text.slice(offset, next), offset, number: ++number}
    offset = next
  }
}

/** How the first line ends. */
function endOf(text: string): string {
  const at = text.indexOf('\n')
  return at > 0 && text[at - 1] === '\r' ? '\r\n' : '\n'
}

function withEnds(block: string, end: string): string {
  return block.replaceAll('\n', end)
}

function damaged(file: string, line: number, what: string): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'SSH_CONFIG_DAMAGED',
    message: `The marks of zt in ${file} are damaged at line ${line}`,
    why: `${what}, so it cannot be seen where the block stops. Nothing was changed.`,
    next: [`Mend the lines "# zt: begin HOST" and "# zt: end HOST" by hand, or delete them with the block`],
    details: {file, line},
  })
}
