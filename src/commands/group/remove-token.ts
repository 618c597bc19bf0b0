import {planRemoveToken} from '../../lib/access/groups/edits.js'
import {chosenGroup, chosenToken} from '../../lib/command/choose.js'
import {editFlags} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {groupArg, tokenArg} from '../../lib/command/args.js'

export default class GroupRemoveToken extends PlannedEditCommand<typeof GroupRemoveToken> {
  static override summary = 'Remove a service token from an Access group'
  static override description =
    'Shows first which applications the token will no longer open. Fails if the token is the only entry of the group, or if the group requires it.'
  static override examples = [
    '<%= config.bin %> group remove-token robots ci',
    '<%= config.bin %> group remove-token robots ci --dry-run',
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
    const asking = {ctx, prompts: this.prompts, usage: 'zt group remove-token GROUP TOKEN'}
    const wanted = {
      group: await chosenGroup(this.args.group, asking),
      token: await chosenToken(this.args.token, asking),
    }
    const {plan, result} = await this.make(ctx, () => planRemoveToken(ctx, wanted), {
      question: ({token, group}) => `Remove ${token.name} from ${group.name}?`,
      done: ({token, group}) => `Removed "${token.name}" from the Access group "${group.name}"`,
    })
    const {group, token} = plan
    return {...result, group, token}
  }
}
