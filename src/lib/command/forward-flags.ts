import {Flags} from '@oclif/core'
import {connectionTokenFlag, edgeFlags, exposeFlag, tunnelRequestFlags, yesFlag} from './flags.js'

/** The flags of `zt forward`. */
export const forwardFlags = {
  listen: Flags.string({
    description:
      'where to listen for the nth host: ADDRESS:PORT, PORT, unix:PATH or systemd[:NAME] (default: any free port)',
    helpValue: 'ADDRESS',
    multiple: true,
    multipleNonGreedy: true,
  }),
  expose: exposeFlag,
  background: Flags.boolean({description: 'run in the background until zt forward stop'}),
  keep: Flags.boolean({
    description: 'keep running when the terminal, the parent process or the reader of --json has gone',
  }),
  http: Flags.boolean({description: 'add the headers to HTTP requests instead of carrying TCP'}),
  'single-header': Flags.string({
    description: 'send both credentials as JSON in this header (read_service_tokens_from_header)',
    helpValue: 'NAME',
  }),
  'allow-origin': Flags.string({
    description: 'let pages of this origin use the listener',
    helpValue: 'ORIGIN',
    multiple: true,
    multipleNonGreedy: true,
  }),
  ...tunnelRequestFlags(['http']),
  token: connectionTokenFlag,
  yes: yesFlag,
  ...edgeFlags,
}
