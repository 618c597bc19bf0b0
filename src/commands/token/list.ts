import {listServiceTokens} from '../../lib/access/tokens.js'
import {TokenCommand} from '../../lib/app/token-command.js'
import {day, statusColour, tokenJson} from '../../lib/app/present-token.js'
import {style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'

export default class TokenList extends TokenCommand<typeof TokenList> {
  static override summary = 'List the service tokens of the account'
  static override examples = ['<%= config.bin %> token list', '<%= config.bin %> token list --json']

  async run(): Promise<object> {
    const tokens = await listServiceTokens(this.access())
    if (tokens.length === 0) {
      this.print('No service token yet.')
      this.next('zt token create')
    } else {
      this.print(
        table(tokens, [
          {title: 'NAME', value: ({token}) => token.name},
          {title: 'STATUS', value: ({status}) => statusColour(status)},
          {title: 'EXPIRES', value: ({token}) => day(token.expiresAt, 'never')},
          {title: 'LAST SEEN', value: ({token}) => day(token.lastSeenAt, '')},
          {title: 'SECRET', value: ({store}) => store ?? style.dim('not here')},
          {title: 'HOSTS', value: ({hosts}) => hosts.join(', '), optional: true},
          {title: 'CLIENT ID', value: ({token}) => style.dim(token.clientId), optional: true},
        ]),
      )
    }
    return {tokens: tokens.map(tokenJson)}
  }
}
