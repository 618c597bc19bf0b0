import {parseTokenDuration} from '../../core/duration.js'
import type {Secret} from '../../core/secret.js'
import {requireReady} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import type {ServiceToken} from '../../api/types.js'
import type {AccessContext} from '../account/context.js'
import {Creation, refuseTaken} from './creation.js'
import {lockOf, newEntry, refuseUnfinished} from './journal-entries.js'
import {withLock} from './lock.js'
import {checkTokenName} from './list.js'

export interface CreatedToken {
  token: ServiceToken
  /** For --reveal only. */
  clientSecret: Secret
  store: Pick<SecretStore, 'kind' | 'label'>
  warnings: string[]
}

/**
 * Creates a service token and keeps its one-time secret. The token is created disabled and under a name that no other
 * token has. It gets its own name and is enabled when the secret is in the store, so whatever interrupts this, every
 * token that works has a secret. `recoverUnfinished` settles an interrupted run from the journal.
 *
 * @param options.operation the ID that the journal's entry is to have, and the index's entry keeps
 * @throws UserError `usage` (name, duration), `conflict` / `TOKEN_NAME_TAKEN`, `OPERATION_PENDING`, `TOKEN_BUSY`,
 *   `needs-action` (store); `SECRET_NOT_SAVED`: nothing is left; `TOKEN_PENDING`: the journal has it; ApiError
 */
export async function createServiceToken(
  ctx: AccessContext,
  options: {name: string; duration?: string | undefined; operation?: string | undefined},
): Promise<CreatedToken> {
  const name = checkTokenName(options.name)
  const duration = options.duration === undefined ? undefined : parseTokenDuration(options.duration).api
  ctx.progress.step('Checking the secret store')
  const store = await ctx.store()
  const warning = await requireReady(store, {write: true})
  const api = await ctx.api()
  const {operation: id} = options
  const entry = newEntry(ctx, api, {id, kind: 'create', name, token: undefined, store: store.kind})
  return withLock(ctx, lockOf(entry), async () => {
    await refuseUnfinished(ctx, (other) => other.kind === 'create' && lockOf(other) === lockOf(entry))
    const {token, made, warnings} = await new Creation(ctx, api, store, entry, duration).run()
    const {kind, label} = store
    if (warning !== undefined) warnings.push(warning)
    return {token, clientSecret: made.clientSecret, store: {kind, label}, warnings}
  })
}

/** Cloudflare's default for a token without a requested duration. */
const STANDARD_DURATION = '8760h'

/**
 * What {@link createServiceToken} would do, as far as that is known without changing anything.
 *
 * @throws like {@link createServiceToken}, except what only the store's rehearsal and the API's answer show
 */
export async function planServiceToken(
  ctx: AccessContext,
  options: {name: string; duration?: string | undefined},
): Promise<{name: string; duration: string; store: Pick<SecretStore, 'kind' | 'label'>; warnings: string[]}> {
  const name = checkTokenName(options.name)
  const {api: duration} = parseTokenDuration(options.duration ?? STANDARD_DURATION)
  const store = await ctx.store()
  const warning = await requireReady(store, {write: true})
  const api = await ctx.api()
  ctx.progress.step('Checking the name')
  const entry = newEntry(ctx, api, {kind: 'create', name, token: undefined, store: store.kind})
  await refuseUnfinished(ctx, (other) => lockOf(other) === lockOf(entry))
  refuseTaken(ctx, name, await api.listServiceTokens())
  const {kind, label} = store
  return {name, duration, store: {kind, label}, warnings: warning === undefined ? [] : [warning]}
}
