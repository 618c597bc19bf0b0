import {moveSecrets} from '../../lib/access/stores/move.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {dryRunFlag, fromFlag, parseStore, several} from '../../lib/command/flags.js'
import {movedText} from '../../lib/command/present/store.js'
import {storeArg, required} from '../../lib/command/args.js'
import {completing} from '../../lib/cli/completing.js'
import {exitCodeOf} from '../../lib/core/exit-codes.js'

export default class StoreMove extends AccessCommand<typeof StoreMove> {
  static override summary = "Move secrets of the profile's service tokens to another store"
  static override description =
    'Each secret is copied and read back before the old copy is deleted. You can interrupt the command at any time and run it again.'
  static override examples = [
    '<%= config.bin %> store move keychain --dry-run',
    '<%= config.bin %> store move keychain',
    '<%= config.bin %> store move helper:pass --token gitlab-admin --from vault',
  ]
  static override args = {
    store: required(storeArg),
  }
  static override flags = {
    token: completing('stored-token', several('service token: name, ID or client ID', 'NAME')),
    from: fromFlag,
    'dry-run': dryRunFlag,
  }

  async run(): Promise<object> {
    const {token: tokens, from, 'dry-run': dryRun} = this.flags
    const to = parseStore(this.args.store)
    const moved = await moveSecrets(this.access(), {to, from, tokens, dryRun})
    if (moved.length === 0) this.print('There is nothing to move.')
    for (const one of moved) {
      this.print(movedText(one, to))
      if (one.copyLeft)
        this.warn(`The ${one.from} did not delete its copy of ${one.token.name}; see zt store check`)
      if (one.error && !this.jsonEnabled()) this.showError(one.error)
    }
    if (this.settings.profileStore !== to && moved.some(({state}) => state === 'moved'))
      this.next(`zt store use ${to}`)
    const failed = moved.find(({error}) => error !== undefined)
    if (failed) process.exitCode = exitCodeOf(failed.error)
    return {
      profile: this.settings.profileName,
      to,
      dryRun,
      tokens: moved.map((one) => ({...one, error: one.error ? this.errorJson(one.error) : null})),
    }
  }
}
