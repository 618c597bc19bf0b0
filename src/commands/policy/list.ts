import {actionName} from '../../lib/access/rules/action-name.js'
import {streamPolicies} from '../../lib/access/policies/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {limitFlag, quietFlag, noZoneFlag, searchFlag} from '../../lib/command/flags.js'
import {shortened} from '../../lib/cli/table.js'
import {style} from '../../lib/cli/streams.js'

export default class PolicyList extends AccessCommand<typeof PolicyList> {
  static override summary = 'List the reusable policies of the account'
  static override description =
    "Policies are in Cloudflare's order. Inline policies are shown with their application (zt app show)."
  static override examples = [
    '<%= config.bin %> policy list',
    '<%= config.bin %> policy list --search "Service Auth" --json',
  ]
  static override flags = {search: searchFlag, limit: limitFlag, quiet: quietFlag, zone: noZoneFlag}
  // Names in rules are shown as far as they may be read.
  static override asks = {needs: ['listPolicies'], tries: ['listServiceTokens', 'listGroups']} as const

  async run(): Promise<void> {
    const {search, limit} = this.flags
    await this.showList(streamPolicies(this.access(), {search, limit}), {
      key: 'policies',
      id: ({policy}) => policy.id,
      json: ({policy: {id, name, decision, include, exclude, require}, includes, applications}) => ({
        id,
        name,
        decision,
        action: actionName(decision),
        include,
        exclude,
        require,
        includes,
        applications: applications ?? null,
      }),
      columns: [
        {title: 'NAME', value: ({policy}) => policy.name},
        {title: 'ACTION', value: ({policy}) => actionName(policy.decision)},
        {title: 'INCLUDES', value: ({includes}) => shortened(includes)},
        {title: 'APPS', value: ({applications}) => String(applications ?? '')},
        {title: 'ID', value: ({policy}) => style.secondary(policy.id), optional: true},
      ],
      empty: search === undefined ? 'No policies.' : 'No policy matches.',
    })
  }
}
