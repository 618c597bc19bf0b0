import {hostMatches} from '../../../core/hostname.js'
import type {LeadingAlias, TakenLine} from '../../types.js'
import {askSeveral, type SshAnswer, type SshQuestion} from '../ask-ssh.js'
import {configLines, configWords, type Configuration} from '../configuration.js'
import {meaningOf} from '../route.js'
import {makesCertificate} from '../match-exec.js'
import {withoutSecrets} from './diff.js'
import {findBlocks, matchesHost} from './edit.js'

/** To ask ssh takes some milliseconds for each name; first come those whose lines name the host. */
const MOST_NAMES = 100
const AT_ONCE = 4

/**
 * Every name in the configuration that leads to a host, and how ssh reaches the host by it. Patterns are left out: what
 * names they are for is not in the file.
 */
export async function aliasesOf(
  question: Omit<SshQuestion, 'args' | 'configuration'> & {configuration: Configuration},
  host: string,
  except: string,
): Promise<LeadingAlias[]> {
  const names = [...namesIn(question.configuration, host)].filter(
    ([name]) => name.toLowerCase() !== except.toLowerCase(),
  )
  if (except === host && !mayLead(question.configuration, host)) return []
  const answers = await answersFor(
    question,
    names.slice(0, MOST_NAMES).map(([name]) => name),
  )
  return names.flatMap(([name, where]): LeadingAlias[] => {
    const answer = answers.get(name)
    if (!answer) return []
    const {host: there, route} = meaningOf(answer, name)
    if (there.toLowerCase().replace(/\.$/, '') !== host) return []
    // Its ProxyCommand is in the section of the program that zt does not start.
    const asks = route === 'direct' && answer.execs.some(makesCertificate)
    return [{name, ...where, route: asks ? 'cloudflared' : route}]
  })
}

/** What ssh says of each name. Those that it does not take are left out. */
export async function answersFor(
  question: Omit<SshQuestion, 'args'>,
  names: readonly string[],
): Promise<Map<string, SshAnswer>> {
  const answers = new Map<string, SshAnswer>()
  await askSeveral(question, async (ask) => {
    const waiting = [...new Set(names)]
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const answer = await ask([next])
        if (!('failed' in answer)) answers.set(next, answer)
      }
    }
    await Promise.all(Array.from({length: AT_ONCE}, work))
  })
  return answers
}

/** A host name that ssh makes of the name: `%h.example.com`. */
const COMPOSED = /[\w.-]%[hn]|%[hn][\w.-]/

/** Whether a line makes the host of another name, beside those of its own section. */
function mayLead({files}: Configuration, host: string): boolean {
  for (const {text} of files.values()) {
    let own = false
    for (const {keyword, value} of configLines(text)) {
      if (keyword === 'host' || keyword === 'match') own = keyword === 'host' && value === host
      else if (keyword === 'canonicaldomains') return true
      else if (own || (keyword !== 'hostname' && keyword !== 'proxycommand')) continue
      else if (value.toLowerCase().includes(host) || COMPOSED.test(value)) return true
    }
  }
  return false
}

/** The names in Host and Match lines, each with its first place; first those of sections that contain the host, if one is given. */
export function namesIn({files}: Configuration, host = ''): Map<string, {file: string; line: number}> {
  const all: {name: string; file: string; line: number; near: boolean}[] = []
  for (const {file, text} of files.values()) {
    let section: typeof all = []
    for (const {number, line, keyword, value} of configLines(text)) {
      if (keyword === 'host' || keyword === 'match')
        section = namesOf(keyword, value).map((name) => ({name, file, line: number, near: false}))
      all.push(...(section.some(({line: at}) => at === number) ? section : []))
      if (line.toLowerCase().includes(host)) for (const one of section) one.near = true
    }
  }
  const names = new Map<string, {file: string; line: number}>()
  for (const {name, file, line} of [...all.filter(({near}) => near), ...all.filter(({near}) => !near)])
    if (!names.has(name)) names.set(name, {file, line})
  return names
}

function namesOf(keyword: string, value: string): string[] {
  const words = (configWords(value) ?? []).map((word) => Buffer.from(word, 'latin1').toString('utf8'))
  const names =
    keyword === 'host'
      ? words
      : words
          .flatMap((word) => word.split('='))
          .flatMap((word, at, all) => (/^(original)?host$/i.test(all[at - 1] ?? '') ? word.split(',') : []))
  // What could be an option of ssh, or a pattern, is no name.
  return names.filter((name) => /^[^-!*?\s][^!*?\s]*$/.test(name))
}

/**
 * The person's own lines about a name: of the sections that name it by more than `*`.
 *
 * @param replaced the keywords of zt's block, in lower case
 */
export function linesAbout({files}: Configuration, name: string, replaced: ReadonlySet<string>): TakenLine[] {
  const found: TakenLine[] = []
  for (const {file, text} of files.values()) {
    const blocks = blocksIn(text, file)
    let applies = false
    let offset = 0
    for (const {number, line, keyword, value} of configLines(text)) {
      const own = blocks.some(({start, end}) => offset >= start && offset < end)
      offset += line.length
      if (own) applies = false
      if (keyword === 'host' || keyword === 'match')
        applies =
          !own && keyword === 'host' && matchesHost(value.replaceAll(/(?<=^|\s)\*(?=\s|$)/g, ''), name)
      if (!applies || keyword === '' || keyword === 'host') continue
      const shown = withoutSecrets(Buffer.from(line.trim(), 'latin1').toString('utf8'))
      found.push({file, line: number, text: shown, effect: replaced.has(keyword) ? 'replaced' : 'kept'})
    }
  }
  return found
}

/** In an included file, damaged marks are only text. */
function blocksIn(text: string, file: string): ReturnType<typeof findBlocks> {
  try {
    return findBlocks(text, file)
  } catch {
    return []
  }
}

/** The names that a pattern of Access covers and whose own sections say how they are reached, outside zt's blocks. */
export function namesWithRoutes({files}: Configuration, pattern: string): string[] {
  const names = new Set<string>()
  for (const {file, text} of files.values()) {
    const blocks = blocksIn(text, file)
    let section: string[] = []
    let offset = 0
    for (const {line, keyword, value} of configLines(text)) {
      const own = blocks.some(({start, end}) => offset >= start && offset < end)
      offset += line.length
      if (own || keyword === 'host' || keyword === 'match') section = own ? [] : namesOf(keyword, value)
      if (/^(hostname|proxycommand|proxyjump)$/.test(keyword))
        for (const name of section) if (hostMatches(pattern, name)) names.add(name)
    }
  }
  return [...names]
}
