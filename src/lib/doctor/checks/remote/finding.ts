import {checkOf, type Says} from '../../finding.js'
import type {Check, DoctorWorld, Finding} from '../../types.js'
import type {Facts} from './facts.js'

/** A check of the network or the account, before it is known which facts it shares. */
export interface RemoteCheck extends Omit<Check, 'run' | 'local'> {
  /** It needs no network. */
  local?: true
  look(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]>
}

/** The check as the table has it. */
export function tableRow({look, local, ...one}: RemoteCheck, factsOf: (world: DoctorWorld) => Facts): Check {
  return checkOf({...one, local: local === true}, async (world, says) => look(factsOf(world), world, says))
}

/** `1 token`, `3 tokens`. */
export function counted(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}
