import {showServiceToken} from '../../lib/access/tokens/list.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {zoneFlag} from '../../lib/command/flags.js'
import {secretInWords, statusColour, tokenJson} from '../../lib/command/present/token.js'
import {tokenArg} from '../../lib/command/args.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'

export default class TokenShow extends TokenCommand<typeof TokenShow> {
  static override summary = 'Show a service token, and where its secret is'
  static override examples = [
    '<%= config.bin %> token show gitlab-admin',
    '<%= config.bin %> token show gitlab-admin --json',
  ]
  static override args = {token: tokenArg}
  static override flags = {zone: zoneFlag}
  static override asks = {needs: ['listServiceTokens']} as const

  async run(): Promise<object> {
    const wanted = await this.chosenToken(this.args.token, 'zt token show NAME')
    const known = await showServiceToken(this.access(), wanted)
    const {token, status, previousUntil, hosts} = known
    this.print(
      facts([
        ['name', style.bold(token.name)],
        ['status', statusColour(status)],
        ['Client ID', token.clientId],
        ['id', token.id],
        ['expires', token.expiresAt ?? 'never'],
        ['created', token.createdAt],
        ['changed', token.updatedAt],
        ['last seen', token.lastSeenAt],
        ['secret', secretInWords(known)],
        ['previous secret', previousUntil && `works until ${previousUntil}`],
        ['hosts', hosts.length > 0 ? hosts.join(', ') : undefined],
      ]),
    )
    return {token: tokenJson(known)}
  }
}
