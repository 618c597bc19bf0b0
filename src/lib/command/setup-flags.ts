import {Flags} from '@oclif/core'
import {completing} from '../cli/completing.js'
import {dryRunFlag, durationFlag, sshConfigFlag, storeFlag, yesFlag, zoneFlag} from './flags.js'

/** For `zt setup`. */
export const setupFlags = {
  token: completing(
    'token',
    Flags.string({
      description: 'service token to use, or the name of a new one (default: see above)',
      helpValue: 'NAME',
      exclusive: ['remove'],
    }),
  ),
  app: completing(
    'none',
    Flags.string({
      description: 'name of the application if none covers the host (default: the host)',
      helpValue: 'NAME',
      exclusive: ['remove'],
    }),
  ),
  duration: {...durationFlag, exclusive: ['remove']},
  'ssh-config': Flags.boolean({
    description: "let ssh, scp, git and others reach the host too, by ssh's configuration",
    allowNo: true,
    exclusive: ['remove'],
  }),
  file: sshConfigFlag,
  connect: Flags.boolean({
    description: 'connect at the end, if there is a terminal',
    default: true,
    allowNo: true,
  }),
  remove: Flags.boolean({description: 'take back what zt setup did for the host'}),
  store: storeFlag,
  zone: zoneFlag,
  yes: yesFlag,
  'dry-run': dryRunFlag,
}
