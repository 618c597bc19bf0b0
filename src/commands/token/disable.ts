import {Args} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import {setTokenEnabled} from '../../lib/access/tokens/changes.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {changeJson} from '../../lib/command/present/change.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'

export default class TokenDisable extends TokenCommand<typeof TokenDisable> {
  static override summary = 'Switch a service token off; nothing of it is lost'
  static override description =
    'Its secret stops at once, and so does one from before a rotation that would still work. The secret stays where it is kept, and the rules stay. Connections that this machine has opened with it are ended.'
  static override examples = ['<%= config.bin %> token disable ci']
  static override args = {token: Args.string({description: 'name, id or Client ID', ignoreStdin: true})}
  static override flags = {'keep-connections': keepConnectionsFlag, 'dry-run': dryRunFlag}

  async run(): Promise<object> {
    const token = await this.chosenToken(this.args.token, 'zt token disable NAME')
    const change = await setTokenEnabled(this.access(), {
      token,
      enabled: false,
      dryRun: this.flags['dry-run'],
    })
    const {dryRun, differs, after} = change
    const name = style.bold(after.token.name)
    const hosts = after.hosts.length > 0 ? `${after.hosts.join(', ')}: refused from then on` : undefined
    if (differs) this.print(dryRun ? `Would disable ${name}:` : `${style.green('✓')} ${name} is disabled`)
    else this.print(`${style.green('✓')} ${name} is disabled already`)
    const closed = await endConnections(this.connectionsOf(after.token))
    this.print(
      facts([
        ['secret', 'stops at once, and so does one from before a rotation'],
        ['hosts', hosts],
        ['connections', this.heardOf(closed)],
      ]),
    )
    if (!dryRun) this.next(`zt token enable ${shellQuote(after.token)}`)
    return {...changeJson(change), connections: connectionsJson(closed)}
  }
}
