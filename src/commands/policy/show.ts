import {Args} from '@oclif/core'
import {showPolicy} from '../../lib/access/policies/show.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {chosenPolicy} from '../../lib/command/choose.js'
import {noZoneFlag} from '../../lib/command/flags.js'
import {policyJson, policyText} from '../../lib/command/present/rules.js'

export default class PolicyShow extends AccessCommand<typeof PolicyShow> {
  static override summary = 'Show a policy: whom it means, and which applications have it'
  static override examples = [
    '<%= config.bin %> policy show "Service Auth: ci"',
    '<%= config.bin %> policy show ci-machines --json',
  ]
  static override args = {policy: Args.string({description: 'name or id', ignoreStdin: true})}
  static override flags = {zone: noZoneFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy show POLICY'}
    const shown = await showPolicy(ctx, await chosenPolicy(this.args.policy, asking))
    this.print(policyText(shown))
    return policyJson(shown)
  }
}
