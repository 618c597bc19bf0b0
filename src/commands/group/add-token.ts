import {planAddToken} from '../../lib/access/groups/edits.js'
import {chosenGroup, chosenToken} from '../../lib/command/choose.js'
import {editFlags} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {groupArg, tokenArg} from '../../lib/command/args.js'

export default class GroupAddToken extends PlannedEditCommand<typeof GroupAddToken> {
  static override summary = 'Add a service token to an Access group'
  static override description =
    'Shows first which applications the token will open. Their hosts are bound to the token if its secret is on this machine. A rule with the action Allow does not admit service tokens: that takes a Service Auth rule.'
  static override examples = [
    '<%= config.bin %> group add-token robots ci',
    '<%= config.bin %> group add-token robots ci --dry-run',
  ]
  static override args = {
    group: groupArg,
    token: tokenArg,
  }
  static override flags = editFlags
  // prettier-ignore
  static override asks = {
    needs: [
      'listPolicies', 'listGroups', 'listApplications', 'listServiceTokens', 'getGroup', 'replaceGroup',
    ],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group add-token GROUP TOKEN'}
    const wanted = {
      group: await chosenGroup(this.args.group, asking),
      token: await chosenToken(this.args.token, asking),
    }
    const {plan, result} = await this.make(ctx, () => planAddToken(ctx, wanted), {
      question: ({token, group}) => `Add ${token.name} to ${group.name}?`,
      done: ({token, group}) => `Added "${token.name}" to the Access group "${group.name}"`,
    })
    const {group, token} = plan
    return {...result, group, token}
  }
}
