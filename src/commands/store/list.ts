import {listStores, type KnownStore} from '../../lib/access/stores/list.js'
import {AccessCommand} from '../../lib/command/access-command.js'
import {quietFlag} from '../../lib/command/flags.js'
import {stateColour, storeJson} from '../../lib/command/present/store.js'
import {ztCommand} from '../../lib/core/command-line.js'
import {style} from '../../lib/cli/streams.js'
import {table} from '../../lib/cli/table.js'

export default class StoreList extends AccessCommand<typeof StoreList> {
  static override summary = 'List the secret stores of this machine'
  static override description =
    'These are the OS keychain, every docker-credential-* helper on PATH, the age vault, and the environment if its variables are set.'
  static override examples = ['<%= config.bin %> store list', '<%= config.bin %> store list --json']

  static override flags = {quiet: quietFlag}

  async run(): Promise<object> {
    const ctx = this.access()
    const stores = await listStores(ctx, this.settings)
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
      if (inUse || tokens > 0 || apiToken !== false || status.state !== 'absent')
        this.next(...adviceHere(ctx, status.next, stores))
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

/** The list that advice speaks of is in view: what is left is to choose from it. */
function adviceHere(
  ctx: Parameters<typeof ztCommand>[0],
  next: readonly string[],
  stores: readonly KnownStore[],
): string[] {
  const usable = stores.find(({status, writable, inUse}) => status.state === 'ready' && writable && !inUse)
  return next.flatMap((step) => {
    const [said = step, list] = step.split(/(?:, or use|^Use) another store: zt store list$/)
    if (list === undefined) return [step]
    const use = usable && ztCommand(ctx, 'store', 'use', usable.kind)
    if (use === undefined) return said === '' ? [] : [said]
    return [said === '' ? `Use another store: ${use}` : `${said}, or use another store: ${use}`]
  })
}
