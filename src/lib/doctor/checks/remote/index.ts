import type {Check} from '../../types.js'

/** Those that use the network or the account, in the order in which they are shown within an area. */
export const remoteChecks: readonly Check[] = []
