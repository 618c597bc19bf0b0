import {Flags} from '@oclif/core'
import {listStores} from '../../lib/access/stores/list.js'
import {useStore} from '../../lib/access/stores/use.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {dryRunFlag, parseStore, yesFlag} from '../../lib/command/flags.js'
import {askNewPassphrase} from '../../lib/command/new-passphrase.js'
import {presentUsedStore, usedStoreJson} from '../../lib/command/present/used-store.js'
import {storeArg} from '../../lib/command/args.js'
import {agreeToShare} from '../../lib/command/share-api-token.js'
import type {Secret} from '../../lib/core/secret.js'

export default class StoreUse extends AccessCommand<typeof StoreUse> {
  static override summary = 'Choose the secret store of the profile, after testing it'
  static override description =
    'The API token moves to it; before it moves into a credential helper, which others may read, zt asks. Secrets of service tokens stay where they are until zt store move. With --recipient the vault needs no identity on this machine and cannot be read on it: for CI.'
  static override examples = [
    '<%= config.bin %> store use keychain',
    '<%= config.bin %> store use helper:pass',
    '<%= config.bin %> store use vault --passphrase',
    '<%= config.bin %> store use vault --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  ]
  static override args = {
    store: storeArg,
  }
  static override flags = {
    passphrase: Flags.boolean({
      description: 'vault: protect a new identity with a passphrase [env: ZT_VAULT_PASSPHRASE_FILE]',
      exclusive: ['recipient'],
    }),
    recipient: Flags.string({
      description: 'vault: encrypt to this age recipient',
      helpValue: 'age1...',
      multiple: true,
      default: [],
    }),
    yes: yesFlag,
    'dry-run': dryRunFlag,
  }

  async run(): Promise<object> {
    const kind = parseStore(this.args.store ?? (await this.pick()))
    const {passphrase: protect, recipient: recipients, yes, 'dry-run': dryRun} = this.flags
    const warn = (text: string): void => void this.warn(text)
    const {environmentRecipients} = this.settings
    const vaultRecipients = recipients.length > 0 ? recipients : environmentRecipients
    const settings = {...this.settings, vaultRecipients}
    let typed: Promise<Secret> | undefined
    const newPassphrase = (): Promise<Secret> => (typed ??= askNewPassphrase(this.prompts))
    // A passphrase that was just typed twice is not asked for a third time.
    const ctx = this.access(settings, protect ? {askPassphrase: newPassphrase} : {})
    const sharing = {prompts: this.prompts, yes, warn, instead: `zt store use ${kind} --yes`}
    const used = await useStore(ctx, settings, {
      ...{kind, recipients, dryRun, mayShareApiToken: agreeToShare(sharing)},
      newPassphrase: protect ? newPassphrase : undefined,
    })
    const {text, warnings, next} = presentUsedStore(used, dryRun)
    warnings.forEach(warn)
    this.print(text)
    if (this.settings.storeSource === 'environment' && this.settings.store !== kind)
      this.warn(`ZT_STORE is set to ${this.settings.store} and overrides the profile's store`)
    this.next(...next)
    return {profile: this.settings.profileName, ...usedStoreJson(used), dryRun}
  }

  private async pick(): Promise<string> {
    this.prompts.require('The store', 'zt store use STORE')
    const stores = await listStores(this.access(), this.settings)
    return this.prompts.choose(
      'Store',
      stores
        .filter(({writable}) => writable)
        .map(({kind, status}) => ({name: `${kind}  ${status.state}`, value: kind})),
    )
  }
}
