import {Flags} from '@oclif/core'
import {streamServiceTokens} from '../../lib/access/tokens/list.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {limitFlag, searchFlag, zoneFlag} from '../../lib/command/flags.js'
import {day, statusColour, tokenJson} from '../../lib/command/present/token.js'
import {completing} from '../../lib/cli/completing.js'
import {style} from '../../lib/cli/streams.js'

export default class TokenList extends TokenCommand<typeof TokenList> {
  static override summary = 'List the service tokens of the account'
  static override description = "Tokens are in Cloudflare's order. Each page is shown as it arrives."
  static override examples = [
    '<%= config.bin %> token list',
    '<%= config.bin %> token list --search ci --limit 20',
    '<%= config.bin %> token list --json',
  ]
  static override flags = {
    search: searchFlag,
    name: completing(
      'token',
      Flags.string({description: 'only those with exactly this name', helpValue: 'NAME'}),
    ),
    limit: limitFlag,
    zone: zoneFlag,
  }
  static override asks = {needs: ['listServiceTokens']} as const

  async run(): Promise<void> {
    const {search, name, limit, zone} = this.flags
    const all = [search, name, zone].every((one) => one === undefined)
    const shown = await this.showList(streamServiceTokens(this.access(), {search, name, limit}), {
      key: 'tokens',
      json: tokenJson,
      columns: [
        {title: 'NAME', value: ({token}) => token.name},
        {title: 'STATUS', value: ({status}) => statusColour(status)},
        {title: 'EXPIRES', value: ({token}) => day(token.expiresAt, 'never')},
        {title: 'LAST SEEN', value: ({token}) => day(token.lastSeenAt, '')},
        {title: 'SECRET', value: ({store}) => store ?? style.dim('not here')},
        {title: 'HOSTS', value: ({hosts}) => hosts.join(', '), optional: true},
        {title: 'CLIENT ID', value: ({token}) => style.dim(token.clientId), optional: true},
      ],
      empty: all ? 'No service tokens yet.' : 'No service token matches.',
    })
    if (shown === 0 && all) this.next('zt token create')
  }
}
