import type {AccessContext, ApiLimits} from '../access/account/context.js'
import {pathsFrom, type Paths} from '../config/paths.js'
import type {Settings} from '../config/types.js'
import {UserError} from '../core/errors.js'
import {patient} from '../core/patience.js'
import type {DoctorWorld} from './types.js'

export interface WorldOptions extends Pick<DoctorWorld, 'env' | 'root' | 'host' | 'timeoutMs'> {
  /** Or why there are none. */
  settings: Settings | UserError
  access: (settings: Settings) => AccessContext
}

/** For each connection, and each request to the API. Milliseconds. */
const TIMEOUT_MS = 10_000

/** The checks have a limit together: what does not answer must be said in words before that. */
export function doctorLimits(): ApiLimits {
  return {timeoutMs: patient(TIMEOUT_MS), attempts: 1, patienceSeconds: 5}
}

/** What the checks look at; see {@link DoctorWorld} for what is missing with damaged settings. */
export function openWorld({settings: given, access, ...rest}: WorldOptions): DoctorWorld {
  const broken = given instanceof UserError ? given : undefined
  let ctx: AccessContext | undefined
  const settings = (): Settings => {
    if (given instanceof UserError) throw given
    return given
  }
  const paths = (): Paths => {
    try {
      return pathsFrom(rest.env)
    } catch (error) {
      throw broken ?? error
    }
  }
  return {
    ...rest,
    broken,
    cwd: currentDirectoryIfThere(),
    get settings() {
      return settings()
    },
    get paths() {
      return paths()
    },
    get ctx() {
      return (ctx ??= access(settings()))
    },
  }
}

function currentDirectoryIfThere(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
