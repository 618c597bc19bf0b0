import {profileArg} from '../../lib/command/args.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'
import {configFile, profileNotFound, readConfig} from '../../lib/config/profiles.js'
import {CLOUDFLARE_API_URL} from '../../lib/config/types.js'

export default class ProfileShow extends BaseCommand<typeof ProfileShow> {
  static override summary = 'Show the settings of a profile'
  static override examples = [
    '<%= config.bin %> profile show',
    '<%= config.bin %> profile show sandbox --json',
  ]
  static override args = {name: profileArg}

  async run(): Promise<object> {
    const {paths, profileName, profileSource} = this.settings
    const {profiles} = await readConfig(paths)
    const name = this.args.name ?? profileName
    const profile = profiles[name] ?? (this.args.name === undefined ? {} : undefined)
    if (!profile) throw profileNotFound(name, Object.keys(profiles))
    this.print(
      facts([
        [
          'profile',
          style.name(name) +
            (name === profileName ? style.secondary(` (in use, from ${profileSource})`) : ''),
        ],
        ['account', profile.accountName],
        ['account id', profile.accountId],
        ['API', profile.apiUrl ?? CLOUDFLARE_API_URL],
        ['secret store', profile.store ?? style.secondary('not chosen yet')],
        ['edge', profile.connectTo],
        ['edge CA', profile.caFile],
        ['known hosts', profile.knownHostsFile],
        ['data', profile.sandbox ? style.caution('sandbox') : undefined],
        ['file', configFile(paths)],
      ]),
    )
    return {
      profile: name,
      current: name === profileName,
      source: name === profileName ? profileSource : null,
      accountId: profile.accountId ?? null,
      accountName: profile.accountName ?? null,
      apiUrl: profile.apiUrl ?? CLOUDFLARE_API_URL,
      store: profile.store ?? null,
      connectTo: profile.connectTo ?? null,
      caFile: profile.caFile ?? null,
      knownHostsFile: profile.knownHostsFile ?? null,
      sandbox: profile.sandbox ?? false,
      file: configFile(paths),
    }
  }
}
