import type {Kind} from '../completion/types.js'
import {namedFile} from '../system/platform.js'

/**
 * Marks a flag or an argument with what a shell offers for its value at TAB. The build copies the mark into the manifest.
 * Nothing is offered for a value without a mark. The path of a file is read as its system writes it.
 */
export function completing<T extends object>(kind: Kind, value: T): T {
  if (kind !== 'file') return Object.assign(value, {completes: kind})
  const {parse} = value as {parse?: (text: string, ...more: unknown[]) => Promise<unknown>}
  return Object.assign(value, {
    completes: kind,
    parse: async (text: string, ...more: unknown[]) => {
      const file = namedFile(text)
      return parse ? parse(file, ...more) : file
    },
  })
}
