import type {Kind} from '../completion/types.js'

/**
 * Marks a flag or an argument with what a shell offers for its value at TAB. The build copies the mark into the manifest.
 * Nothing is offered for a value without a mark.
 */
export function completing<T extends object>(kind: Kind, value: T): T {
  return Object.assign(value, {completes: kind})
}
