import {listApplications} from '../../lib/access/applications.js'
import {AccessCommand} from '../../lib/app/access-command.js'
import {style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'

export default class AppList extends AccessCommand<typeof AppList> {
  static override summary = 'List the Access applications of the account'
  static override examples = ['<%= config.bin %> app list', '<%= config.bin %> app list --json']

  async run(): Promise<object> {
    const applications = await listApplications(this.access())
    if (applications.length === 0) this.print('No application.')
    else {
      this.print(
        table(applications, [
          {title: 'NAME', value: ({name}) => name},
          {title: 'KIND', value: ({type}) => type},
          {title: 'DOMAIN', value: ({domain}) => domain ?? ''},
          {title: 'RULES', value: ({policies}) => String(policies.length)},
          {title: 'ID', value: ({id}) => style.dim(id), optional: true},
        ]),
      )
    }
    return {
      applications: applications.map(({id, name, type, domain, domains, policies}) => ({
        id,
        name,
        type,
        domain: domain ?? null,
        domains,
        policies: policies.length,
      })),
    }
  }
}
