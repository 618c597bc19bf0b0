import {ztCommand} from '../../lib/core/command-line.js'
import {planCreateGroup} from '../../lib/access/groups/edits.js'
import {editFlags, quietFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {memberFlags, memberInputOf} from '../../lib/command/rule-flags.js'
import {newNameArg} from '../../lib/command/args.js'

export default class GroupCreate extends PlannedEditCommand<typeof GroupCreate> {
  static override summary = 'Create an Access group that rules can use'
  static override description =
    'A request matches the group if it matches any of its entries. A group with the same name and entries is left as it is.'
  static override examples = [
    '<%= config.bin %> group create robots --token ci --token backup',
    '<%= config.bin %> group create offices --ip 203.0.113.0/24 --ip 2001:db8::/32',
  ]
  static override args = {
    name: newNameArg('Access group'),
  }
  static override flags = {...memberFlags, quiet: quietFlag, ...editFlags}
  static override asks = {needs: ['listGroups', 'listServiceTokens', 'createGroup', 'getGroup']} as const

  async run(): Promise<object> {
    const ctx = this.access()
    if (this.args.name === undefined) this.prompts.require('The name', 'zt group create NAME --token TOKEN')
    const name = this.args.name ?? (await this.prompts.text('Name of the Access group'))
    const wanted = {name, rules: memberInputOf(this.flags)}
    const {plan, result} = await this.make(ctx, () => planCreateGroup(ctx, wanted), {
      question: () => 'Create this Access group?',
      done: ({group}) => `Created the Access group "${group.name}"; nothing uses it yet`,
    })
    const group = {id: result.changes[0]?.id ?? plan.group.id ?? null, name: plan.group.name}
    if (!result.dryRun) this.printId(group.id)
    if (result.changed) this.next(ztCommand(ctx, 'policy', 'create', group.name, '--group', group))
    return {...result, group}
  }
}
