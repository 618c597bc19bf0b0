import type {KnownCommand} from '../../api/operations.js'
import {neededBy} from '../../api/permissions.js'
import type {Account, ApiTokenStatus, PermissionState} from '../../api/types.js'
import {requireReady} from '../../secrets/stores.js'
import type {SecretStore} from '../../secrets/types.js'
import {identify} from './identity.js'
import {notLoggedIn, type AccessContext} from './context.js'

/** Removes a profile's API token from its store; secrets of service tokens stay. False when there was none. */
export async function logout(ctx: AccessContext, kind: SecretStore['kind'] | undefined): Promise<boolean> {
  forgetNames(ctx)
  if (kind === undefined) return false
  const store = await ctx.storeOf(kind)
  await requireReady(store, {write: true})
  return store.delete({kind: 'api-token', id: ctx.profile})
}

/** A permission group, and which commands need it, as they are typed: `token create`. */
export interface KnownPermission extends PermissionState {
  neededBy: string[]
}

export interface WhoAmI {
  apiToken: ApiTokenStatus
  source: 'environment' | 'store'
  account: Account | undefined
  /** Undefined when not probed: it was not asked for, or the account is not known. */
  permissions: KnownPermission[] | undefined
}

/**
 * Whom the API token identifies.
 *
 * @param probe whether to find out which permissions the API token has; that changes nothing
 * @param commands all commands of zt: a permission group says which of them need it
 */
export async function whoami(
  ctx: AccessContext,
  {probe, commands}: {probe: boolean; commands: readonly (KnownCommand & {id: string})[]},
): Promise<WhoAmI> {
  const found = await ctx.apiToken()
  if (!found) throw notLoggedIn(ctx)
  ctx.progress.step('Asking Cloudflare')
  const fromEnvironment = found.source === 'environment'
  const {apiToken, accounts} = await identify(ctx, found.token, fromEnvironment)
  const account =
    ctx.accountId === undefined
      ? accounts.length === 1
        ? accounts[0]
        : undefined
      : (accounts.find(({id}) => id === ctx.accountId) ?? {id: ctx.accountId, name: ctx.accountId})
  let permissions: KnownPermission[] | undefined
  if (probe && account) {
    ctx.progress.step('Checking the permissions')
    const states = await ctx.apiWith(found.token, account.id, fromEnvironment).probePermissions()
    permissions = states.map((state) => ({
      ...state,
      neededBy: commands
        .filter((command) => neededBy(command).includes(state.group))
        .map(({id}) => id.replaceAll(':', ' ')),
    }))
  }
  return {apiToken, source: found.source, account, permissions}
}

/**
 * Removes everything that this machine keeps for a profile: secrets, index, host bindings. For a sandbox that is reset,
 * whose tokens no longer exist, and for a profile that is deleted. A secret that another profile uses stays.
 */
export async function forgetServiceTokens(ctx: AccessContext): Promise<number> {
  const entries = await ctx.index.list(ctx.profile)
  const only = await onlyOf(ctx)
  for (const entry of entries) {
    if (only.includes(entry.tokenId)) {
      const store = await ctx.storeOf(entry.store)
      await store.delete({kind: 'service-token', id: entry.tokenId})
    }
    await ctx.index.remove(ctx.profile, entry.tokenId)
  }
  for (const {host} of await ctx.index.bindings(ctx.profile)) await ctx.index.unbind(ctx.profile, host)
  forgetNames(ctx)
  return entries.length
}

/** The IDs of the tokens whose secrets here no other profile uses. */
export async function onlyOf({index, profile}: AccessContext): Promise<string[]> {
  const entries = await index.list()
  const isOther = (tokenId: string, store: string): boolean =>
    entries.some((one) => one.profile !== profile && one.tokenId === tokenId && one.store === store)
  return entries
    .filter((one) => one.profile === profile && !isOther(one.tokenId, one.store))
    .map(({tokenId}) => tokenId)
}

/** Drops the names that shells complete, for all profiles of the account. */
function forgetNames({accountId, names}: AccessContext): void {
  if (accountId !== undefined) names.forget(accountId)
}
