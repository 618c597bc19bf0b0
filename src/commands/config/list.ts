import {BaseCommand} from '../../lib/cli/base-command.js'
import {style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'
import {settingsInUse} from '../../lib/config/profile-settings.js'

export default class ConfigList extends BaseCommand<typeof ConfigList> {
  static override summary = "List the profile's settings, and where each value comes from"
  static override examples = ['<%= config.bin %> config list', '<%= config.bin %> config list --json']

  async run(): Promise<object> {
    const settings = await settingsInUse(this.settings)
    this.print(
      table(settings, [
        {title: 'SETTING', value: ({name}) => name},
        {title: 'VALUE', value: ({value}) => value ?? style.secondary('not set')},
        {title: 'FROM', value: ({source}) => source ?? ''},
        {title: 'MEANING', value: ({about}) => style.secondary(about), optional: true},
      ]),
    )
    return {
      profile: this.settings.profileName,
      settings: settings.map(({name, value, source}) => ({
        name,
        value: value ?? null,
        source: source ?? null,
      })),
    }
  }
}
