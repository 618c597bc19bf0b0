import {Flags} from '@oclif/core'

/** Which secret store to use; recorded in the profile at the first save. */
export const storeFlag = Flags.option({
  description: 'where secrets are kept [env: ZT_STORE]',
  options: ['keychain', 'vault'] as const,
})()

export const yesFlag = Flags.boolean({char: 'y', description: 'answer the confirmation with yes'})

export const dryRunFlag = Flags.boolean({description: 'show the change, make none'})

/** Where the edge is, for the commands that connect to it. */
export const edgeFlags = {
  'connect-to': Flags.string({
    description: "reach the edge at this address instead of the host's own",
    helpValue: 'HOST:PORT',
  }),
  'ca-file': Flags.string({description: 'PEM file of a CA to trust for the edge', helpValue: 'FILE'}),
}
