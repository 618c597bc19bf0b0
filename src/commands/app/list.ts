import {Flags} from '@oclif/core'
import {streamApplications} from '../../lib/access/applications/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {limitFlag, searchFlag, zoneFlag} from '../../lib/command/flags.js'
import {style} from '../../lib/cli/streams.js'

export default class AppList extends AccessCommand<typeof AppList> {
  static override summary = 'List the Access applications of the account'
  static override description = "In Cloudflare's order, each page as it comes."
  static override examples = [
    '<%= config.bin %> app list',
    '<%= config.bin %> app list --search gitlab',
    '<%= config.bin %> app list --zone widgetcorp.tech --json',
  ]
  static override flags = {
    search: searchFlag,
    name: Flags.string({description: 'only those with this in their name', helpValue: 'TEXT'}),
    domain: Flags.string({description: 'only those with this in their domain', helpValue: 'TEXT'}),
    exact: Flags.boolean({description: '--name and --domain are whole'}),
    limit: limitFlag,
    zone: zoneFlag,
  }

  async run(): Promise<void> {
    const {search, name, domain, exact, limit} = this.flags
    await this.showList(streamApplications(this.access(), {search, name, domain, exact, limit}), {
      key: 'applications',
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
        {title: 'ID', value: (app) => style.dim(app.id), optional: true},
      ],
      empty: 'No application.',
    })
  }
}
