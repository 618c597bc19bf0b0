import {Args} from '@oclif/core'
import {required, settingArg} from '../../lib/command/args.js'
import {BaseCommand} from '../../lib/cli/base-command.js'
import {mark, style} from '../../lib/cli/streams.js'
import {setSetting} from '../../lib/config/profile-settings.js'

export default class ConfigSet extends BaseCommand<typeof ConfigSet> {
  static override summary = 'Change a setting of the profile'
  static override description = 'An empty value removes the setting: zt config set ca-file "".'
  static override examples = [
    '<%= config.bin %> config set account 0123456789abcdef0123456789abcdef',
    '<%= config.bin %> config set connect-to ""',
  ]
  static override args = {
    setting: required(settingArg),
    value: required(Args.string({description: 'the new value; empty: not set', ignoreStdin: true})),
  }

  async run(): Promise<object> {
    const {profileName: profile} = this.settings
    const {setting: name} = this.args
    const value = await setSetting(this.settings, {name, text: this.args.value, cwd: process.cwd()})
    const done = value === undefined ? 'is not set any more' : `is ${style.name(value)}`
    this.print(`${mark.done} ${name} of profile ${style.name(profile)} ${done}`)
    return {profile, name, value: value ?? null}
  }
}
