import {showGroup} from '../../lib/access/groups/show.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {chosenGroup} from '../../lib/command/choose.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {groupJson, groupText} from '../../lib/command/present/rules.js'
import {groupArg} from '../../lib/command/args.js'

export default class GroupShow extends AccessCommand<typeof GroupShow> {
  static override summary = 'Show an Access group: its entries, and what uses it'
  static override examples = [
    '<%= config.bin %> group show robots',
    '<%= config.bin %> group show robots --json',
  ]
  static override args = {group: groupArg}
  static override flags = {zone: zoneFlag}
  // Names in rules are shown as far as they may be read.
  static override asks = {
    needs: ['listPolicies', 'listGroups', 'listApplications'],
    tries: ['listServiceTokens'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt group show GROUP'}
    const shown = await showGroup(ctx, await chosenGroup(this.args.group, asking))
    this.print(groupText(shown))
    return groupJson(shown)
  }
}
