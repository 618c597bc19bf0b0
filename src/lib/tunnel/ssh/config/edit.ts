import {UserError} from '../../../core/errors.js'
import {hostMatches} from '../../../core/hostname.js'
import type {OtherSetting} from '../../types.js'
import {patternOf} from '../config-values.js'
import {linesOf} from '../configuration.js'
import {sumOf} from './block.js'

/**
 * Edits of the text of an ssh configuration. The text is latin1, one character for each byte, so that in any encoding
 * everything outside zt's blocks stays the same.
 */

/** A block that zt wrote. */
export interface FoundBlock {
  host: string
  /** Offsets of its first character, and of the one after the end of its last line. */
  start: number
  end: number
  /** 1-based. */
  line: number
  /** Someone has changed it since. */
  edited: boolean
}

const MARK = /^# zt: (begin|end) (\S+)(?: ([0-9a-f]{12}))?[ \t\r]*\n?$/
/** ssh accepts a keyword after blanks, in any case, in quotes, and with a = after it. */
const SECTION = /^[ \t\r]*"?(host|match)"?[ \t\r=]/i
const COMMENT = /^[ \t\r]*#/

/**
 * Finds zt's blocks by their marks.
 *
 * @param file for the error
 * @throws UserError `conflict` / `SSH_CONFIG_DAMAGED` for a mark without its partner, or two blocks for one host
 */
export function findBlocks(text: string, file: string): FoundBlock[] {
  const blocks: FoundBlock[] = []
  let open: {host: string; start: number; line: number; lines: string[]} | undefined
  for (const {line, offset, number} of linesOf(text)) {
    const [mark, which, host = '', sum] = MARK.exec(line) ?? []
    if (mark === undefined) {
      open?.lines.push(line)
    } else if (which === 'begin') {
      if (open) throw damaged(file, open.line, `The block for ${open.host} has no end`)
      const twice = blocks.find((one) => one.host === host)
      if (twice)
        throw damaged(file, number, `There is a second block for ${host}; the first is in line ${twice.line}`)
      open = {host, start: offset, line: number, lines: []}
    } else {
      if (!open) throw damaged(file, number, `This ends a block for ${host} that has no beginning`)
      if (open.host !== host)
        throw damaged(file, number, `The block for ${open.host} ends as one for ${host}`)
      const {lines, ...rest} = open
      blocks.push({...rest, end: offset + line.length, edited: sum !== sumOf(lines)})
      open = undefined
    }
  }
  if (open) throw damaged(file, open.line, `The block for ${open.host} has no end`)
  return blocks
}

/**
 * The text with this block: in place of the host's previous one, or else before the first Host or Match line and the
 * comments right above it. ssh uses the first value that it finds, so the block wins over those sections. It must come
 * after the settings for all hosts at the top of the file, which would otherwise become part of the block. No blank line
 * is added, so that the block can be removed to the byte.
 */
export function withBlock(text: string, found: readonly FoundBlock[], host: string, block: string): string {
  const own = found.find((one) => one.host === host)
  if (own) {
    const old = text.slice(own.start, own.end)
    const body = withEnds(block, endOf(old))
    return text.slice(0, own.start) + body + (/\r?\n$/.exec(old)?.[0] ?? '') + text.slice(own.end)
  }
  // As in our other blocks: a block's line ends show which one was added to the line before it.
  const [first] = found
  const end = endOf(first ? text.slice(first.start) : text)
  const body = withEnds(block, end)
  const at = placeFor(text, found, host)
  if (at < text.length || text === '' || text.endsWith('\n'))
    return text.slice(0, at) + body + end + text.slice(at)
  // The last line has no end, as before.
  return text + end + body
}

/** The text without the host's block, as it was before the block was added. */
export function withoutBlock(text: string, found: readonly FoundBlock[], host: string): string {
  const own = found.find((one) => one.host === host)
  if (!own) return text
  const block = text.slice(own.start, own.end)
  const before = text.slice(0, own.start)
  // The line before had no end, and got one when the block was added.
  const end = endOf(block)
  const kept = !block.endsWith('\n') && before.endsWith(end) ? before.slice(0, -end.length) : before
  return kept + text.slice(own.end)
}

/** What the rest of the file sets for a host with these keywords. Sections with Match are not evaluated. */
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

/** Patterns of ssh_config(5); one with `!` excludes the hosts that match it. */
export function matchesHost(patterns: string, host: string): boolean {
  let matched = false
  for (const word of patterns.split(/[ \t\r"]+/).filter((one) => one !== '')) {
    const negated = word.startsWith('!')
    if (!patternOf(word.slice(negated ? 1 : 0).toLowerCase()).test(host.toLowerCase())) continue
    if (negated) return false
    matched = true
  }
  return matched
}

function placeFor(text: string, found: readonly FoundBlock[], host: string): number {
  // A block for more hosts comes after it.
  const wider = found.find((one) => one.host.includes('*') && hostMatches(one.host, host))
  if (wider) return wider.start
  let comments: number | undefined
  for (const {line, offset} of linesOf(text)) {
    if (found.some(({start, end}) => offset >= start && offset < end)) comments = undefined
    else if (SECTION.test(line)) return comments ?? offset
    else if (COMMENT.test(line)) comments ??= offset
    else comments = undefined
  }
  return text.length
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
    message: `zt's marks in ${file} are damaged at line ${line}`,
    why: `${what}, so zt cannot tell where the block ends. Nothing was changed.`,
    next: [`Correct zt's lines, "# zt: begin" and "# zt: end", by hand, or delete them with the block`],
    details: {file, line},
  })
}
