import {reachOfToken} from '../../lib/access/tokens/reach.js'
import {tokenArg} from '../../lib/command/args.js'
import {quietFlag, zoneFlag} from '../../lib/command/flags.js'
import {tokenReachJson, tokenReachText} from '../../lib/command/present/reach.js'
import {TokenCommand} from '../../lib/command/token-command.js'

export default class TokenReach extends TokenCommand<typeof TokenReach> {
  static override summary = 'Show which applications a service token opens, and by which rules'
  static override description =
    'Evaluates the rules of the account and of the zones that the API token can list. Says under which conditions a rule admits the token, which rules admit any token or everyone, and which rules include the token and do not let it in.'
  static override examples = [
    '<%= config.bin %> token reach gitlab-admin',
    '<%= config.bin %> token reach gitlab-admin --json',
  ]
  static override args = {token: tokenArg}
  static override flags = {quiet: quietFlag, zone: zoneFlag}
  static override asks = {
    needs: ['listServiceTokens', 'listPolicies', 'listGroups', 'listApplications'],
  } as const

  async run(): Promise<object> {
    const wanted = await this.chosenToken(this.args.token, 'zt token reach NAME')
    const reach = await reachOfToken(this.access(), wanted)
    this.print(tokenReachText(reach))
    for (const id of new Set(reach.opens.map(({application}) => application.id))) this.printId(id)
    for (const warning of reach.warnings) this.warn(warning)
    return tokenReachJson(reach)
  }
}
