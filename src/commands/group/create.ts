import {Args} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {planCreateGroup} from '../../lib/access/groups/edits.js'
import {dryRunFlag, yesFlag, zoneFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {memberFlags, memberInputOf} from '../../lib/command/rule-flags.js'

export default class GroupCreate extends PlannedEditCommand<typeof GroupCreate> {
  static override summary = 'Make an Access group, which rules can name'
  static override description =
    'Any one of what it includes is enough to be in it. A group of this name that includes just this is left as it is.'
  static override examples = [
    '<%= config.bin %> group create robots --token ci --token backup',
    '<%= config.bin %> group create offices --ip 203.0.113.0/24 --ip 2001:db8::/32',
  ]
  static override args = {
    name: Args.string({description: 'what it is to be called', ignoreStdin: true}),
  }
  static override flags = {...memberFlags, yes: yesFlag, 'dry-run': dryRunFlag, zone: zoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    if (this.args.name === undefined) this.prompts.require('The name', 'zt group create NAME --token TOKEN')
    const name = this.args.name ?? (await this.prompts.text('Name of the Access group'))
    const wanted = {name, rules: memberInputOf(this.flags)}
    const {plan, result} = await this.make(ctx, () => planCreateGroup(ctx, wanted), {
      question: () => 'Make this Access group?',
      done: ({group}) => `The Access group "${group.name}" is made, and nothing uses it yet`,
    })
    const group = {id: result.changes[0]?.id ?? plan.group.id ?? null, name: plan.group.name}
    if (result.changed) this.next(ztCommand(ctx, 'policy', 'create', group.name, '--group', group))
    return {...result, group}
  }
}
