import {Flags} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import type {AccessContext} from '../../lib/access/account/context.js'
import {describeChanges} from '../../lib/access/edit/describe.js'
import {revokeToken, type Revocation} from '../../lib/access/tokens/revoke.js'
import {dryRunFlag, keepConnectionsFlag, secretFieldFlag, yesFlag} from '../../lib/command/flags.js'
import {referencesJson, revocationText, revokedInWords} from '../../lib/command/present/change.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {editJson, reachJson} from '../../lib/command/present/edit.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'

export default class TokenRevoke extends TokenCommand<typeof TokenRevoke> {
  static override summary = 'Delete a service token and its stored secret'
  static override description =
    'Fails if any rule, Access group or SCIM configuration still uses the token. With --detach, zt disables the token, removes it from these rules and groups, and then deletes it. Run the command again after an interruption: it finishes the job. Ends the connections that this machine opened with the token.'
  static override examples = [
    '<%= config.bin %> token revoke ci --dry-run',
    '<%= config.bin %> token revoke ci --detach --yes',
  ]
  static override args = {token: tokenArg}
  static override flags = {
    detach: Flags.boolean({description: 'first remove the token from everything that uses it'}),
    'keep-connections': keepConnectionsFlag,
    'secret-field': secretFieldFlag,
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }
  // prettier-ignore
  static override asks = {
    needs: [
      'listServiceTokens', 'getServiceToken', 'listApplications', 'listPolicies', 'listGroups',
      'listApplicationPolicies', 'updateServiceToken', 'deleteServiceToken', 'getApplication',
      'replaceApplication', 'getPolicy', 'replacePolicy', 'deletePolicy', 'replaceApplicationPolicy',
      'deleteApplicationPolicy', 'getGroup', 'replaceGroup',
    ],
  } as const

  async run(): Promise<object> {
    const {detach, yes, 'dry-run': dryRun} = this.flags
    const token = await this.chosenToken(this.args.token, 'zt token revoke NAME')
    const ctx = this.access()
    const confirm = yes ? undefined : (plan: Revocation): Promise<void> => this.confirm(ctx, plan)
    const result = await revokeToken(ctx, {token, detach, dryRun, confirm})
    for (const warning of result.warnings) this.warn(warning)
    const closed = await endConnections(this.connectionsOf(result.token))
    if (dryRun) await this.show(ctx, result)
    else for (const line of revokedInWords(result)) this.print(line)
    this.showClosed(closed)
    const {reach, ...done} = result
    return {
      ...done,
      ...reachJson(reach),
      references: referencesJson(result.references),
      changes: editJson(result.changes),
      connections: connectionsJson(closed),
    }
  }

  private async show(ctx: AccessContext, plan: Revocation): Promise<void> {
    const changes = plan.changes.length > 0 ? await describeChanges(ctx, plan.changes) : []
    this.print(revocationText(plan, changes))
  }

  private async confirm(ctx: AccessContext, plan: Revocation): Promise<void> {
    const {name, id} = plan.token
    const args = `${shellQuote(plan.token)}${this.flags.detach ? ' --detach' : ''}`
    this.prompts.require('A confirmation', `zt token revoke ${args} --yes`)
    await this.show(ctx, plan)
    // A name that cannot be typed as it is shown must not make the token undeletable.
    const word = /^[\x21-\x7E]([\x20-\x7E]{0,58}[\x21-\x7E])?$/.test(name) ? name : id
    await this.prompts.confirmByTyping(`Type ${word} to revoke it`, word)
  }
}
