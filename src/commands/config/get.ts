import {required, settingArg} from '../../lib/command/args.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {settingsInUse} from '../../lib/config/profile-settings.js'

export default class ConfigGet extends BaseCommand<typeof ConfigGet> {
  static override summary = 'Print a setting of the profile'
  static override description =
    'Prints the value that the next command uses: flags, environment and project come before the profile. Prints nothing if it is not set.'
  static override examples = [
    '<%= config.bin %> config get account',
    '<%= config.bin %> config get connect-to --json',
  ]
  static override args = {setting: required(settingArg)}

  async run(): Promise<object> {
    const {setting: name} = this.args
    const {value, source} = (await settingsInUse(this.settings)).find((one) => one.name === name) ?? {}
    if (value !== undefined) this.print(value)
    return {profile: this.settings.profileName, name, value: value ?? null, source: source ?? null}
  }
}
