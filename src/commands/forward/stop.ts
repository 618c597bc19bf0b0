import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {completing} from '../../lib/cli/completing.js'
import {runningForwardJson, stoppedText} from '../../lib/command/present/forward-events.js'
import {UserError} from '../../lib/core/errors.js'
import {exitCodeOfKind} from '../../lib/core/exit-codes.js'
import {ending} from '../../lib/core/shell-words.js'
import {stopForwards} from '../../lib/tunnel/forward/running.js'

export default class ForwardStop extends BaseCommand<typeof ForwardStop> {
  static override summary = 'Stop forwards that run on this machine'
  static override description =
    'Ends the processes of the forwards with this host, address or port, and with them all forwards of these processes. Open connections are closed.'
  static override examples = [
    '<%= config.bin %> forward stop db.example.com',
    '<%= config.bin %> forward stop 5432',
    '<%= config.bin %> forward stop --all',
  ]
  static override args = {
    name: completing(
      'host',
      Args.string({description: 'host, address, port or path of the socket', ignoreStdin: true}),
    ),
  }
  static override flags = {
    all: Flags.boolean({description: 'stop all forwards of this user'}),
  }
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {args, flags, settings} = this
    if (flags.all === (args.name !== undefined)) throw whichOne()
    const stopped = await stopForwards(settings.paths.state, args.name)
    if (stopped.length === 0) this.print('No forward runs.')
    for (const one of stopped) {
      if (one.why === undefined) this.print(stoppedText(one))
      else this.warn(`Still running: ${one.place} to ${one.host} (process ${one.pid}); ${one.why}`)
    }
    const left = new Set(stopped.flatMap(({pid, why}) => (why === undefined ? [] : [pid])))
    for (const pid of left) this.next(`If process ${pid} is still a zt: ${ending(pid)}`)
    if (left.size > 0) process.exitCode = exitCodeOfKind('needs-action')
    return {forwards: stopped.map((one) => ({...runningForwardJson(one), why: one.why ?? null}))}
  }
}

function whichOne(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'WHICH_FORWARD',
    message: 'Give either the forward to stop or --all',
    next: ['zt forward list'],
  })
}
