import {whoami} from '../lib/access/session.js'
import {AccessCommand} from '../lib/app/access-command.js'
import {style} from '../lib/cli/streams.js'
import {facts} from '../lib/cli/table.js'

export default class WhoAmI extends AccessCommand<typeof WhoAmI> {
  static override summary = 'Show who the API takes you for'
  static override examples = ['<%= config.bin %> whoami', '<%= config.bin %> whoami --json']

  async run(): Promise<object> {
    const {profileName: profile, profileSource, profileStore, apiTokenStore, apiUrl, sandbox} = this.settings
    const {apiToken, source, account} = await whoami(this.access())
    this.print(
      facts([
        ['profile', `${style.bold(profile)} ${style.dim(`(from ${profileSource})`)}`],
        ['account', account && `${account.name} ${style.dim(account.id)}`],
        [
          'API token',
          `${apiToken.id} ${style.dim(`(${apiToken.owner}, from ${source === 'store' ? `the ${apiTokenStore ?? ''}` : 'CLOUDFLARE_API_TOKEN'})`)}`,
        ],
        ['status', apiToken.status === 'active' ? style.green(apiToken.status) : style.red(apiToken.status)],
        ['expires', apiToken.expiresOn],
        ['API', apiUrl],
        ['data', sandbox ? style.yellow('sandbox') : undefined],
      ]),
    )
    return {
      profile,
      account: account ?? null,
      apiToken: {...apiToken, expiresOn: apiToken.expiresOn ?? null, source},
      store: profileStore ?? null,
      apiUrl,
      sandbox,
    }
  }
}
