import {Flags} from '@oclif/core'
import {whoami} from '../lib/access/account/session.js'
import {AccessCommand} from '../lib/command/access-command.js'
import {permissionLines} from '../lib/command/present/permissions.js'
import {PROBES} from '../lib/command/probes.js'
import {style} from '../lib/cli/streams.js'
import {facts} from '../lib/cli/table.js'

export default class WhoAmI extends AccessCommand<typeof WhoAmI> {
  static override summary = 'Show the account and the permissions of the API token'
  static override description =
    'zt checks permissions with requests that change nothing: lists, and the deletion of objects that do not exist. A missing permission is not an error here.'
  static override examples = [
    '<%= config.bin %> whoami',
    '<%= config.bin %> whoami --no-probe',
    '<%= config.bin %> whoami --json',
  ]
  static override flags = {
    probe: Flags.boolean({
      description: 'check which permissions the API token has',
      default: true,
      allowNo: true,
    }),
  }
  static override asks = {tries: PROBES} as const

  async run(): Promise<object> {
    const {profileName: profile, profileSource, profileStore, apiTokenStore, apiUrl, sandbox} = this.settings
    const {apiToken, source, account, permissions} = await whoami(this.access(), {
      probe: this.flags.probe,
      commands: this.config.commands,
    })
    this.print(
      facts([
        ['profile', `${style.name(profile)} ${style.secondary(`(from ${profileSource})`)}`],
        ['account', account && `${account.name} ${style.secondary(account.id)}`],
        [
          'API token',
          `${apiToken.id} ${style.secondary(`(${apiToken.owner}, from ${source === 'store' ? `the ${apiTokenStore ?? ''}` : 'CLOUDFLARE_API_TOKEN'})`)}`,
        ],
        [
          'status',
          apiToken.status === 'active' ? style.success(apiToken.status) : style.failure(apiToken.status),
        ],
        ['expires', apiToken.expiresOn],
        ['API', apiUrl],
        ['data', sandbox ? style.caution('sandbox') : undefined],
      ]),
    )
    if (permissions) {
      this.print(['', style.secondary('PERMISSIONS of the API token'), ...permissionLines(permissions)])
    }
    return {
      profile,
      account: account ?? null,
      apiToken: {...apiToken, expiresOn: apiToken.expiresOn ?? null, source},
      store: profileStore ?? null,
      apiUrl,
      sandbox,
      permissions: permissions ?? null,
    }
  }
}
