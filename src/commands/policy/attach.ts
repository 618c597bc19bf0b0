import {Args, Flags} from '@oclif/core'
import {planAttach} from '../../lib/access/policies/edits.js'
import {chosenApplication, chosenPolicy} from '../../lib/command/choose.js'
import {dryRunFlag, noZoneFlag, yesFlag} from '../../lib/command/flags.js'
import {PlannedEditCommand} from '../../lib/command/planned-edit-command.js'

export default class PolicyAttach extends PlannedEditCommand<typeof PolicyAttach> {
  static override summary = "Put one of the account's policies on an application"
  static override description =
    'Behind the rules that are there, or where --before or --precedence says; a policy that is there already is moved by these. Nothing else of the application changes.'
  static override examples = [
    '<%= config.bin %> policy attach ci-machines GitLab',
    '<%= config.bin %> policy attach ci-machines gitlab.widgetcorp.tech --before staff --dry-run',
  ]
  static override args = {
    policy: Args.string({description: 'name or id', ignoreStdin: true}),
    application: Args.string({description: 'name, domain or id', ignoreStdin: true}),
  }
  static override flags = {
    before: Flags.string({
      description: 'the rule that is to come right after it: name, id or #3',
      helpValue: 'RULE',
    }),
    precedence: Flags.integer({description: 'its place: the lowest comes first', helpValue: 'N'}),
    yes: yesFlag,
    'dry-run': dryRunFlag,
    zone: noZoneFlag,
  }

  async run(): Promise<object> {
    const ctx = this.access()
    const asking = {ctx, prompts: this.prompts, usage: 'zt policy attach POLICY APP'}
    const {before, precedence} = this.flags
    const wanted = {
      policy: await chosenPolicy(this.args.policy, asking),
      application: await chosenApplication(this.args.application, asking),
      place: {before, precedence},
    }
    const {plan, result} = await this.make(ctx, () => planAttach(ctx, wanted), {
      question: ({application}) => `Attach it to ${application.name}?`,
      done: ({policy, application}) => `The policy "${policy.name}" is on "${application.name}"`,
    })
    const {policy, application} = plan
    return {...result, policy, application}
  }
}
