import {Flags} from '@oclif/core'
import {streamApplications} from '../../lib/access/applications/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {limitFlag, quietFlag, searchFlag, zoneFlag} from '../../lib/command/flags.js'
import {completing} from '../../lib/cli/completing.js'
import {style} from '../../lib/cli/streams.js'

export default class AppList extends AccessCommand<typeof AppList> {
  static override summary = 'List the Access applications of the account'
  static override description = "Applications are in Cloudflare's order. Each page is shown as it arrives."
  static override examples = [
    '<%= config.bin %> app list',
    '<%= config.bin %> app list --search gitlab',
    '<%= config.bin %> app list --zone widgetcorp.tech --json',
  ]
  static override flags = {
    search: searchFlag,
    name: completing(
      'application',
      Flags.string({description: 'only those with this text in the name', helpValue: 'TEXT'}),
    ),
    domain: Flags.string({description: 'only those with this text in a domain', helpValue: 'TEXT'}),
    exact: Flags.boolean({description: 'match the whole text of --name and --domain'}),
    limit: limitFlag,
    quiet: quietFlag,
    zone: zoneFlag,
  }
  static override asks = {needs: ['listApplications']} as const

  async run(): Promise<void> {
    const {search, name, domain, exact, limit} = this.flags
    await this.showList(streamApplications(this.access(), {search, name, domain, exact, limit}), {
      key: 'applications',
      id: (app) => app.id,
      json: (app) => ({
        id: app.id,
        name: app.name,
        type: app.type,
        domain: app.domain ?? null,
        domains: app.domains,
        policies: app.policies.length,
      }),
      columns: [
        {title: 'NAME', value: (app) => app.name},
        {title: 'KIND', value: (app) => app.type},
        {title: 'DOMAIN', value: (app) => app.domain ?? ''},
        {title: 'RULES', value: (app) => String(app.policies.length)},
        {title: 'ID', value: (app) => style.secondary(app.id), optional: true},
      ],
      empty: 'No applications.',
    })
  }
}
