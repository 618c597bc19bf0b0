import {Flags} from '@oclif/core'
import {recoverUnfinished} from '../../lib/access/tokens/recover.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {dryRunFlag, keepConnectionsFlag} from '../../lib/command/flags.js'
import {recoveredJson, recoveredText} from '../../lib/command/present/recovery.js'
import {exitCodeOfKind} from '../../lib/core/exit-codes.js'
import {endConnections} from '../../lib/tunnel/connections/end.js'

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
    const {recovered, unread, elsewhere} = await recoverUnfinished(this.access(), {
      dryRun,
      undo: this.flags.undo,
    })
    if (recovered.length === 0) this.print('No interrupted creation or rotation was found.')
    else if (dryRun) this.print('Would settle as follows; nothing is changed now.')
    const operations: object[] = []
    for (const one of recovered) {
      const {endsSecretOf: token} = one
      const closed = token ? await endConnections(this.connectionsOf(token)) : {connections: []}
      this.print(recoveredText(one, this.heardOf(closed)))
      this.next(...one.next)
      operations.push(recoveredJson(one, closed))
    }
    const {damaged, newer} = unread
    for (const file of damaged) this.warn(`${file} is damaged, so zt cannot tell what it was about`)
    for (const file of newer) this.warn(`A newer zt wrote ${file}: only that one can settle it`)
    for (const {profile, count} of elsewhere) {
      this.note(`${count} of profile ${profile}:`)
      this.next(`zt token recover --profile ${profile}`)
    }
    if (damaged.length + newer.length > 0 || recovered.some(({settlement}) => settlement === 'waiting'))
      process.exitCode = exitCodeOfKind('needs-action')
    return {operations, damaged, newer, elsewhere, dryRun}
  }
}
