import {Flags} from '@oclif/core'
import {completing} from '../cli/completing.js'
import {checkStore} from '../config/settings.js'
import {parseSince} from '../core/duration.js'
import {UserError} from '../core/errors.js'
import {KEEPING_STORES, type KeepingStoreKind} from '../secrets/stores.js'
import {TUNNEL_CLIENTS} from '../tunnel/types.js'

// Flags that several commands have: a flag's name means the same, and reads the same, in all of them.

/**
 * The store that a flag or an argument names.
 *
 * @throws UserError `usage` / `STORE_READ_ONLY`; of `checkStore`
 */
export function parseStore(text: string): KeepingStoreKind {
  const kind = checkStore(text)
  if (kind !== 'env') return kind
  throw new UserError({
    kind: 'usage',
    code: 'STORE_READ_ONLY',
    message: 'The environment cannot store a secret',
    why: 'zt only reads secrets from it: a variable ends with its process.',
    next: [`Give ${KEEPING_STORES}`],
  })
}

const storeOption = Flags.custom<KeepingStoreKind>({
  helpValue: 'STORE',
  parse: (text) => Promise.resolve(parseStore(text)),
})

/** The secret store to use. The profile records it when the first secret is saved. */
export const storeFlag = completing(
  'store',
  storeOption({description: `secret store: ${KEEPING_STORES} [env: ZT_STORE]`}),
)

/** The store that secrets come from. */
export const fromFlag = completing('store', storeOption({description: 'only secrets in this store'}))

export const yesFlag = Flags.boolean({char: 'y', description: 'do not ask for confirmation'})

export const dryRunFlag = Flags.boolean({description: 'show what would change, and change nothing'})

/** For commands that end a token's access. */
export const keepConnectionsFlag = Flags.boolean({
  description: 'keep connections open that this machine opened with the token',
})

/** A flag that may be given several times. */
export const several = (description: string, helpValue: string) =>
  Flags.string({description, helpValue, multiple: true, default: []})

/** For commands that write an application: the API hides secrets of it, and replaces the whole. */
export const secretFieldFlag = Flags.string({
  description:
    "field of the application whose secret Cloudflare's API hides; the secret is read from stdin or a prompt",
  helpValue: '[ID:]FIELD',
  multiple: true,
  parse: (text) => {
    if (/^[^\s=]{1,300}$/.test(text)) return Promise.resolve(text)
    // It may contain the secret.
    throw new UserError({
      kind: 'usage',
      code: 'BAD_SECRET_FIELD',
      message: 'The value of --secret-field is not the name of a field',
      why: 'It is a name only; zt reads the secret from stdin, or prompts for it on a terminal.',
      next: ['For example: --secret-field scim_config.authentication.password, and the secret on stdin'],
    })
  },
})

/** The objects of one zone instead of the account's. */
export const zoneFlag = Flags.string({
  description: "use the objects of this zone instead of the account's: name or ID",
  helpValue: 'ZONE',
  parse: (text) => {
    if (text.trim() !== '') return Promise.resolve(text.trim())
    throw new UserError({
      kind: 'usage',
      code: 'BAD_ZONE',
      message: 'The zone is empty',
      next: ['Give its name or ID: --zone example.com'],
    })
  },
})

/** For commands that edit the objects of an account or a zone. */
export const editFlags = {zone: zoneFlag, 'dry-run': dryRunFlag, yes: yesFlag}

/** For commands that write an application. */
export const applicationEditFlags = {...editFlags, 'secret-field': secretFieldFlag}

/** For commands on reusable policies, which a zone does not have. */
export const noZoneFlag = Flags.string({
  hidden: true,
  parse: () => {
    throw new UserError({
      kind: 'usage',
      code: 'ZONE_HAS_NO_POLICIES',
      message: 'A zone has no reusable policies',
      why: 'Reusable policies belong to the account. An application of a zone has inline policies.',
      next: ['zt policy list', 'zt app show APP --zone ZONE'],
    })
  },
})

/** For lists and for what makes an object. */
export const quietFlag = Flags.boolean({
  char: 'q',
  description: 'print only the ID, or the name of what has none, one per line',
  exclusive: ['json', 'fields', 'jq'],
})

export const limitFlag = Flags.integer({
  char: 'L',
  description: 'show at most this many',
  helpValue: 'N',
  min: 1,
})

