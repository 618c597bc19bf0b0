import type {Lookup} from '../../../tunnel/check/network.js'

/** What tests put in place of the machine's own. */
export interface Seams {
  /** The system's resolver. */
  lookup?: Lookup | undefined
  /** The value of ssh's -F; undefined: the user's configuration and the system's. */
  sshConfig?: string | undefined
  /** What {@link import('./portal.js').PORTAL_URL} answers: its status; undefined: nothing does. */
  portal?: (() => Promise<number | undefined>) | undefined
}
