import type {AccessApi, ServiceToken} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import {normaliseHostname} from '../../core/hostname.js'
import {readCredentials, saveCredentials} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/stores.js'
import type {IndexEntry} from '../../secrets/index-files.js'
import type {SecretStore, ServiceCredentials, StoredCredentials} from '../../secrets/types.js'
import {ztCommand} from '../../core/command-line.js'
import type {AccessContext} from '../account/context.js'
import {hasSecretShape} from './credential-input.js'
import {resolveToken} from '../account/resolve.js'
import {withTokenLock} from './lock.js'
import {knowledge, type KnownToken} from './list.js'

export interface ImportResult {
  token: KnownToken
  /** `saved`: it was not here. `replaced`: another secret was. `same`: this very one was here already. */
  how: 'saved' | 'replaced' | 'same'
  dryRun: boolean
  store: Pick<SecretStore, 'kind' | 'label'>
  bound: {host: string; replaced: boolean} | undefined
  warnings: string[]
}

/**
 * Keeps the credentials of a service token that was made elsewhere. The account must have a token with this Client ID.
 * Whether the secret is its present one, no API tells; the first use does.
 *
 * @param options.token the token that it must be: name, id or Client ID
 * @param options.replace lets go of another secret that is here for the token
 * @param options.host a host that this profile is to open with it
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
  const host = options.host === undefined ? undefined : normaliseHostname(options.host)
  const api = await ctx.api()
  ctx.progress.step('Looking for the service token')
  const token = findToken(ctx, credentials.clientId, options.token, await api.listServiceTokens())
  const run = async (): Promise<ImportResult> => {
    const warnings = hasSecretShape(credentials.clientSecret.expose())
      ? []
      : ['The secret has a form that zt does not know. It is taken as it is; a use of it will tell']
    const {how, store} = await keep(ctx, api, token, credentials, {replace, dryRun})
    const bound = host === undefined ? undefined : await bind(ctx, token, host, dryRun)
    const known = (await knowledge(ctx))(token)
    if (known.status !== 'active') {
      const mend = known.status === 'disabled' ? 'enable' : 'refresh'
      warnings.push(
        `The service token is ${known.status}: it opens nothing until ${ztCommand(ctx, 'token', mend, token.name)}`,
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
      message: `What is given as Client ID is the id of "${byId.name}"`,
      why: `Its Client ID is ${byId.clientId}. Nothing was changed.`,
      details: {tokenId: byId.id, clientId: byId.clientId},
    })
  }
  const token = tokens.find((one) => one.clientId === clientId)
  if (!token) {
    // It may be anything, a secret included: it is not repeated.
    throw new UserError({
      kind: 'not-found',
      code: 'CLIENT_ID_UNKNOWN',
      message: 'No service token of the account has this Client ID',
      why: 'It was deleted, belongs to another account, or is not a Client ID. Nothing was changed.',
      next: [ztCommand(ctx, 'token', 'list'), 'Check --account and --profile'],
    })
  }
  if (named && named.id !== token.id) {
    throw new UserError({
      kind: 'usage',
      code: 'TOKEN_MISMATCH',
      message: `These credentials are of "${token.name}", not of "${named.name}"`,
      why: `The Client ID of "${named.name}" is another: ${named.clientId}. Nothing was changed.`,
      details: {tokenId: token.id, wantedTokenId: named.id},
    })
  }
  return token
}

/** Saves the pair, unless what is here for the token forbids it. */
async function keep(
  ctx: AccessContext,
  api: AccessApi,
  token: ServiceToken,
  credentials: ServiceCredentials,
  {replace, dryRun}: {replace: boolean; dryRun: boolean},
): Promise<{how: ImportResult['how']; store: SecretStore}> {
  ctx.progress.step('Trying the secret store')
  const entries = (await ctx.index.list()).filter(({tokenId}) => tokenId === token.id)
  const entry = entries.find(({profile}) => profile === ctx.profile)
  const chosen = await ctx.store()
  await requireReady(chosen, {write: true})
  // Where the index says that it is, and where it is to go: a secret may be in either.
  const places = entry && entry.store !== chosen.kind ? [await ctx.storeOf(entry.store), chosen] : [chosen]
  for (const store of places.filter((one) => one !== chosen)) await requireReady(store, {write: false})
  const found = await Promise.all(places.map((store) => whatIsThere(store, token.id, credentials, replace)))
  const sameAt = places[found.findIndex((one) => one.state === 'same')]
  const differentAt = places[found.findIndex((one) => one.state === 'another')]
  if (differentAt && !replace) throw alreadyStored(ctx, token, differentAt, credentials, found)
  const how = differentAt ? 'replaced' : sameAt ? 'same' : 'saved'
  // Without a word about the store to use, it stays where it is.
  const store = how === 'same' && sameAt ? sameAt : chosen
  if (dryRun) return {how, store}
  if (how !== 'same') {
    ctx.progress.step('Saving the secret')
    await saveOrRestore(chosen, token.id, credentials, found[places.indexOf(chosen)]?.credentials)
  }
  await ctx.index.put({
    ...entry,
    tokenId: token.id,
    clientId: token.clientId,
    name: token.name,
    profile: ctx.profile,
    accountId: api.accountId ?? '',
    store: store.kind as IndexEntry['store'],
    storedAt: how === 'same' && entry ? entry.storedAt : new Date(ctx.clock.now()).toISOString(),
    expiresAt: token.expiresAt,
    ...(how !== 'same' && {previousUntil: undefined}),
  })
  // What was replaced must not stay behind in another store, unless another profile uses it there.
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
  // A store that can only be written cannot be asked which secret it has.
  if (!store.readable) {
    const there = await store.has({kind: 'service-token', id: tokenId})
    return {state: there ? 'another' : 'nothing', credentials: undefined}
  }
  try {
    const credentials = await readCredentials(store, tokenId)
    if (!credentials) return {state: 'nothing', credentials}
    return {state: credentials.clientSecret.equals(clientSecret) ? 'same' : 'another', credentials}
  } catch (error) {
    // Something damaged is no secret any more; to be rid of it is what --replace is for.
    if (!(error instanceof UserError) || error.code !== 'STORED_SECRET_DAMAGED' || !replace) throw error
    return {state: 'another', credentials: undefined}
  }
}

/** A store that does not keep the new pair is given the old one again: it may be the only copy. */
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
    ? `${store.label} cannot be read here, so whether it is the same is not known.`
    : older
      ? 'The one that was given is from before a rotation; the one that is stored is newer.'
      : 'It is not the one that was given, and Cloudflare shows no secret a second time.'
  return new UserError({
    kind: 'conflict',
    code: 'SECRET_ALREADY_STORED',
    message: `A secret of "${token.name}" is in ${store.label} already`,
    why: `${why} Nothing was changed.`,
    next: [`To let go of the stored one: ${ztCommand(ctx, 'token', 'import', token, '--replace')}`],
    details: {tokenId: token.id, store: store.kind},
  })
}
