import {Flags} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../lib/access/tokens/rotate.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {rotationText} from '../../lib/command/present/rotation.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg, required} from '../../lib/command/args.js'
import {style} from '../../lib/cli/streams.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'
import type {ClosedConnections} from '../../lib/tunnel/types.js'

export default class TokenRotate extends TokenCommand<typeof TokenRotate> {
  static override summary = 'Give a service token a new secret, with a grace period'
  static override description =
    'During the grace period both secrets work, and the store keeps both; zt ssh uses the new one. After it, or with --finish, only the new one works. --undo returns to the previous secret. The client ID stays the same. When the previous secret ends (--finish, --grace 0), the connections that this machine opened with the token end too.'
  static override examples = [
    '<%= config.bin %> token rotate gitlab-admin',
    '<%= config.bin %> token rotate gitlab-admin --grace 7d',
    '<%= config.bin %> token rotate gitlab-admin --finish',
    '<%= config.bin %> token rotate gitlab-admin --undo',
  ]
  static override args = {
    token: required(tokenArg),
  }
  static override flags = {
    grace: Flags.string({
      description: 'how long the previous secret keeps working: 24h, 7d or 0 (default: 24h)',
      helpValue: 'DURATION',
      exclusive: ['finish', 'undo'],
    }),
    finish: Flags.boolean({
      description: 'end the grace period of the last rotation now',
      exclusive: ['undo'],
    }),
    undo: Flags.boolean({description: 'return to the secret before the last rotation'}),
    'keep-connections': keepConnectionsFlag,
    'dry-run': dryRunFlag,
  }
  static override asks = {
    needs: ['listServiceTokens', 'getServiceToken', 'rotateServiceToken', 'updateServiceToken'],
  } as const

  async run(): Promise<object> {
    const dryRun = this.flags['dry-run']
    const {token: wanted} = this.args
    if (this.flags.finish) return this.finish(wanted, dryRun)
    if (this.flags.undo) return this.undo(wanted, dryRun)
    const rotated = await rotateServiceToken(this.access(), {
      token: wanted,
      grace: this.flags.grace ?? '24h',
      dryRun,
    })
    const {token, store, previousUntil, previousKept, warnings} = rotated
    for (const warning of warnings) this.warn(warning)
    this.print(rotationText(rotated, dryRun))
    // The secret before has ended.
    const closed = previousUntil === undefined ? await this.closed(token) : {connections: []}
    if (previousUntil !== undefined && !dryRun) this.next(`zt token rotate ${shellQuote(token)} --finish`)
    return {
      token: {id: token.id, name: token.name, clientId: token.clientId},
      store: store.kind,
      previousUntil: previousUntil ?? null,
      previousKept,
      connections: connectionsJson(closed),
      dryRun,
    }
  }

  private async finish(wanted: string, dryRun: boolean): Promise<object> {
    const {token, changed} = await finishRotation(this.access(), {token: wanted, dryRun})
    const name = style.bold(token.name)
    if (!changed) this.print(`No rotation of ${name} is under way; nothing to finish.`)
    else if (dryRun) this.print(`Would end the secret that ${name} had before.`)
    else this.print(`${style.green('✓')} Only the new secret of ${name} works now`)
    const closed = changed ? await this.closed(token) : {connections: []}
    return {
      token: {id: token.id, name: token.name},
      changed: changed && !dryRun,
      connections: connectionsJson(closed),
      dryRun,
    }
  }

  private async closed(token: {id: string; clientId: string}): Promise<ClosedConnections> {
    const closed = await endConnections(this.connectionsOf(token))
    const connections = this.heardOf(closed)
    if (connections !== undefined) this.print(`  ${connections}`)
    return closed
  }

  private async undo(wanted: string, dryRun: boolean): Promise<object> {
    const {token, until} = await undoRotation(this.access(), {token: wanted, dryRun})
    const name = style.bold(token.name)
    this.print(
      dryRun
        ? `Would go back to the secret that ${name} had before; it would work until ${until}.`
        : `${style.green('✓')} ${name} is back at the secret before; it works until ${until}`,
    )
    if (!dryRun) this.warn('The next rotation can have no grace period: --grace 0')
    return {token: {id: token.id, name: token.name}, until, dryRun}
  }
}
