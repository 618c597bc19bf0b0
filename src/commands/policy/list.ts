import {actionName} from '../../lib/access/rules/action-name.js'
import {streamPolicies} from '../../lib/access/policies/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {limitFlag, noZoneFlag, searchFlag} from '../../lib/command/flags.js'
import {shortened} from '../../lib/cli/table.js'
import {style} from '../../lib/cli/streams.js'

export default class PolicyList extends AccessCommand<typeof PolicyList> {
  static override summary = "List the account's policies, which applications share"
  static override description =
    "In Cloudflare's order. Policies that live inside one application are shown with it: zt app show."
  static override examples = [
    '<%= config.bin %> policy list',
    '<%= config.bin %> policy list --search "Service Auth" --json',
  ]
  static override flags = {search: searchFlag, limit: limitFlag, zone: noZoneFlag}

  async run(): Promise<void> {
    const {search, limit} = this.flags
    await this.showList(streamPolicies(this.access(), {search, limit}), {
      key: 'policies',
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
        {title: 'ID', value: ({policy}) => style.dim(policy.id), optional: true},
      ],
      empty: search === undefined ? 'No policy.' : 'No such policy.',
    })
  }
}
