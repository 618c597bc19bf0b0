import {Flags} from '@oclif/core'
import {ztCommand} from '../../lib/core/command-line.js'
import {planMakeReusable} from '../../lib/access/policies/edits.js'
import {chosenApplication} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'
import {applicationArg, ruleArg} from '../../lib/command/args.js'
import {UserError} from '../../lib/core/errors.js'

const USAGE = 'zt policy make-reusable APP RULE --yes'

export default class PolicyMakeReusable extends PlannedEditCommand<typeof PolicyMakeReusable> {
  static override summary = 'Make inline (legacy) policies of an application reusable'
  static override description =
    'They stay on the application, with their IDs and in their order, and can be attached to other applications. Cloudflare cannot make them inline again.'
  static override examples = [
    '<%= config.bin %> policy make-reusable GitLab staff',
    '<%= config.bin %> policy make-reusable GitLab --all --dry-run',
  ]
  static override args = {
    application: applicationArg,
    rule: ruleArg,
  }
  static override flags = {
    all: Flags.boolean({description: 'all inline policies of the application', default: false}),
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listApplications', 'listPolicies', 'getApplication', 'listApplicationPolicies',
      'makePolicyReusable', 'getPolicy',
    ],
  } as const

  async run(): Promise<object> {
    const ctx = this.access()
    const {rule} = this.args
    const asking = {ctx, prompts: this.prompts, usage: USAGE}
    const application = await chosenApplication(this.args.application, asking)
    if ((rule === undefined) !== this.flags.all) throw ruleOrAll()
    const {plan, result} = await this.make(ctx, () => planMakeReusable(ctx, {application, rule}), {
      question: () => 'Make reusable? This cannot be undone.',
      requireYes: (one) =>
        ztCommand(
          ctx,
          'policy',
          'make-reusable',
          this.args.application ?? one.application.id,
          rule ?? '--all',
          '--yes',
        ),
      done: ({policies}) => `Made reusable: ${policies.map(({name}) => `"${name}"`).join(', ')}`,
    })
    return {...result, application: plan.application, policies: plan.policies}
  }
}

function ruleOrAll(): UserError {
  return new UserError({
    kind: 'usage',
    code: 'RULE_OR_ALL',
    message: 'Give one rule or --all',
    next: [USAGE, 'zt policy make-reusable APP --all --yes'],
  })
}
