import {showPolicy} from '../../lib/access/policies/show.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {chosenPolicy} from '../../lib/command/choose.js'
import {noZoneFlag} from '../../lib/command/flags.js'
import {policyJson, policyText} from '../../lib/command/present/rules.js'
import {policyArg} from '../../lib/command/args.js'

export default class PolicyShow extends AccessCommand<typeof PolicyShow> {
  static override summary = 'Show a policy: whom it admits, and which applications use it'
  static override examples = [
    '<%= config.bin %> policy show "Service Auth: ci"',
    '<%= config.bin %> policy show ci-machines --json',
  ]
  static override args = {policy: policyArg}
  static override flags = {zone: noZoneFlag}
  // Names in rules are shown as far as they may be read.
  static override asks = {
    needs: ['listPolicies', 'listApplications', 'listGroups'],
    tries: ['listServiceTokens'],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy show POLICY'}
    const shown = await showPolicy(ctx, await chosenPolicy(this.args.policy, asking))
    this.print(policyText(shown))
    return policyJson(shown)
  }
}
