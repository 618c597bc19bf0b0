import {sumOf} from './block.js'
import {configLines, configWords} from '../configuration.js'

/**
 * The lines by which zt takes over a ProxyCommand of cloudflared, in a text of latin1:
 *
 *     # zt: adopted 26aa063f8469 ProxyCommand cloudflared access ssh --hostname %h
 *     ProxyCommand … zt.cjs ssh proxy --profile default %h
 *
 * The first has the person's own line, and a checksum of both, which shows an edit by hand.
 */
const ADOPTED = /^([ \t]*)# zt: adopted ([0-9a-f]{12}) (.*)$/s

/** A file may end within CR LF. */
const LINE_END = /\r?\n$|\r$/

/** A ProxyCommand in a configuration, and for which names of hosts it is. */
export interface ProxyLine {
  /** 1-based; that of the person's own line, or of the comment that has it. */
  number: number
  indent: string
  /** The person's own line, without what is before it and its end. */
  original: string
  /** The value of its ProxyCommand. */
  value: string
  /** What zt wrote in its place; undefined: nothing yet. */
  current: string | undefined
  /** Someone has changed zt's line since. */
  edited: boolean
  section: Section
}

/** Which names a section is for. */
export interface Section {
  /** The line that begins it; undefined: there is none above. */
  line: string | undefined
  /** Patterns of Host, or of a Match that only compares the host. Undefined: only ssh knows. */
  patterns: string[] | undefined
}

/** Every ProxyCommand of a text that is the person's own, or that zt has adopted; `damaged`: comments of zt without one. */
export function proxyLines(text: string): {lines: ProxyLine[]; damaged: number[]} {
  const found: ProxyLine[] = []
  const damaged: number[] = []
  let section: Section = {line: undefined, patterns: undefined}
  let mark: {number: number; indent: string; sum: string; original: string} | undefined
  for (const {number, line, keyword, value} of configLines(text)) {
    const bare = line.replace(LINE_END, '')
    const [, indent = '', sum = '', original] = ADOPTED.exec(bare) ?? []
    if (mark && keyword !== 'proxycommand') {
      damaged.push(mark.number)
      mark = undefined
    }
    if (original !== undefined) mark = {number, indent, sum, original}
    else if (keyword === 'host' || keyword === 'match')
      section = {line: bare.trim(), patterns: patternsOf(keyword, value)}
    else if (keyword === 'proxycommand') {
      const [before = ''] = /^[ \t]*/.exec(bare) ?? []
      const there = bare.slice(before.length)
      const own = mark?.original ?? there
      found.push({
        number: mark?.number ?? number,
        indent: mark?.indent ?? before,
        original: own,
        value: [...configLines(own)][0]?.value ?? '',
        current: mark && there,
        edited: mark !== undefined && sumOf([mark.original, there]) !== mark.sum,
        section,
      })
      mark = undefined
    }
  }
  if (mark) damaged.push(mark.number)
  return {lines: found, damaged}
}

/** The two lines for an adopted one, with the end of the line that they replace. */
function adoptedLines({indent, original}: ProxyLine, command: string, end: string): string {
  const line = `ProxyCommand ${command}`
  const between = end.endsWith('\n') ? end : `${end}\n`
  return `${indent}# zt: adopted ${sumOf([original, line])} ${original}${between}${indent}${line}${end}`
}

/**
 * The text with some of its ProxyCommands changed.
 *
 * @param change by the number of the line: the new command, latin1, or `own`: the person's own line again
 */
export function withProxyLines(
  text: string,
  lines: readonly ProxyLine[],
  change: ReadonlyMap<number, {command: string} | 'own'>,
): string {
  let result = ''
  let changing: ProxyLine | undefined
  for (const {number, line} of configLines(text)) {
    if (change.has(number)) {
      changing = lines.find((one) => one.number === number)
      // The comment; the line itself follows.
      if (changing?.current !== undefined) continue
    }
    const wanted = changing && change.get(changing.number)
    if (changing && wanted !== undefined) {
      const end = LINE_END.exec(line)?.[0] ?? ''
      result +=
        wanted === 'own'
          ? changing.indent + changing.original + end
          : adoptedLines(changing, wanted.command, end)
    } else result += line
    changing = undefined
  }
  return result
}

function patternsOf(keyword: 'host' | 'match', value: string): string[] | undefined {
  const words = configWords(value)
  if (!words) return undefined
  const included = (patterns: readonly string[]): string[] => patterns.filter((one) => !one.startsWith('!'))
  if (keyword === 'host') return included(words)
  const [criterion = '', list, ...more] = words
  return /^(original)?host$/i.test(criterion) && list !== undefined && more.length === 0
    ? included(list.split(','))
    : undefined
}
