import {Args} from '@oclif/core'
import {renameToken} from '../../lib/access/tokens/changes.js'
import {checkTokenName} from '../../lib/access/tokens/list.js'
import {dryRunFlag} from '../../lib/command/flags.js'
import {changeJson} from '../../lib/command/present/change.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {mark, style} from '../../lib/cli/streams.js'
import {messageOf} from '../../lib/core/errors.js'

const USAGE = 'zt token rename NAME NEWNAME'

export default class TokenRename extends TokenCommand<typeof TokenRename> {
  static override summary = 'Rename a service token'
  static override description = 'Rules refer to the token by its ID, so they and the secret stay as they are.'
  static override examples = ['<%= config.bin %> token rename ci gitlab-ci']
  static override args = {
    token: tokenArg,
    name: Args.string({description: 'new name, up to 350 characters', ignoreStdin: true}),
  }
  static override flags = {'dry-run': dryRunFlag}
  static override asks = {needs: ['listServiceTokens', 'getServiceToken', 'updateServiceToken']} as const

  async run(): Promise<object> {
    const token = await this.chosenToken(this.args.token, USAGE)
    const name = this.args.name ?? (await this.askName())
    const change = await renameToken(this.access(), {token, name, dryRun: this.flags['dry-run']})
    const [before, after] = [style.name(change.before.name), style.name(change.after.token.name)]
    if (!change.differs) this.print(`${mark.done} ${after} has that name already`)
    else if (change.dryRun) this.print(`Would rename ${before} to ${after}`)
    else this.print(`${mark.done} Renamed ${before} to ${after}`)
    return changeJson(change)
  }

  private async askName(): Promise<string> {
    this.prompts.require('The new name', USAGE)
    return this.prompts.text('New name', (text) => {
      try {
        checkTokenName(text, USAGE)
        return true
      } catch (error) {
        return messageOf(error)
      }
    })
  }
}
