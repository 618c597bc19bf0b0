import {Flags} from '@oclif/core'
import {recoverOperations, type Recovery, type Settlement} from '../../lib/access/tokens/recover.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {connectionsJson} from '../../lib/command/present/connections.js'
import {style} from '../../lib/cli/streams.js'
import {indented} from '../../lib/cli/wrapped.js'
import {exitCodeOfKind} from '../../lib/core/exit-codes.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'
import type {ClosedConnections} from '../../lib/tunnel/types.js'

export default class TokenRecover extends AccessCommand<typeof TokenRecover> {
  static override summary = 'Finish or undo interrupted token operations'
  static override description =
    'token create and token rotate record what they are about to do. If one of them is killed or an answer is lost, this command finds out what happened, finishes the operation if the secret is safe, undoes it if not, and says which. You can run it twice, interrupt it, and run it beside other commands. A rotation with --grace 0 that it finishes ends the connections that this machine opened with the token. The exit code is 9 if something must wait.'
  static override examples = [
    '<%= config.bin %> token recover',
    '<%= config.bin %> token recover --dry-run --json',
    '<%= config.bin %> token recover --undo',
  ]
  static override flags = {
    undo: Flags.boolean({description: 'also undo what could be finished; works without the store'}),
    'keep-connections': keepConnectionsFlag,
    'dry-run': dryRunFlag,
  }
  static override asks = {
    needs: ['listServiceTokens', 'getServiceToken', 'updateServiceToken', 'deleteServiceToken'],
  } as const

  async run(): Promise<object> {
    const dryRun = this.flags['dry-run']
    const recovery = await recoverOperations(this.access(), {dryRun, undo: this.flags.undo})
    const {recovered, damaged, elsewhere} = recovery
    const closed: ClosedConnections[] = []
    for (const {endsSecretOf: token} of recovered)
      closed.push(token ? await endConnections(this.connectionsOf(token)) : {connections: []})
    this.present(recovery, closed, dryRun)
    if (damaged.length > 0 || recovered.some(({settlement}) => settlement === 'waiting'))
      process.exitCode = exitCodeOfKind('needs-action')
    return {
      operations: recovered.map(({operation: {id, kind, name, startedAt}, settlement, why, next}, at) => ({
        id,
        kind,
        name,
        startedAt,
        settlement,
        why,
        next,
        connections: connectionsJson(closed[at] ?? {connections: []}),
      })),
      damaged,
      elsewhere,
      dryRun,
    }
  }

  private present(
    {recovered, damaged, elsewhere}: Recovery,
    closed: readonly ClosedConnections[],
    dryRun: boolean,
  ): void {
    if (recovered.length === 0) this.print('Nothing was interrupted.')
    else if (dryRun) this.print('Would settle as follows; nothing is changed now.')
    for (const [at, {operation, settlement, why, next}] of recovered.entries()) {
      const what = operation.kind === 'create' ? 'creating' : 'rotating'
      this.print(
        `${MARKS[settlement]()}  ${what} ${style.bold(operation.name)} ${style.dim(operation.startedAt)}`,
      )
      this.print(indented(why, MARK_WIDTH))
      const connections = this.heardOf(closed[at] ?? {connections: []})
      if (connections !== undefined) this.print(indented(connections, MARK_WIDTH))
      this.next(...next)
    }
    for (const file of damaged) this.warn(`${file} is damaged: nothing can be said of its operation`)
    for (const {profile, count} of elsewhere) {
      this.note(`${count} of profile ${profile}:`)
      this.next(`zt token recover --profile ${profile}`)
    }
  }
}

const MARK_WIDTH = 10
const MARKS: Record<Settlement, () => string> = {
  finished: () => style.green('finished'),
  undone: () => style.yellow('undone  '),
  busy: () => style.dim('busy    '),
  waiting: () => style.red('waiting '),
}
