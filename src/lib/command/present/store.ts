import type {Problem} from '../../access/stores/check.js'
import type {KnownStore} from '../../access/stores/list.js'
import type {MovedToken} from '../../access/stores/move.js'
import {mark, sign, style} from '../../cli/streams.js'

/** The state of a store, coloured. */
export function stateColour(state: string): string {
  if (state === 'ready') return style.success(state)
  return state === 'absent' ? style.secondary(state) : style.failure(state)
}

/** The JSON shape of a store. */
export function storeJson({kind, label, status, ...rest}: KnownStore): object {
  const {state, why, next, warning} = status
  const {writable, readable, inUse, tokens, apiToken} = rest
  return {
    store: kind,
    label,
    state,
    inUse,
    tokens,
    apiToken: apiToken ?? null,
    writable,
    readable,
    why: why ?? null,
    warning: warning ?? null,
    next,
  }
}

/** What happened to a secret that `zt store move` was to move. */
export function movedText({token, from, state}: MovedToken, to: string): string {
  const name = style.name(token.name)
  const texts: Record<MovedToken['state'], () => string> = {
    moved: () => `${mark.done} Moved ${name} from ${from} to ${to}`,
    'would-move': () => `Would move ${name} from ${from} to ${to}`,
    'already-there': () => `${mark.done} ${name} is already in ${to}`,
    failed: () => `${mark.failed} ${name} stays in ${from}`,
  }
  return texts[state]()
}

/** A problem that `zt store check` found. */
export function problemText({what, subject, fixed}: Problem): string {
  return `${fixed ? style.success(`${sign.done} repaired:`) : mark.caution} ${what} ${style.secondary(`(${subject})`)}`
}
