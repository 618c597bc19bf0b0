import {quietFlag} from '../../lib/command/flags.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {table} from '../../lib/cli/table.js'
import {readConfig} from '../../lib/config/profiles.js'
import {CLOUDFLARE_API_URL} from '../../lib/config/types.js'

export default class ProfileList extends BaseCommand<typeof ProfileList> {
  static override summary = 'List the profiles on this machine'
  static override examples = ['<%= config.bin %> profile list', '<%= config.bin %> profile list --json']
  static override flags = {quiet: quietFlag}
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const config = await readConfig(this.settings.paths)
    const profiles = Object.entries(config.profiles).map(([name, profile]) => ({
      name,
      current: name === this.settings.profileName,
      accountId: profile.accountId ?? null,
      accountName: profile.accountName ?? null,
      store: profile.store ?? null,
      apiUrl: profile.apiUrl ?? CLOUDFLARE_API_URL,
      sandbox: profile.sandbox ?? false,
    }))
    for (const {name} of profiles) this.printId(name)
    if (profiles.length === 0) {
      this.print('No profiles yet.')
      this.next('zt login', 'zt sandbox start')
    } else {
      this.print(
        table(profiles, [
          {title: 'PROFILE', value: (row) => row.name},
          {title: 'IN USE', value: (row) => (row.current ? 'yes' : '')},
          {title: 'ACCOUNT', value: (row) => row.accountName ?? row.accountId ?? ''},
          {title: 'STORE', value: (row) => row.store ?? ''},
          {title: 'DATA', value: (row) => (row.sandbox ? 'sandbox' : 'real'), optional: true},
        ]),
      )
    }
    return {profiles}
  }
}
