import {Flags} from '@oclif/core'
import {shellQuote} from '../../lib/core/command-line.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../lib/access/tokens/rotate.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {
  finishedJson,
  finishedText,
  rotationJson,
  rotationText,
  undoneJson,
  undoneText,
} from '../../lib/command/present/rotation.js'
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
  static override args = {token: required(tokenArg)}
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
    const {finish, undo, grace = '24h', 'dry-run': dryRun} = this.flags
    const ctx = this.access()
    const wanted = {token: this.args.token, dryRun}
    if (undo) {
      const undone = await undoRotation(ctx, wanted)
      this.print(undoneText(undone, dryRun))
      if (!dryRun) this.warn('The next rotation cannot have a grace period: --grace 0')
      return undoneJson(undone, dryRun)
    }
    if (finish) {
      const finished = await finishRotation(ctx, wanted)
      this.print(finishedText(finished, dryRun))
      return finishedJson(finished, await this.closed(finished.token, finished.changed), dryRun)
    }
    const rotated = await rotateServiceToken(ctx, {...wanted, grace})
    const {token, previousUntil} = rotated
    for (const warning of rotated.warnings) this.warn(warning)
    this.print(rotationText(rotated, dryRun))
    const closed = await this.closed(token, previousUntil === undefined)
    if (previousUntil !== undefined && !dryRun) this.next(`zt token rotate ${shellQuote(token)} --finish`)
    return rotationJson(rotated, closed, dryRun)
  }

  /** Ends this machine's connections with a token, if its previous secret has ended. */
  private async closed(token: {id: string; clientId: string}, ended: boolean): Promise<ClosedConnections> {
    const closed = ended ? await endConnections(this.connectionsOf(token)) : {connections: []}
    this.showClosed(closed)
    return closed
  }
}
