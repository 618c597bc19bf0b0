import {Args} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {planDeleteGroup} from '../../lib/access/groups/edits.js'
import {chosenGroup} from '../../lib/command/choose.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'

export default class GroupDelete extends PlannedEditCommand<typeof GroupDelete> {
  static override summary = 'Delete an Access group that nothing uses'
  static override description =
    'Policies and groups that name it stand against that, and are named. zt undo makes it again, with another id.'
  static override examples = [
    '<%= config.bin %> group delete robots',
    '<%= config.bin %> group delete robots --yes',
  ]
  static override args = {group: Args.string({description: 'name or id', ignoreStdin: true})}
  static override flags = {yes: yesFlag, 'dry-run': dryRunFlag, zone: zoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group delete GROUP --yes'}
    const wanted = await chosenGroup(this.args.group, asking)
    const {plan, result} = await this.make(ctx, () => planDeleteGroup(ctx, wanted), {
      question: () => 'Delete this Access group?',
      requireYes: ({group}) => ztCommand(ctx, 'group', 'delete', this.args.group ?? group, '--yes'),
      done: ({group}) => `The Access group "${group.name}" is deleted`,
    })
    return {...result, group: plan.group}
  }
}
