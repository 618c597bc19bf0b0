import {ztCommand} from '../../lib/core/command-line.js'
import {planDeleteGroup} from '../../lib/access/groups/edits.js'
import {chosenGroup} from '../../lib/command/choose.js'
import {editFlags} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {groupArg} from '../../lib/command/args.js'

export default class GroupDelete extends PlannedEditCommand<typeof GroupDelete> {
  static override summary = 'Delete an unused Access group'
  static override description =
    'Fails if policies or other groups use it, and lists them. zt undo creates it again, with a new ID.'
  static override examples = [
    '<%= config.bin %> group delete robots',
    '<%= config.bin %> group delete robots --yes',
  ]
  static override args = {group: groupArg}
  static override flags = editFlags
  // Names in rules are shown as far as they may be read.
  static override asks = {
    needs: ['listPolicies', 'listGroups', 'listApplications', 'getGroup', 'deleteGroup'],
    tries: ['listServiceTokens'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group delete GROUP --yes'}
    const wanted = await chosenGroup(this.args.group, asking)
    const {plan, result} = await this.make(ctx, () => planDeleteGroup(ctx, wanted), {
      question: () => 'Delete this Access group?',
      requireYes: ({group}) => ztCommand(ctx, 'group', 'delete', this.args.group ?? group, '--yes'),
      done: ({group}) => `Deleted the Access group "${group.name}"`,
    })
    return {...result, group: plan.group}
  }
}
