/** The home directory in the manual's pages: as long as that of a session, so that tables look the same. */
export const SHOWN_HOME = '/home/maria'

/** What is not the same in two runs. The order matters: the longer forms come first. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b[0-9a-f]{64}\b/g, 'HEX64'],
  [/\b[0-9a-f]{40}\b|(?<=\bcommit +)[0-9a-f]{7,12}\b/g, 'COMMIT'],
  // Of an adopted line: it contains where zt is.
  [/(?<=\badopted )[0-9a-f]{12}\b/g, 'DIGEST'],
  [/\b[0-9a-f]{32}\b/g, 'HEX32'],
  [/\b[0-9a-f]{16}(?:-[A-Z]{3})?\b/g, 'RAY'],
  [/\bSHA256:[\w+/]{43}/g, 'FINGERPRINT'],
  [/\b0[0-9a-z]{8}\b/g, 'EDIT'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| ?UTC)?)?/g, 'DATE'],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?Z?\b/g, 'TIME'],
  [/(\b127\.0\.0\.1|\[::1\]|\blocalhost):\d{2,5}\b/g, '$1:PORT'],
  [/\bport \d{4,5}\b/g, 'port PORT'],
  [/\b(?:PID|process) \d+\b/gi, 'PID'],
  [/\b\d+(?:\.\d+)? ?(?:ms|µs)\b/g, 'DURATION'],
  [/\b\d+\.\d+ ?s(?:econds)?\b/g, 'DURATION'],
  [/\b\d+ (?:second|minute|hour|day)s?(?= ago\b| left\b)/g, 'DURATION'],
  [/(?<=\bin )\d+ (?:second|minute|hour|day)s?\b/g, 'DURATION'],
  [/(?<![\d.])\d+\.\d+\.\d+(?![.\d])/g, 'VERSION'],
]

/**
 * A line as it is compared: what differs between runs has a name, and columns may be as wide as they like.
 *
 * @param home the home directory of the session
 */
export function normalised(line: string, home = SHOWN_HOME): string {
  let text = line.replaceAll(home, '~').replaceAll(SHOWN_HOME, '~')
  for (const [what, name] of CHANGING) text = text.replace(what, name)
  return text.replace(/(\S) {2,}/g, '$1  ').trimEnd()
}

/** Without the empty lines at the end. */
function trimmed(lines: readonly string[]): readonly string[] {
  let end = lines.length
  while (end > 0 && (lines[end - 1] ?? '').trim() === '') end--
  return lines.slice(0, end)
}

/** How many lines one can be wrapped into. */
const MOST_LINES = 4
const COLUMNS = 80

/**
 * Whether what was shown is what the page says. A line `…` of the page is any number of lines, `…` in a line is any text. Where
 * a long line is wrapped does not count: that depends on the length of what differs between runs.
 */
export function isAsShown(expected: readonly string[], shown: readonly string[], home?: string): boolean {
  const wanted = trimmed(expected)
  const lines = trimmed(shown)
  /** Which beginnings of the lines each beginning of the page can take. */
  const ends = wanted.map(() => new Set<number>())
  ends.unshift(new Set([0]))
  for (const [from, starts] of ends.entries())
    for (const at of starts) {
      if (wanted[from]?.trim() === '…') {
        for (let end = at; end <= lines.length; end++) ends[from + 1]?.add(end)
        continue
      }
      for (const one of unwrapped(wanted, from)) {
        const pattern = patternOf(normalised(one.text, home))
        for (const {text, end} of unwrapped(lines, at))
          if (pattern.test(normalised(text, home))) ends[one.end]?.add(end)
      }
    }
  return ends.at(-1)?.has(lines.length) ?? false
}

/** A line as it is, and together with those after it, as far as they can be one that was too long for the terminal. */
function unwrapped(lines: readonly string[], from: number): {text: string; end: number}[] {
  const found: {text: string; end: number}[] = []
  let text = lines[from]
  for (let end = from + 1; text !== undefined && found.length < MOST_LINES; end++) {
    found.push({text, end})
    const next = lines[end]?.trimStart() ?? ''
    const word = /^\S+/.exec(next)?.[0] ?? ''
    const isFull = word !== '' && (lines[end - 1] ?? '').length + 1 + word.length >= COLUMNS
    text = isFull ? `${text.trimEnd()} ${next}` : undefined
  }
  return found
}

function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

/**
 * What the page has to say: the lines that were shown. A line that the page has already, but for what differs between runs,
 * stays as it is.
 */
export function asPage(expected: readonly string[], shown: readonly string[], home: string): string[] {
  const had = [...expected]
  return trimmed(shown).map((line) => {
    const at = had.findIndex((one) => normalised(one, home) === normalised(line, home))
    return at < 0 ? line.replaceAll(home, SHOWN_HOME) : (had.splice(0, at + 1).at(-1) ?? '')
  })
}

/** A difference for people. */
export function difference(expected: readonly string[], shown: readonly string[], home: string): string {
  const mark = (sign: string) => (line: string) => `    ${sign} ${line}`
  return [
    ...trimmed(expected).map(mark('-')),
    ...trimmed(shown).map((line) => mark('+')(line.replaceAll(home, SHOWN_HOME))),
  ].join('\n')
}
