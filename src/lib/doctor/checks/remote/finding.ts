import type {UserError} from '../../../core/errors.js'
import {wordsOf} from '../../run.js'
import type {Area, Check, DoctorWorld, Finding, State} from '../../types.js'
import type {Facts} from './facts.js'

/** What a finding of a check is about. */
export interface About {
  id: string
  area: Area
  title: string
}

/** A check of the network or the account, before it is known which facts it shares. */
export interface RemoteCheck extends About {
  doing: string
  /** It needs no network. */
  local?: true
  /** Only with a HOST. */
  host?: true
  look(facts: Facts, world: DoctorWorld, about: About): Promise<Finding[]>
}

/** The check as the table has it. */
export function checkOf(one: RemoteCheck, factsOf: (world: DoctorWorld) => Facts): Check {
  const {id, area, doing, local = false, host} = one
  return {
    ...{id, area, doing, local},
    ...(host && {host}),
    run: (world) => one.look(factsOf(world), world, one),
  }
}

export function found(
  {id, area, title}: About,
  state: State,
  detail: string,
  more: Partial<Finding> = {},
): Finding {
  return {id, area, title, state, detail, next: [], ...more}
}

export const ok = (about: About, detail: string, facts?: Finding['facts']): Finding =>
  found(about, 'ok', detail, {facts})

export const skipped = (about: About, detail: string): Finding => found(about, 'skipped', detail)

export const failed = (about: About, error: UserError): Finding => found(about, 'fail', '', wordsOf(error))

/** With a word of its own, for one of several lines. */
export const part = (about: About, word: string): About => ({...about, id: `${about.id}/${word}`})

/** `1 token`, `3 tokens`. */
export function counted(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}
