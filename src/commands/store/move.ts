import {Args, Flags} from '@oclif/core'
import {moveSecrets, type MoveOptions} from '../../lib/access/stores/move.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {parseStore} from '../../lib/command/flags.js'
import {movedText} from '../../lib/command/present/store.js'
import {exitCodeOf} from '../../lib/core/exit-codes.js'

export default class StoreMove extends AccessCommand<typeof StoreMove> {
  static override summary = "Move secrets of the profile's service tokens into another store"
  static override description =
    'Each is copied and read back before the old copy is deleted. It may be interrupted at any point and run again.'
  static override examples = [
    '<%= config.bin %> store move keychain --dry-run',
    '<%= config.bin %> store move keychain',
    '<%= config.bin %> store move helper:pass --token gitlab-admin --from vault',
  ]
  static override args = {
    store: Args.string({description: 'keychain, vault or helper:NAME', ignoreStdin: true, required: true}),
  }
  static override flags = {
    token: Flags.string({
      description: 'only this service token, by name, id or Client ID; may be repeated',
      helpValue: 'NAME',
      multiple: true,
      default: [],
    }),
    from: Flags.custom<MoveOptions['to']>({
      description: 'only what is in this store',
      helpValue: 'STORE',
      parse: (text) => Promise.resolve(parseStore(text)),
    })(),
    'dry-run': Flags.boolean({description: 'show what would move, move nothing'}),
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
