import {Flags} from '@oclif/core'
import {checkStore} from '../config/settings.js'
import {UserError} from '../core/errors.js'
import type {KeepingStoreKind} from '../core/store-kind.js'
import {TUNNEL_CLIENTS} from '../tunnel/types.js'

/** The store as its flag and argument take it. */
export function parseStore(text: string): KeepingStoreKind {
  const kind = checkStore(text)
  if (kind !== 'env') return kind
  throw new UserError({
    kind: 'usage',
    code: 'STORE_READ_ONLY',
    message: 'The environment cannot keep a secret',
    why: 'It can only be read: what is set there lives as long as its process.',
    next: ['Give keychain, vault or helper:NAME'],
  })
}

/** Which secret store to use; recorded in the profile at the first save. */
export const storeFlag = Flags.custom<KeepingStoreKind>({
  description: 'where secrets are kept: keychain, vault, helper:NAME [env: ZT_STORE]',
  helpValue: 'STORE',
  parse: (text) => Promise.resolve(parseStore(text)),
})()

export const yesFlag = Flags.boolean({char: 'y', description: 'answer the confirmation with yes'})

export const dryRunFlag = Flags.boolean({description: 'show the change, make none'})

/** Which program carries a connection. */
export const clientFlag = Flags.option({
  description: 'who carries the connection; auto is the one built in',
  options: TUNNEL_CLIENTS,
  default: 'auto' as const,
})()

/** Where the edge is, for the commands that connect to it. */
export const edgeFlags = {
  'connect-to': Flags.string({
    description: "reach the edge at this address instead of the host's own",
    helpValue: 'HOST:PORT',
  }),
  'ca-file': Flags.string({description: 'PEM file of a CA to trust for the edge', helpValue: 'FILE'}),
}

/** How ssh's connection is made. */
export const connectionFlags = {
  client: clientFlag,
  share: Flags.boolean({
    description: 'share one connection among the sessions of a host',
    default: true,
    allowNo: true,
  }),
}
