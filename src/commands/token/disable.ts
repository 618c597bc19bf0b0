import {shellQuote} from '../../lib/core/command-line.js'
import {setTokenEnabled} from '../../lib/access/tokens/changes.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {changeJson} from '../../lib/command/present/change.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg} from '../../lib/command/args.js'
import {mark, style} from '../../lib/cli/streams.js'
import {facts} from '../../lib/cli/table.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'

export default class TokenDisable extends TokenCommand<typeof TokenDisable> {
  static override summary = 'Disable a service token'
  static override description =
    'Its secret stops working at once, and so does the previous secret after a rotation. The secret stays in its store, and rules keep the token. Ends the connections that this machine opened with the token.'
  static override examples = ['<%= config.bin %> token disable ci']
  static override args = {token: tokenArg}
  static override flags = {'keep-connections': keepConnectionsFlag, 'dry-run': dryRunFlag}
  static override asks = {needs: ['listServiceTokens', 'getServiceToken', 'updateServiceToken']} as const

  async run(): Promise<object> {
    const token = await this.chosenToken(this.args.token, 'zt token disable NAME')
    const change = await setTokenEnabled(this.access(), {
      token,
      enabled: false,
      dryRun: this.flags['dry-run'],
    })
    const {dryRun, differs, after} = change
    const name = style.name(after.token.name)
    const hosts = after.hosts.length > 0 ? `${after.hosts.join(', ')}: no longer open to it` : undefined
    if (differs) this.print(dryRun ? `Would disable ${name}:` : `${mark.done} Disabled ${name}`)
    else this.print(`${mark.done} ${name} is disabled already`)
    const closed = await endConnections(this.connectionsOf(after.token))
    this.print(
      facts([
        ['secret', 'stops working at once, and so does the previous one after a rotation'],
        ['hosts', hosts],
        ['connections', this.heardOf(closed)],
      ]),
    )
    if (!dryRun) this.next(`zt token enable ${shellQuote(after.token)}`)
    return {...changeJson(change), connections: connectionsJson(closed)}
  }
}
