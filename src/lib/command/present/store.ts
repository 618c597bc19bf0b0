import type {KnownStore} from '../../access/stores/list.js'
import {style} from '../../cli/streams.js'

/** The state of a store, coloured. */
export function stateColour(state: string): string {
  if (state === 'ready') return style.green(state)
  return state === 'absent' ? style.dim(state) : style.red(state)
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
    apiToken,
    writable,
    readable,
    why: why ?? null,
    warning: warning ?? null,
    next,
  }
}
