import {shellQuote} from '../../lib/core/command-line.js'
import {setTokenEnabled} from '../../lib/access/tokens/changes.js'
import {dryRunFlag} from '../../lib/command/flags.js'
import {changeJson} from '../../lib/command/present/change.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {mark, style} from '../../lib/cli/streams.js'

export default class TokenEnable extends TokenCommand<typeof TokenEnable> {
  static override summary = 'Enable a disabled service token'
  static override examples = ['<%= config.bin %> token enable ci']
  static override args = {token: tokenArg}
  static override flags = {'dry-run': dryRunFlag}
  static override asks = {needs: ['listServiceTokens', 'getServiceToken', 'updateServiceToken']} as const

  async run(): Promise<object> {
    const token = await this.chosenToken(this.args.token, 'zt token enable NAME')
    const change = await setTokenEnabled(this.access(), {
      token,
      enabled: true,
      dryRun: this.flags['dry-run'],
    })
    const {name} = change.after.token
    if (!change.differs) this.print(`${mark.done} ${style.name(name)} is enabled already`)
    else if (change.dryRun) this.print(`Would enable ${style.name(name)}`)
    else this.print(`${mark.done} Enabled ${style.name(name)}: its secret works again`)
    if (change.after.status === 'expired') {
      this.warn(`It expired on ${change.after.token.expiresAt ?? ''} and opens nothing until you extend it`)
      this.next(`zt token refresh ${shellQuote(change.after.token)}`)
    }
    return changeJson(change)
  }
}
