import {Args} from '@oclif/core'
import {planAddToken} from '../../lib/access/groups/edits.js'
import {chosenGroup, chosenToken} from '../../lib/command/choose.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {reachJson} from '../../lib/command/present/rules.js'

export default class GroupAddToken extends PlannedEditCommand<typeof GroupAddToken> {
  static override summary = 'Put a service token into an Access group'
  static override description =
    'What it opens by that is said before, and its hosts are bound where its secret is here. Under Allow a service token is not let in: that takes a Service Auth rule.'
  static override examples = [
    '<%= config.bin %> group add-token robots ci',
    '<%= config.bin %> group add-token robots ci --dry-run',
  ]
  static override args = {
    group: Args.string({description: 'name or id', ignoreStdin: true}),
    token: Args.string({description: 'service token by name, id or Client ID', ignoreStdin: true}),
  }
  static override flags = {yes: yesFlag, 'dry-run': dryRunFlag, zone: zoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group add-token GROUP TOKEN'}
    const wanted = {
      group: await chosenGroup(this.args.group, asking),
      token: await chosenToken(this.args.token, asking),
    }
    const {plan, result} = await this.make(ctx, () => planAddToken(ctx, wanted), {
      question: ({token, group}) => `Put ${token.name} into ${group.name}?`,
      done: ({token, group}) => `"${token.name}" is in the Access group "${group.name}"`,
    })
    const {group, token, opens, closes} = plan
    return {...result, group, token, opens: reachJson(opens), closes: reachJson(closes)}
  }
}
