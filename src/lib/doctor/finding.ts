import {UserError} from '../core/errors.js'
import type {Check, Finding, State} from './types.js'

type More = Partial<Pick<Finding, 'title' | 'why' | 'next' | 'facts' | 'foreign' | 'fix'>> & {
  /** The word that this finding adds to the check's ID. */
  at?: string | undefined
}

/** Makes the findings of one check. */
export interface Says {
  ok(detail: string, more?: More): Finding
  warn(detail: string, more?: More): Finding
  fail(detail: string, more?: More): Finding
  skipped(detail: string, more?: More): Finding
  /** The words of an error, as `fail` or `warn`. */
  error(error: UserError, more?: More & {state?: 'warn' | 'fail'}): Finding
}

export function saysOf({id, area, title}: Pick<Check, 'id' | 'area' | 'title'>): Says {
  const make = (state: State, detail: string, {at, ...more}: More = {}): Finding => ({
    id: at === undefined ? id : `${id}/${at}`,
    ...{area, title, state, detail, next: [], ...more},
  })
  const as =
    (state: State) =>
    (detail: string, more?: More): Finding =>
      make(state, detail, more)
  return {
    ok: as('ok'),
    warn: as('warn'),
    fail: as('fail'),
    skipped: as('skipped'),
    error: (error, {state = 'fail', foreign = [], ...more} = {}) =>
      make(state, error.message, {
        why: error.why,
        next: [...error.next],
        ...more,
        foreign: [...foreign, ...foreignIn(error)],
      }),
  }
}

/** Details that are words of zt's. */
const OWN_DETAILS = new Set(['state', 'reason', 'step', 'kind', 'store', 'command', 'missingPermissions'])

/** As many causes as an error has at most; a chain may lead back to itself. */
const MOST_CAUSES = 8

/** The texts from outside in an error's sentences: its details, the words that it quotes, and those of its causes. */
export function foreignIn(error: unknown): string[] {
  const found: string[] = []
  for (let at = 0, one = error; at < MOST_CAUSES && one instanceof Error; at += 1, one = one.cause) {
    if (one instanceof UserError) found.push(...textsIn(one.details), ...one.quotes)
    else {
      const {path, dest, hostname, address} = one as NodeJS.ErrnoException & Record<string, unknown>
      found.push(one.message, ...textsIn([path, dest, hostname, address]))
    }
  }
  return found
}

/** Every text in the details of an error, the answer of a step or another object. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (OWN_DETAILS.has(key) ? [] : textsIn(inner)))
}

/** A command line as an undo record has it: the command itself, and what a person gave it, which may be made of the same words. */
export function commandAndGiven(line: string): {command: string; given: string[]} {
  const [, id, undone] = /^zt undo (\S+) \((zt .*)\)$/s.exec(line) ?? []
  if (id !== undefined && undone !== undefined) {
    const {command, given} = commandAndGiven(undone)
    return {command: `zt undo (${command})`, given: [id, ...given]}
  }
  const words = line.split(' ')
  const own = words[1] === 'setup' || words[1] === 'undo' ? 2 : 3
  return {command: words.slice(0, own).join(' '), given: words.slice(own)}
}

/** A check whose findings have its ID, area and title. */
export function checkOf(
  facts: Omit<Check, 'run'>,
  run: (world: Parameters<Check['run']>[0], says: Says) => Promise<Finding[]> | Finding[],
): Check {
  const says = saysOf(facts)
  return {...facts, run: async (world) => run(world, says)}
}
