import {Flags} from '@oclif/core'
import {showServiceToken} from '../../lib/access/tokens/list.js'
import {storedSecret} from '../../lib/access/tokens/reveal.js'
import {usesOfToken} from '../../lib/access/tokens/uses.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {referencesJson, usesText} from '../../lib/command/present/change.js'
import {NEVER_SEEN, secretInWords, statusColour, tokenJson} from '../../lib/command/present/token.js'
import {tokenArg} from '../../lib/command/args.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'

export default class TokenShow extends TokenCommand<typeof TokenShow> {
  static override summary = 'Show a service token, where its secret is, and what names it'
  static override examples = [
    '<%= config.bin %> token show gitlab-admin',
    '<%= config.bin %> token show gitlab-admin --json',
  ]
  static override args = {token: tokenArg}
  static override flags = {
    reveal: Flags.boolean({description: 'also print the secret'}),
    zone: zoneFlag,
  }
  // What names it is shown as far as it may be read.
  static override asks = {
    needs: ['listServiceTokens'],
    tries: ['listPolicies', 'listGroups', 'listApplications'],
  } as const

  async run(): Promise<object> {
    const wanted = await this.chosenToken(this.args.token, 'zt token show NAME')
    const ctx = this.access()
    const known = await showServiceToken(ctx, wanted)
    const secret = this.flags.reveal ? await storedSecret(ctx, known) : undefined
    const uses = await usesOfToken(ctx, known.token)
    const {token, status, previousUntil, hosts} = known
    if (secret) this.maskInLog(secret)
    this.print(
      facts([
        ['name', style.name(token.name)],
        ['status', statusColour(status)],
        ['Client ID', token.clientId],
        ['Client Secret', secret?.expose()],
        ['id', token.id],
        ['expires', token.expiresAt ?? 'never'],
        ['created', token.createdAt],
        ['changed', token.updatedAt],
        ['last seen', token.lastSeenAt ?? NEVER_SEEN],
        ['secret', secretInWords(known)],
        ['previous secret', previousUntil && `works until ${previousUntil}`],
        ['hosts', hosts.length > 0 ? hosts.join(', ') : undefined],
      ]),
    )
    this.print(['', ...usesText(uses)])
    for (const warning of uses.warnings) this.warn(warning)
    const more = secret && {clientSecret: secret.expose()}
    return {token: tokenJson(known), usedBy: referencesJson(uses.references), ...more}
  }
}
