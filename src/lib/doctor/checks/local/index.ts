import type {Check} from '../../types.js'

/** Those that need no network, in the order in which they are shown within an area. */
export const localChecks: readonly Check[] = []
