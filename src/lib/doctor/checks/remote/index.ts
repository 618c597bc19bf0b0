import type {Check, DoctorWorld} from '../../types.js'
import {accountChecks} from './account.js'
import {clockCheck} from './clock.js'
import {Facts} from './facts.js'
import {tableRow, type RemoteCheck} from './finding.js'
import {hostChecks} from './host.js'
import {knownHostsCheck} from './known-hosts.js'
import {networkChecks} from './network.js'
import type {Seams} from './seams.js'
import {sshChecks} from './ssh.js'

const ALL: readonly RemoteCheck[] = [
  clockCheck,
  ...accountChecks,
  ...networkChecks,
  ...sshChecks,
  ...hostChecks,
  knownHostsCheck,
]

/** Those that use the network or the account, in the order in which they are shown within an area. */
export function remoteChecksWith(seams: Seams): readonly Check[] {
  const known = new WeakMap<DoctorWorld, Facts>()
  const factsOf = (world: DoctorWorld): Facts => {
    const facts = known.get(world) ?? new Facts(world, seams)
    known.set(world, facts)
    return facts
  }
  return ALL.map((one) => tableRow(one, factsOf))
}

export const remoteChecks: readonly Check[] = remoteChecksWith({})
