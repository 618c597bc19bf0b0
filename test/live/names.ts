import {randomBytes} from 'node:crypto'

/** What a run makes: all names begin with the name of the run, and no one else's do. */
const RUN = /^zt-live-[0-9a-f]{12}/
const OWN = /^zt-live-[0-9a-f]{12}-/

/** `zt-live-` and 12 hexadecimal digits. */
export function newRun(): string {
  return `zt-live-${randomBytes(6).toString('hex')}`
}

/** The run that made an object of this name; undefined if none did. */
export function runOf(name: unknown): string | undefined {
  return typeof name === 'string' && OWN.test(name) ? RUN.exec(name)?.[0] : undefined
}

/** In the order in which they can be deleted: what uses another comes first. */
export const KINDS = ['apps', 'policies', 'groups', 'service_tokens'] as const
export type Kind = (typeof KINDS)[number]

export const WORDS: Record<Kind, string> = {
  apps: 'applications',
  policies: 'policies',
  groups: 'Access groups',
  service_tokens: 'service tokens',
}

export interface LiveObject {
  kind: Kind
  id: string
  name: string
}
