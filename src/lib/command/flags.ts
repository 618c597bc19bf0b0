import {Flags} from '@oclif/core'
import {checkStore} from '../config/settings.js'
import {UserError} from '../core/errors.js'
import type {KeepingStoreKind} from '../secrets/stores.js'
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

/** For what ends a token's access. */
export const keepConnectionsFlag = Flags.boolean({
  description: 'leave connections open that this machine has opened with the token',
})

/** The objects of one zone instead of the account's. */
export const zoneFlag = Flags.string({
  description: "the objects of this zone instead of the account's: name or id",
  helpValue: 'ZONE',
  parse: (text) => {
    if (text.trim() !== '') return Promise.resolve(text.trim())
    throw new UserError({
      kind: 'usage',
      code: 'BAD_ZONE',
      message: 'The zone is empty',
      next: ['Give its name or id: --zone example.com'],
    })
  },
})

/** For commands about the account's policies: says why there is no such thing. */
export const noZoneFlag = Flags.string({
  hidden: true,
  parse: () => {
    throw new UserError({
      kind: 'usage',
      code: 'ZONE_HAS_NO_POLICIES',
      message: 'A zone has no policies to share',
      why: "Policies that applications share are the account's; a zone's application has policies of its own.",
      next: ['zt policy list', 'zt app show APP --zone ZONE'],
    })
  },
})

/** At most so many of a list. */
export const limitFlag = Flags.integer({
  char: 'L',
  description: 'at most so many',
  helpValue: 'N',
  min: 1,
})

export const searchFlag = Flags.string({
  description: 'only those whose name, or what else Cloudflare searches, holds this',
  helpValue: 'TEXT',
})

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
