import {listStores} from '../../lib/access/stores/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {quietFlag} from '../../lib/command/flags.js'
import {stateColour, storeJson} from '../../lib/command/present/store.js'
import {style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'

export default class StoreList extends AccessCommand<typeof StoreList> {
  static override summary = 'List the secret stores of this machine'
  static override description =
    'These are the OS keychain, every docker-credential-* helper on PATH, the age vault, and the environment if its variables are set.'
  static override examples = ['<%= config.bin %> store list', '<%= config.bin %> store list --json']

  static override flags = {quiet: quietFlag}

  async run(): Promise<object> {
    const stores = await listStores(this.access(), this.settings)
    for (const {kind} of stores) this.printId(kind)
    this.print(
      table(stores, [
        {title: 'STORE', value: ({kind}) => kind},
        {title: 'STATE', value: ({status}) => stateColour(status.state)},
        {title: 'IN USE', value: ({inUse}) => (inUse ? style.success('yes') : '')},
        {title: 'TOKENS', value: ({tokens}) => (tokens > 0 ? String(tokens) : '')},
        {
          title: 'API TOKEN',
          value: ({apiToken}) => (apiToken === undefined ? 'unknown' : apiToken ? 'yes' : ''),
        },
        {
          title: 'ACCESS',
          value: ({writable, readable}) => (writable ? (readable ? '' : 'write-only') : 'read-only'),
          optional: true,
        },
      ]),
    )
    for (const {kind, status, inUse, tokens, apiToken} of stores) {
      if (status.state === 'ready') {
        if (status.warning !== undefined && inUse) this.warn(status.warning)
        continue
      }
      this.note(`${kind}: ${status.why ?? status.state}`)
      // A store that is absent and unused needs no advice.
      if (inUse || tokens > 0 || apiToken !== false || status.state !== 'absent') this.next(...status.next)
    }
    if (this.settings.store === undefined) {
      this.note(
        'no store is chosen yet: the first secret goes to the keychain; if there is none, to the helper in ZT_CREDENTIAL_HELPER, or else to the vault',
      )
      this.next('zt store use')
    }
    return {
      profile: this.settings.profileName,
      inUse: this.settings.store ?? null,
      stores: stores.map(storeJson),
    }
  }
}
