import {Flags} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../lib/access/tokens/rotate.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {finishedText, rotationJson, rotationText, undoneText} from '../../lib/command/present/rotation.js'
import {TokenCommand} from '../../lib/command/token-command.js'
import {tokenArg, required} from '../../lib/command/args.js'
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
    const {token, previousUntil} = rotated
    for (const warning of rotated.warnings) this.warn(warning)
    this.print(rotationText(rotated, dryRun))
    const closed = previousUntil === undefined ? await this.closed(token) : {connections: []}
    if (previousUntil !== undefined && !dryRun) this.next(`zt token rotate ${shellQuote(token)} --finish`)
    return rotationJson(rotated, closed, dryRun)
  }

  private async finish(wanted: string, dryRun: boolean): Promise<object> {
    const {token, changed} = await finishRotation(this.access(), {token: wanted, dryRun})
    const {id, name} = token
    this.print(finishedText(name, changed, dryRun))
    const closed = changed ? await this.closed(token) : {connections: []}
    return {token: {id, name}, changed: changed && !dryRun, connections: connectionsJson(closed), dryRun}
  }

  private async undo(wanted: string, dryRun: boolean): Promise<object> {
    const {token, until} = await undoRotation(this.access(), {token: wanted, dryRun})
    const {id, name} = token
    this.print(undoneText(name, until, dryRun))
    if (!dryRun) this.warn('The next rotation cannot have a grace period: --grace 0')
    return {token: {id, name}, until, dryRun}
  }

  /** Ends this machine's connections with a token whose previous secret has ended. */
  private async closed(token: {id: string; clientId: string}): Promise<ClosedConnections> {
    const closed = await endConnections(this.connectionsOf(token))
    const connections = this.heardOf(closed)
    if (connections !== undefined) this.print(`  ${connections}`)
    return closed
  }
}
