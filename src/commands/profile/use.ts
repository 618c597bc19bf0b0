import {profileArg} from '../../lib/command/args.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {mark, style} from '../../lib/cli/streams.js'
import {readConfig, useProfile} from '../../lib/config/profiles.js'

export default class ProfileUse extends BaseCommand<typeof ProfileUse> {
  static override summary = 'Switch to another profile'
  static override description = 'It is used unless --profile, ZT_PROFILE or .zt.json names another one.'
  static override examples = ['<%= config.bin %> profile use production', '<%= config.bin %> profile use']
  static override args = {name: profileArg}
  static override profile = 'ignored' as const

  async run(): Promise<object> {
    const {paths} = this.settings
    const name = this.args.name ?? (await this.pick())
    const profile = await useProfile(paths, name)
    this.print(`${mark.done} Switched to profile ${style.name(name)}`)
    const {profileName, profileSource} = this.settings
    if (profileName !== name && profileSource !== 'profile' && profileSource !== 'default') {
      this.warn(`The ${profileSource} still selects profile ${profileName} here`)
    }
    return {profile: name, accountId: profile.accountId ?? null}
  }

  private async pick(): Promise<string> {
    this.prompts.require("The profile's name", 'zt profile use NAME')
    const names = Object.keys((await readConfig(this.settings.paths)).profiles)
    return this.prompts.choose(
      'Profile',
      names.map((name) => ({name, value: name})),
    )
  }
}