export const searchFlag = Flags.string({
  description: "only those that match Cloudflare's search, by name and more",
  helpValue: 'TEXT',
})

export const sessionDurationFlag = Flags.string({
  description: 'how long a session lasts, for example 24h or 7d',
  helpValue: 'DURATION',
})

export const durationFlag = Flags.string({
  description: 'how long the token is valid from now: 8760h, 90d, 1y or forever',
  helpValue: 'DURATION',
})

export const serviceAuth401Flag = Flags.boolean({
  description: 'answer machines that are not admitted with 401 instead of a redirect to the login page',
  allowNo: true,
})

export const ruleNameFlag = Flags.string({
  description: 'name of the rule (default: "Service Auth: NAMES")',
  helpValue: 'RULE',
})

/** Where a rule goes among an application's rules. */
export const placeFlags = {
  before: Flags.string({
    description: 'place the rule before this one: name, ID or precedence (default: last)',
    helpValue: 'RULE',
  }),
  precedence: Flags.integer({
    description: 'precedence of the rule; the lowest comes first',
    helpValue: 'N',
  }),
}

/** The token of a connection, for a host that is not bound to it. */
export const connectionTokenFlag = completing(
  'stored-token',
  Flags.string({
    description: 'service token to use instead of the bound one; env: CF_ACCESS_CLIENT_ID/_SECRET',
    helpValue: 'NAME',
  }),
)

export const clientFlag = Flags.option({
  description: 'program that carries the connection; auto means builtin',
  options: TUNNEL_CLIENTS,
  default: 'auto' as const,
})()

/** A file that a person names. */
export const fileFlag = (description: string, helpValue = 'FILE') =>
  completing('file', Flags.string({description, helpValue}))

/** For commands that read or change ssh's configuration. */
export const sshConfigFlag = fileFlag('ssh configuration (default: ~/.ssh/config)')

/** For a listener. */
export const exposeFlag = Flags.boolean({
  description: 'allow an address to listen on that others can reach',
})

/**
 * What the request that opens a tunnel says besides the token.
 *
 * @param exclusive flags without which there is such a request
 */
export const tunnelRequestFlags = (exclusive: string[] = []) => ({
  destination: Flags.string({
    description: 'address that the connector connects to, if its tunnel lets the client choose',
    helpValue: 'HOST[:PORT]',
    exclusive,
  }),
  header: Flags.string({
    char: 'H',
    description: 'further header of the request that opens the tunnel',
    helpValue: "'NAME: VALUE'",
    multiple: true,
    multipleNonGreedy: true,
    exclusive,
  }),
})

/** Where the edge is, for the commands that connect to it. */
export const edgeFlags = {
  'connect-to': Flags.string({
    description: "reach the edge at this address instead of the host's own",
    helpValue: 'HOST:PORT',
  }),
  'ca-file': fileFlag('PEM file of a CA to trust for the edge'),
}

/** How ssh's connection is made. */
export const connectionFlags = {
  client: clientFlag,
  share: Flags.boolean({
    description: 'share one connection among all sessions to the host',
    default: true,
    allowNo: true,
  }),
}

/** What a block in ssh's configuration says. */
const sshBlockFlags = {
  ...connectionFlags,
  'short-lived-cert': Flags.boolean({
    description: 'let ssh run cloudflared access ssh-gen if its configuration does so for the host',
    default: true,
    allowNo: true,
  }),
}

/** For `zt ssh config`. */
export const sshConfigFlags = {
  write: Flags.boolean({description: 'write the block to the configuration', exclusive: ['remove']}),
  remove: Flags.boolean({description: 'remove the block from the configuration'}),
  adopt: Flags.boolean({
    description: 'move every ProxyCommand of cloudflared to zt; with --remove, back',
    exclusive: ['write'],
  }),
  file: sshConfigFlag,
  ...sshBlockFlags,
  yes: yesFlag,
  'dry-run': dryRunFlag,
}

/** How far back to look, in seconds. */
export const sinceFlag = (usual: string) =>
  Flags.custom<number>({
    description: `how far back to look: ${usual} (the default), 12h`,
    helpValue: 'DURATION',
    parse: (text) => Promise.resolve(parseSince(text)),
    default: () => Promise.resolve(parseSince(usual)),
  })()
