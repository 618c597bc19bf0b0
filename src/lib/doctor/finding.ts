import type {UserError} from '../core/errors.js'
import type {Check, Finding, State} from './types.js'

type More = Partial<Pick<Finding, 'title' | 'why' | 'next' | 'facts' | 'fix'>> & {
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
    error: ({message, why, next}, {state = 'fail', ...more} = {}) =>
      make(state, message, {why, next: [...next], ...more}),
  }
}

/** A check whose findings have its ID, area and title. */
export function checkOf(
  facts: Omit<Check, 'run'>,
  run: (world: Parameters<Check['run']>[0], says: Says) => Promise<Finding[]> | Finding[],
): Check {
  const says = saysOf(facts)
  return {...facts, run: async (world) => run(world, says)}
}
