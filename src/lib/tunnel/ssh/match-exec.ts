import {includedFile} from './config-values.js'
import {configLines, type ConfigLine, type Configuration, type ConfigurationFile} from './configuration.js'

/** A `Match … exec` line: a program that ssh starts to find out whether the section applies. */
export interface MatchExec {
  file: string
  /** 1-based. */
  line: number
  command: string
}

/** What `cloudflared access ssh-config --short-lived-cert` prints: `Match host H exec "… access ssh-gen --hostname %h"`. */
export function makesCertificate({command}: MatchExec): boolean {
  return /\baccess\s+ssh-gen\b/.test(command)
}

/** Criteria that take no value, and those that take one (ssh_config(5), Match). */
const ALONE = /^(all|canonical|final)$/
const WITH_VALUE = /^(host|originalhost|user|localuser|exec|tagged|localnetwork|sessiontype|command|version)$/
/** A value in which nothing can hide. */
const VALUE = /^(?:"([^"\\]*)"|([^\s"'\\=#]+))(?=\s|$)/
/** The value of `exec`: it is taken out whole. */
const COMMAND = /^(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^\s"']+))(?=\s|$)/
const NEVER = '!host *'
const PROBE = 'ZT_MATCH_EXEC_'

/** Whether a file has a `Match … exec` line, or one that may be. */
export function hasMatchExec({files}: Configuration): boolean {
  return [...files.values()].some(({text}) => [...configLines(text)].some(isExec))
}

/** Whether a line is such a line, or may be. ssh reads ex"ec", too. */
export function isExec({keyword, value}: Pick<ConfigLine, 'keyword' | 'value'>): boolean {
  return keyword === 'match' && /exec/i.test(value.replaceAll(/["'\\]/g, ''))
}

/**
 * The text of a file in which no `Match … exec` runs anything: the section does not apply, because whether it does can only
 * be found out by the program. In front of each is a section that ssh applies exactly when it would start the program, and
 * that only sets a mark ({@link probed}).
 *
 * @param execs gets an entry for each
 * @param copies where the copy of each included file is
 */
export function withoutExec(
  {file, text, includes}: ConfigurationFile,
  execs: MatchExec[],
  copies: ReadonlyMap<string, string>,
): string {
  let result = ''
  for (const {number, line, keyword, value} of configLines(text)) {
    if (keyword === 'include') {
      const names = (includes.get(number) ?? []).flatMap((one) => copies.get(one) ?? [])
      result += names.length === 0 ? '#\n' : `Include ${names.map((one) => includedFile(one)).join(' ')}\n`
    } else if (isExec({keyword, value})) {
      const read = criteriaOf(value)
      if (read?.command !== undefined) {
        const {before, others, command} = read
        result += `Match ${[...before, 'host *'].join(' ')}\nSendEnv ${PROBE}${execs.push({file, line: number, command}) - 1}\n`
        result += `Match ${[...others, NEVER].join(' ')}\n`
      } else if (read) result += line
      // Not understood: nothing of it reaches ssh.
      else result += `Match ${NEVER}\n`
    } else result += line
  }
  return result
}

/** Takes the marks out of an answer of `ssh -G`, and says which programs ssh would have started. */
export function probed(answer: string, execs: readonly MatchExec[]): {answer: string; execs: MatchExec[]} {
  const hit = new Set<number>()
  const kept = answer.split('\n').filter((line) => {
    const [, number] = new RegExp(`^sendenv ${PROBE}(\\d+)`).exec(line) ?? []
    if (number !== undefined) hit.add(Number(number))
    return number === undefined
  })
  return {answer: kept.join('\n'), execs: execs.filter((_, at) => hit.has(at))}
}

/**
 * The criteria of a Match line: those before the first `exec`, all without an `exec`, and its command. Undefined if it
 * cannot be read with certainty.
 */
function criteriaOf(
  value: string,
): {before: string[]; others: string[]; command: string | undefined} | undefined {
  const others: string[] = []
  let before: string[] | undefined
  let command: string | undefined
  for (let rest = value.trim(); rest !== '' && !rest.startsWith('#');) {
    const [word = '', not = '', plain = ''] = /^(!?)([a-z]+)/i.exec(rest) ?? []
    const attribute = plain.toLowerCase()
    rest = rest.slice(word.length)
    if (ALONE.test(attribute) && /^(\s|$)/.test(rest)) others.push(not + attribute)
    else if (WITH_VALUE.test(attribute)) {
      rest = rest.trimStart().replace(/^=\s*/, '')
      const [whole, ...forms] = (attribute === 'exec' ? COMMAND : VALUE).exec(rest) ?? []
      if (whole === undefined) return undefined
      rest = rest.slice(whole.length)
      const given = forms.find((form) => form !== undefined) ?? ''
      if (attribute !== 'exec') others.push(`${not}${attribute} "${given}"`)
      else {
        before ??= [...others]
        command ??= given
      }
    } else return undefined
    rest = rest.trimStart()
  }
  return {before: before ?? others, others, command}
}
