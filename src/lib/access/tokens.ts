import type {AccessApi, NewServiceToken, ServiceToken} from '../api/types.js'
import {parseTokenDuration} from '../core/duration.js'
import {ApiError, UserError, messageOf} from '../core/errors.js'
import type {Secret} from '../core/secret.js'
import {saveCredentials} from '../secrets/credentials.js'
import {requireReady} from '../secrets/open.js'
import {rehearse} from '../secrets/rehearse.js'
import type {IndexEntry, SecretStore} from '../secrets/types.js'
import {ztCommand} from './command-line.js'
import type {AccessContext} from './context.js'
import {resolveToken} from './resolve.js'

/** Cloudflare's limit for a service token's name. */
const NAME_LIMIT = 350
/** What a token is called while it is being made: by this, an interrupted run finds it again. */
const UNFINISHED = /~zt-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export interface CreatedToken {
  token: ServiceToken
  /** For --reveal, and nothing else. */
  clientSecret: Secret
  store: Pick<SecretStore, 'kind' | 'label'>
}

/**
 * Creates a service token and keeps its one-time secret. Whatever can fail without a token is done before the POST;
 * if the secret cannot be kept afterwards, the token is deleted again.
 *
 * @throws UserError `usage` (name, duration), `conflict` / `TOKEN_NAME_TAKEN`, `needs-action` (store); ApiError
 */
export async function createServiceToken(
  ctx: AccessContext,
  options: {name: string; duration?: string | undefined},
): Promise<CreatedToken> {
  const name = checkTokenName(options.name)
  const duration = options.duration === undefined ? undefined : parseTokenDuration(options.duration).api
  const store = await readyStore(ctx)
  const api = await ctx.api()
  await refuseTakenName(ctx, api, name)
  ctx.progress.step('Creating the service token')
  const created = await postOnce(ctx, api, {name, ...(duration !== undefined && {duration})})
  ctx.progress.step('Saving its secret')
  await keepOrDelete(ctx, api, store, created)
  return {...created, store: {kind: store.kind, label: store.label}}
}

/**
 * A name that can be given, trimmed. Asked by the prompts as well.
 *
 * @param usage the command line to suggest
 * @throws UserError `usage` / `BAD_TOKEN_NAME`
 */
export function checkTokenName(text: string, usage = 'zt token create NAME'): string {
  const name = text.trim()
  const bad = (message: string, why: string): UserError =>
    new UserError({kind: 'usage', code: 'BAD_TOKEN_NAME', message, why, next: [usage]})
  if (name === '') throw bad('The name is empty', 'A service token is referred to by its name.')
  if (name.length > NAME_LIMIT) {
    throw bad(`The name is too long: ${name.length} characters`, `Cloudflare takes at most ${NAME_LIMIT}.`)
  }
  if (/\p{Cc}/u.test(name)) {
    throw bad(
      'The name holds control characters',
      'Nobody could type it again, and a terminal would act on it.',
    )
  }
  if (isUnfinishedName(name)) {
    throw bad(
      'The name ends as those of zt itself do',
      'What ends in ~zt- and a UUID is a token that is being made; a run that was interrupted is found again by it.',
    )
  }
  return name
}

/** Whether a token of this name is still being made, or was left behind by a run that was interrupted. */
export function isUnfinishedName(name: string): boolean {
  return UNFINISHED.test(name)
}

/** Rehearses the store before a token exists: its prompts come now, and what would lose a secret fails now. */
async function readyStore(ctx: AccessContext): Promise<SecretStore> {
  ctx.progress.step('Trying the secret store')
  const store = await ctx.store()
  await requireReady(store, {write: true})
  await rehearse(store)
  return store
}

async function refuseTakenName(ctx: AccessContext, api: AccessApi, name: string): Promise<void> {
  ctx.progress.step('Looking for a token of that name')
  const taken = (await api.listServiceTokens()).find((token) => token.name === name)
  if (!taken) return
  throw new UserError({
    kind: 'conflict',
    code: 'TOKEN_NAME_TAKEN',
    message: `There is already a service token "${name}"`,
    why: `Its id is ${taken.id}. Cloudflare would take a second one of that name, and nobody could tell them apart.`,
    next: [ztCommand(ctx, 'token', 'show', name), 'Choose another name'],
    details: {tokenId: taken.id},
  })
}

