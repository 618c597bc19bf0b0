import type {AccessApi, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {namedAddress, plainDomain} from '../../core/public-address.js'
import {readCredentials, saveCredentials} from '../../secrets/credentials.js'
import {hasSecretShape} from '../../secrets/copied/values.js'
import {requireReady} from '../../secrets/stores.js'
import type {SecretStore, ServiceCredentials, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {resolveToken} from '../account/resolve.js'
import {unambiguous} from '../explain/explain.js'
import {withTokenLock} from './lock.js'
import {knowledge, type KnownToken} from './list.js'
import {indexSecret} from './stored-secret.js'

export interface ImportResult {
  token: KnownToken
  /** `saved`: there was none. `replaced`: there was another secret. `same`: this one was stored already. */
  how: 'saved' | 'replaced' | 'same'
  dryRun: boolean
  store: Pick<SecretStore, 'kind' | 'label'>
  bound: {host: string; replaced: boolean} | undefined
  warnings: string[]
}

/**
 * Saves the credentials of a service token that was created elsewhere. The account must have a token with this client ID.
 * Whether the secret is the present one, no API says; the first use shows it.
 *
 * @param options.token the token that it must be: name, ID or client ID
 * @param options.replace replaces another secret that is stored for the token
 * @param options.host a host, or `HOST/PATH`, to bind to the token
 * @throws UserError `not-found` / `CLIENT_ID_UNKNOWN`, `usage`, `needs-action` (store); `conflict` / `SECRET_ALREADY_STORED`,
 *   `TOKEN_BUSY`; ApiError
 */
export async function importToken(
  ctx: AccessContext,
  options: {
    credentials: ServiceCredentials
    token?: string | undefined
    replace?: boolean
    host?: string | undefined
    dryRun?: boolean
  },
): Promise<ImportResult> {
  const {credentials, replace = false, dryRun = false} = options
  const host = options.host === undefined ? undefined : plainDomain(namedAddress(options.host).text)
  const api = await ctx.api()
  ctx.progress.step('Looking for the service token')
  const all = await api.listServiceTokens()
  const token = findToken(ctx, credentials.clientId, options.token, all)
  const run = async (): Promise<ImportResult> => {
    const warnings = hasSecretShape(credentials.clientSecret.expose())
      ? []
      : ['The secret has a form that zt does not know; its first use will show whether it is valid']
    const {how, store} = await save(ctx, api, token, credentials, {replace, dryRun})
    const bound = host === undefined ? undefined : await bind(ctx, token, host, dryRun)
    const known = (await knowledge(ctx, api))(token)
    if (known.status !== 'active') {
      const fix = known.status === 'disabled' ? 'enable' : 'refresh'
      warnings.push(
        `The service token is ${known.status} and opens nothing. To fix that: ${ztCommand(ctx, 'token', fix, unambiguous(token, all))}`,
      )
    }
    return {token: known, how, dryRun, store: {kind: store.kind, label: store.label}, bound, warnings}
  }
  return dryRun ? run() : withTokenLock(ctx, token.id, run)
}

function findToken(
  ctx: AccessContext,
  clientId: string,
  wanted: string | undefined,
  tokens: readonly ServiceToken[],
): ServiceToken {
  const named = wanted === undefined ? undefined : resolveToken(ctx, wanted, tokens)
  const byId = tokens.find(({id}) => id === clientId)
  if (byId) {
    throw new UserError({
      kind: 'usage',
      code: 'NOT_A_CLIENT_ID',
      message: `The given client ID is the ID of "${byId.name}"`,
      why: `Its client ID is ${byId.clientId}. Nothing was changed.`,
      details: {tokenId: byId.id, clientId: byId.clientId},
    })
  }
  const token = tokens.find((one) => one.clientId === clientId)
  if (!token) {
    // The input may be anything, even a secret, so it is not repeated.
    throw new UserError({
      kind: 'not-found',
      code: 'CLIENT_ID_UNKNOWN',
      message: 'No service token in this account has this client ID',
      why: 'The token was deleted or belongs to another account, or this is not a client ID. Nothing was changed.',
      next: [ztCommand(ctx, 'token', 'list'), 'Check --account and --profile'],
    })
  }
  if (named && named.id !== token.id) {
    throw new UserError({
      kind: 'usage',
      code: 'TOKEN_MISMATCH',
      message: `These credentials belong to "${token.name}", not to "${named.name}"`,
      why: `The client ID of "${named.name}" is ${named.clientId}. Nothing was changed.`,
      details: {tokenId: token.id, wantedTokenId: named.id},
    })
  }
  return token
}

/** Saves the pair, unless another secret is stored for the token. */
async function save(
  ctx: AccessContext,
  api: AccessApi,
  token: ServiceToken,
  credentials: ServiceCredentials,
  {replace, dryRun}: {replace: boolean; dryRun: boolean},
): Promise<{how: ImportResult['how']; store: SecretStore}> {
  ctx.progress.step('Checking the secret store')
  const entries = (await ctx.index.list()).filter(({tokenId}) => tokenId === token.id)
  const entry = entries.find(({profile}) => profile === ctx.profile)
  const chosen = await ctx.store()
  await requireReady(chosen, {write: true})
  // A secret may be in the store that the index names, or in the one that was chosen.
  const places = entry && entry.store !== chosen.kind ? [await ctx.storeOf(entry.store), chosen] : [chosen]
  for (const store of places.filter((one) => one !== chosen)) await requireReady(store, {write: false})
  const found = await Promise.all(places.map((store) => whatIsThere(store, token.id, credentials, replace)))
  const sameAt = places[found.findIndex((one) => one.state === 'same')]
  const differentAt = places[found.findIndex((one) => one.state === 'another')]
  if (differentAt && !replace) throw alreadyStored(ctx, token, differentAt, credentials, found)
  const how = differentAt ? 'replaced' : sameAt ? 'same' : 'saved'
  // A secret that is stored already stays where it is.
  const store = how === 'same' && sameAt ? sameAt : chosen
  if (dryRun) return {how, store}
  if (how !== 'same') {
    ctx.progress.step('Saving the secret')
    await saveOrRestore(chosen, token.id, credentials, found[places.indexOf(chosen)]?.credentials)
  }
  const kept = how === 'same' ? entry : undefined
  const of = {accountId: api.accountId ?? '', name: token.name}
  const {previousUntil, storedAt, secretVersion, imported} = kept ?? {
    secretVersion: token.secretVersion,
    imported: true,
  }
  const known = {previousUntil, storedAt, secretVersion, imported}
  await indexSecret(ctx, store, of, {...token, ...known, tokenId: token.id})
  // A replaced secret must not stay in another store, unless another profile uses it there.
  for (const old of how === 'replaced' ? places.filter((one) => one !== chosen) : []) {
    const used = entries.some(({profile, store: kind}) => profile !== ctx.profile && kind === old.kind)
    if (!used && old.writable) await old.delete({kind: 'service-token', id: token.id})
  }
  return {how, store}
}

interface Found {
  state: 'nothing' | 'same' | 'another'
  credentials: StoredCredentials | undefined
}

async function whatIsThere(
  store: SecretStore,
  tokenId: string,
  {clientSecret}: ServiceCredentials,
  replace: boolean,
): Promise<Found> {
  // A store that can only be written cannot say which secret it has.
  if (!store.readable) {
    const there = await store.has({kind: 'service-token', id: tokenId})
    return {state: there ? 'another' : 'nothing', credentials: undefined}
  }
  try {
    const credentials = await readCredentials(store, tokenId)
    if (!credentials) return {state: 'nothing', credentials}
    return {state: credentials.clientSecret.equals(clientSecret) ? 'same' : 'another', credentials}
  } catch (error) {
    // A damaged entry is no longer a secret; --replace may overwrite it.
    if (!(error instanceof UserError) || error.code !== 'STORED_SECRET_DAMAGED' || !replace) throw error
    return {state: 'another', credentials: undefined}
  }
}

/** If the store does not keep the new pair, the old one is saved again: it may be the only copy. */
async function saveOrRestore(
  store: SecretStore,
  tokenId: string,
  credentials: ServiceCredentials,
  old: StoredCredentials | undefined,
): Promise<void> {
  try {
    await saveCredentials(store, tokenId, credentials)
  } catch (error) {
    if (old) await saveCredentials(store, tokenId, old).catch(() => undefined)
    throw error
  }
}

async function bind(
  ctx: AccessContext,
  token: ServiceToken,
  host: string,
  dryRun: boolean,
): Promise<ImportResult['bound']> {
  const previous = (await ctx.index.bindings(ctx.profile)).find((binding) => binding.host === host)
  if (previous?.tokenId !== token.id && !dryRun) {
    const boundAt = new Date(ctx.clock.now()).toISOString()
    await ctx.index.bind({profile: ctx.profile, host, tokenId: token.id, boundAt})
  }
  return {host, replaced: previous !== undefined && previous.tokenId !== token.id}
}

function alreadyStored(
  ctx: AccessContext,
  token: ServiceToken,
  store: SecretStore,
  {clientSecret}: ServiceCredentials,
  found: readonly Found[],
): UserError {
  const older = found.some(({credentials}) => credentials?.previous?.clientSecret.equals(clientSecret))
  const why = !store.readable
    ? `${store.label} cannot be read here, so zt cannot tell whether it is the same.`
    : older
      ? 'The given secret is from before a rotation; the stored one is newer.'
      : 'It is not the given one, and Cloudflare shows a secret only once.'
  return new UserError({
    kind: 'conflict',
    code: 'SECRET_ALREADY_STORED',
    message: `A secret of "${token.name}" is already in ${store.label}`,
    why: `${why} Nothing was changed.`,
    next: [`To replace the stored one: ${ztCommand(ctx, 'token', 'import', token, '--replace')}`],
    details: {tokenId: token.id, store: store.kind},
  })
}
