import {Flags} from '@oclif/core'
import {streamServiceTokens} from '../../lib/access/tokens/list.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {limitFlag, quietFlag, searchFlag, zoneFlag} from '../../lib/command/flags.js'
import {day, NEVER_SEEN, statusColour, tokenJson} from '../../lib/command/present/token.js'
import {parseWithin} from '../../lib/core/duration.js'
import {completing} from '../../lib/cli/completing.js'
import {style} from '../../lib/cli/streams.js'

export default class TokenList extends TokenCommand<typeof TokenList> {
  static override summary = 'List the service tokens of the account'
  static override description = "Tokens are in Cloudflare's order. Each page is shown as it arrives."
  static override examples = [
    '<%= config.bin %> token list',
    '<%= config.bin %> token list --search ci --limit 20',
    '<%= config.bin %> token list --expiring 30d',
    '<%= config.bin %> token list --unused --quiet',
    '<%= config.bin %> token list --fields id,name',
  ]
  static override flags = {
    search: searchFlag,
    name: completing(
      'token',
      Flags.string({description: 'only those with exactly this name', helpValue: 'NAME'}),
    ),
    expired: Flags.boolean({description: 'only those that have expired'}),
    expiring: Flags.string({
      description: 'only those that expire within this time: 30d, 12h',
      helpValue: 'DURATION',
      exclusive: ['expired'],
    }),
    disabled: Flags.boolean({description: 'only those that are disabled'}),
    unused: Flags.boolean({description: 'only those that Cloudflare has never seen'}),
    limit: limitFlag,
    quiet: quietFlag,
    zone: zoneFlag,
  }
  static override asks = {needs: ['listServiceTokens']} as const

  async run(): Promise<void> {
    const {search, name, limit, zone, expired, expiring, disabled, unused} = this.flags
    const expiringSeconds = expiring === undefined ? undefined : parseWithin(expiring, '--expiring')
    const filter = {expired, expiringSeconds, disabled, unused}
    const all = [search, name, zone, ...Object.values(filter)].every(
      (one) => one === undefined || one === false,
    )
    const shown = await this.showList(streamServiceTokens(this.access(), {search, name, limit}, filter), {
      key: 'tokens',
      id: ({token}) => token.id,
      json: tokenJson,
      columns: [
        {title: 'NAME', value: ({token}) => token.name},
        {title: 'STATUS', value: ({status}) => statusColour(status)},
        {title: 'EXPIRES', value: ({token}) => day(token.expiresAt, 'never')},
        {title: 'LAST SEEN', value: ({token}) => day(token.lastSeenAt, NEVER_SEEN)},
        {title: 'SECRET', value: ({store}) => store ?? style.secondary('not here')},
        {title: 'HOSTS', value: ({hosts}) => hosts.join(', '), optional: true},
        {title: 'CLIENT ID', value: ({token}) => style.secondary(token.clientId), optional: true},
      ],
      empty: all ? 'No service tokens yet.' : 'No service token matches.',
    })
    if (shown === 0 && all) this.next('zt token create')
  }
}