/** One POST. When its answer is lost, says whether a token was made whose secret nobody has. */
async function postOnce(
  ctx: AccessContext,
  api: AccessApi,
  params: {name: string; duration?: string},
): Promise<NewServiceToken> {
  try {
    return await api.createServiceToken(params)
  } catch (error) {
    if (!(error instanceof ApiError) || !error.outcomeUnknown) throw error
    const left = await api.listServiceTokens().then(
      (tokens) => tokens.filter((token) => token.name === params.name),
      () => undefined,
    )
    const found =
      left === undefined
        ? 'Whether the token was made could not be found out.'
        : left.length === 0
          ? 'No token of that name was made.'
          : `A token of that name exists now (id ${left.map(({id}) => id).join(', ')}), and its secret came to nobody: it is of no use.`
    throw new ApiError({
      kind: error.kind,
      code: left?.length === 0 ? error.code : 'TOKEN_OUTCOME_UNKNOWN',
      message: error.message,
      why: `${error.why ?? ''} ${found}`.trim(),
      next:
        left?.length === 0
          ? ['Try again']
          : [ztCommand(ctx, 'token', 'list'), 'Delete the token in the dashboard, then create it again'],
      status: error.status,
      apiCodes: [...error.apiCodes],
      ray: error.ray,
      outcomeUnknown: left === undefined || left.length > 0,
      details: left === undefined ? {} : {tokenIds: left.map(({id}) => id)},
      cause: error,
    })
  }
}

async function keepOrDelete(
  ctx: AccessContext,
  api: AccessApi,
  store: SecretStore,
  {token, clientSecret}: NewServiceToken,
): Promise<void> {
  try {
    await saveCredentials(store, token.id, {clientId: token.clientId, clientSecret})
    await ctx.index.put({
      tokenId: token.id,
      clientId: token.clientId,
      name: token.name,
      profile: ctx.profile,
      accountId: api.accountId ?? '',
      store: store.kind as IndexEntry['store'],
      storedAt: new Date(ctx.clock.now()).toISOString(),
      expiresAt: token.expiresAt,
    })
  } catch (error) {
    const deleted = await api.deleteServiceToken(token.id).then(
      () => true,
      () => false,
    )
    if (deleted) await store.delete({kind: 'service-token', id: token.id}).catch(() => false)
    throw new UserError({
      kind: error instanceof UserError ? error.kind : 'needs-action',
      code: deleted ? 'SECRET_NOT_SAVED' : 'SECRET_LOST',
      message: `The secret of "${token.name}" could not be saved in ${store.label}`,
      why: [
        error instanceof UserError ? `${error.message}. ${error.why ?? ''}`.trim() : messageOf(error),
        deleted
          ? 'The new token was deleted again.'
          : `The new token could not be deleted either: it exists with id ${token.id}, and its secret is lost.`,
      ].join(' '),
      next: [
        ...(deleted ? [] : [`Delete the service token ${token.id} in the dashboard`]),
        ...(error instanceof UserError ? error.next : []),
      ],
      details: {tokenId: token.id, deleted},
      cause: error,
    })
  }
}

/** A service token with what this machine knows of it. */
export interface KnownToken {
  token: ServiceToken
  /** Where its secret is kept here; undefined: not here. */
  store: IndexEntry['store'] | undefined
  /** Hosts for which this profile uses it. */
  hosts: string[]
  status: 'active' | 'disabled' | 'expired'
}

/** All service tokens of the account, by name. */
export async function listServiceTokens(ctx: AccessContext): Promise<KnownToken[]> {
  const api = await ctx.api()
  ctx.progress.step('Listing the service tokens')
  const [tokens, known] = await Promise.all([api.listServiceTokens(), knowledge(ctx)])
  return tokens.map(known).sort((a, b) => a.token.name.localeCompare(b.token.name))
}

/** One service token, by name, id or Client ID. */
export async function showServiceToken(ctx: AccessContext, wanted: string): Promise<KnownToken> {
  const api = await ctx.api()
  ctx.progress.step('Reading the service token')
  const [tokens, known] = await Promise.all([api.listServiceTokens(), knowledge(ctx)])
  return known(resolveToken(ctx, wanted, tokens))
}

/** What this machine knows of the service tokens, for any one of them. */
export async function knowledge(ctx: AccessContext): Promise<(token: ServiceToken) => KnownToken> {
  const [entries, bindings] = await Promise.all([
    ctx.index.list(ctx.profile),
    ctx.index.bindings(ctx.profile),
  ])
  return (token) => ({
    token,
    store: entries.find(({tokenId}) => tokenId === token.id)?.store,
    hosts: bindings.filter(({tokenId}) => tokenId === token.id).map(({host}) => host),
    status: tokenStatus(token, ctx.clock.now()),
  })
}

/** Whether a token opens anything at all now. */
export function tokenStatus(token: ServiceToken, now: number): KnownToken['status'] {
  if (!token.enabled) return 'disabled'
  return token.expiresAt !== undefined && Date.parse(token.expiresAt) <= now ? 'expired' : 'active'
}
