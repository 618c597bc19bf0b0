import {Args, Flags} from '@oclif/core'
import {moveSecrets, type MovedToken} from '../../lib/access/stores/move.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {parseStore} from '../../lib/command/flags.js'
import {style} from '../../lib/cli/streams.js'
import {exitCodeOf} from '../../lib/core/exit-codes.js'
import type {KeepingStoreKind} from '../../lib/secrets/stores.js'

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
    from: Flags.custom<KeepingStoreKind>({
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
    this.present(moved, to)
    const failed = moved.find(({error}) => error !== undefined)
    if (failed) process.exitCode = exitCodeOf(failed.error)
    return {
      profile: this.settings.profileName,
      to,
      dryRun,
      tokens: moved.map((one) => ({...one, error: one.error ? this.errorJson(one.error) : null})),
    }
  }

  private present(moved: MovedToken[], to: KeepingStoreKind): void {
    if (moved.length === 0) this.print('There is nothing to move.')
    for (const {token, from, state, copyLeft, error} of moved) {
      const name = style.bold(token.name)
      if (state === 'moved') this.print(`${style.green('✓')} ${name} moved from ${from} to ${to}`)
      if (state === 'would-move') this.print(`Would move ${name} from ${from} to ${to}`)
      if (state === 'already-there') this.print(`${style.green('✓')} ${name} is in ${to} already`)
      if (copyLeft) this.warn(`The ${from} did not let go of its copy of ${token.name}; see zt store check`)
      if (!error) continue
      this.print(`${style.red('✗')} ${name} stays in ${from}`)
      if (!this.jsonEnabled()) this.showError(error)
    }
    if (this.settings.profileStore !== to && moved.some(({state}) => state === 'moved'))
      this.next(`zt store use ${to}`)
  }
}
