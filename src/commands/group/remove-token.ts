import {Args} from '@oclif/core'
import {planRemoveToken} from '../../lib/access/groups/edits.js'
import {chosenGroup, chosenToken} from '../../lib/command/choose.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {reachJson} from '../../lib/command/present/rules.js'

export default class GroupRemoveToken extends PlannedEditCommand<typeof GroupRemoveToken> {
  static override summary = 'Take a service token out of an Access group'
  static override description =
    'What it opens no more is said before. A token that is all that the group includes, or that the group requires, is not taken out.'
  static override examples = [
    '<%= config.bin %> group remove-token robots ci',
    '<%= config.bin %> group remove-token robots ci --dry-run',
  ]
  static override args = {
    group: Args.string({description: 'name or id', ignoreStdin: true}),
    token: Args.string({description: 'service token by name, id or Client ID', ignoreStdin: true}),
  }
  static override flags = {yes: yesFlag, 'dry-run': dryRunFlag, zone: zoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group remove-token GROUP TOKEN'}
    const wanted = {
      group: await chosenGroup(this.args.group, asking),
      token: await chosenToken(this.args.token, asking),
    }
    const {plan, result} = await this.make(ctx, () => planRemoveToken(ctx, wanted), {
      question: ({token, group}) => `Take ${token.name} out of ${group.name}?`,
      done: ({token, group}) => `"${token.name}" is out of the Access group "${group.name}"`,
    })
    const {group, token, opens, closes} = plan
    return {...result, group, token, opens: reachJson(opens), closes: reachJson(closes)}
  }
}
