import {localChecks} from './checks/local/index.js'
import {remoteChecks} from './checks/remote/index.js'
import {AREAS, type Check} from './types.js'

/** Everything that `zt doctor` looks at, in the order in which it is shown. */
export const CHECKS: readonly Check[] = AREAS.flatMap((area) =>
  [...localChecks, ...remoteChecks].filter((check) => check.area === area),
)
