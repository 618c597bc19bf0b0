import {streamGroups} from '../../lib/access/groups/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {limitFlag, quietFlag, searchFlag, zoneFlag} from '../../lib/command/flags.js'
import {style} from '../../lib/cli/streams.js'
import {shortened} from '../../lib/cli/table.js'

export default class GroupList extends AccessCommand<typeof GroupList> {
  static override summary = 'List the Access groups of the account'
  static override description = "Groups are in Cloudflare's order. Each page is shown as it arrives."
  static override examples = [
    '<%= config.bin %> group list',
    '<%= config.bin %> group list --search robots',
    '<%= config.bin %> group list --zone widgetcorp.tech --json',
  ]
  static override flags = {search: searchFlag, limit: limitFlag, quiet: quietFlag, zone: zoneFlag}
  // Names in rules are shown as far as they may be read.
  static override asks = {needs: ['listGroups'], tries: ['listServiceTokens']} as const

  async run(): Promise<void> {
    const {search, limit} = this.flags
    await this.showList(streamGroups(this.access(), {search, limit}), {
      key: 'groups',
      id: ({group}) => group.id,
      json: ({group: {id, name, include, exclude, require}, includes, serviceTokens}) => ({
        id,
        name,
        include,
        exclude,
        require,
        includes,
        serviceTokens,
      }),
      columns: [
        {title: 'NAME', value: ({group}) => group.name},
        {title: 'INCLUDES', value: ({includes}) => shortened(includes)},
        {title: 'TOKENS', value: ({serviceTokens}) => String(serviceTokens)},
        {title: 'ID', value: ({group}) => style.secondary(group.id), optional: true},
      ],
      empty: search === undefined ? 'No Access groups.' : 'No Access group matches.',
    })
  }
}
