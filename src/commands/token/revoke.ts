import {Args, Flags} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import {revokeToken, type Revocation} from '../../lib/access/tokens/revoke.js'
import {dryRunFlag, keepConnectionsFlag, yesFlag} from '../../lib/command/flags.js'
import {referenceTable, revocationSteps} from '../../lib/command/present/change.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {style} from '../../lib/cli/streams.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'
import {cancelled} from '../../lib/core/errors.js'

export default class TokenRevoke extends TokenCommand<typeof TokenRevoke> {
  static override summary = 'Delete a service token for good, with its secret'
  static override description =
    'Rules and Access groups that name the token stand against that. With --detach the token is disabled, taken out of them, and then deleted; nothing else of them changes. Run again after an interruption, it finishes. Connections that this machine has opened with it are ended.'
  static override examples = [
    '<%= config.bin %> token revoke ci --dry-run',
    '<%= config.bin %> token revoke ci --detach --yes',
  ]
  static override args = {token: Args.string({description: 'name, id or Client ID', ignoreStdin: true})}
  static override flags = {
    detach: Flags.boolean({description: 'take it out of everything that names it, first'}),
    'keep-connections': keepConnectionsFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }

  async run(): Promise<object> {
    const {detach, yes, 'dry-run': dryRun} = this.flags
    const token = await this.chosenToken(this.args.token, 'zt token revoke NAME')
    const confirm = yes ? undefined : (plan: Revocation): Promise<void> => this.confirm(plan)
    const result = await revokeToken(this.access(), {token, detach, dryRun, confirm})
    for (const warning of result.warnings) this.warn(warning)
    const closed = await endConnections(this.connectionsOf(result.token))
    const connections = this.heardOf(closed)
    const name = style.bold(result.token.name)
    if (dryRun) this.show(result)
    else {
      const where = [...new Set(result.detached.map((step) => `"${step.name}"`))]
      if (where.length > 0) this.print(`${style.green('✓')} ${name} was taken out of ${where.join(', ')}`)
      this.print(
        result.deleted
          ? `${style.green('✓')} ${name} is revoked: nothing opens with it any more`
          : `${style.green('✓')} ${name} was gone from the account already; what was left of it here is removed`,
      )
      if (result.secretRemoved)
        this.print(`  its secret is removed from the ${result.stores.join(' and the ')}`)
      if (result.unbound.length > 0) this.print(`  unbound: ${result.unbound.join(', ')}`)
    }
    if (connections !== undefined) this.print(`  ${connections}`)
    return {...result, connections: connectionsJson(closed)}
  }

  private show(plan: Revocation): void {
    if (plan.references.length > 0) {
      this.print(`${style.bold(plan.token.name)} is named by:`)
      this.print(referenceTable(plan.references))
      this.print()
    }
    if (!plan.exists) this.print(`${style.bold(plan.token.name)} is gone from the account.`)
    this.print('To revoke it would:')
    for (const step of revocationSteps(plan)) this.print(`  - ${step}`)
  }

  private async confirm(plan: Revocation): Promise<void> {
    const {name, id} = plan.token
    const args = `${shellQuote(plan.token)}${this.flags.detach ? ' --detach' : ''}`
    this.prompts.require('A confirmation', `zt token revoke ${args} --yes`)
    this.show(plan)
    // A name that cannot be typed as it is shown must not make the token undeletable.
    const word = /^[\x21-\x7E]([\x20-\x7E]{0,58}[\x21-\x7E])?$/.test(name) ? name : id
    if (!(await this.prompts.confirmByTyping(`Type ${word} to revoke it`, word))) throw cancelled()
  }
}
