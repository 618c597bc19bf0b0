import {removeProfile, renameProfile} from '../../config/profiles.js'
import type {Settings} from '../../config/types.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {saveAndReadBack} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/stores.js'
import type {AccessContext} from './context.js'
import {forgetNames, forgetServiceTokens, logout, onlyOf} from './session.js'

/** What is deleted with a profile. */
export interface ProfileDeletion {
  /** The IDs of the tokens of {@link ProfileDeletion.secrets}. */
  tokenIds: string[]
  /** Service tokens whose only secret on this machine is deleted. */
  secrets: string[]
  /** Hosts that are bound to one of its tokens. */
  hosts: string[]
}

/**
 * What would be deleted with a profile.
 *
 * @param withSecrets whether secrets may be deleted that no other profile uses
 * @throws UserError `conflict` / `PROFILE_HAS_SECRETS`, `OPERATION_PENDING`
 */
export async function planProfileDeletion(
  ctx: AccessContext,
  {withSecrets}: {withSecrets: boolean},
): Promise<ProfileDeletion> {
  await refusePending(ctx)
  const only = await onlyOf(ctx)
  const entries = (await ctx.index.list(ctx.profile)).filter(({tokenId}) => only.includes(tokenId))
  const secrets = entries.map(({name}) => name)
  const hosts = (await ctx.index.bindings(ctx.profile)).map(({host}) => host)
  if (secrets.length === 0 || withSecrets) return {tokenIds: only, secrets, hosts}
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_HAS_SECRETS',
    message: `Profile ${ctx.profile} has secrets of service tokens on this machine`,
    why: [`Of ${secrets.join(', ')}.`, 'Cloudflare shows a secret only once. Nothing was changed.'],
    next: [
      ztCommand({profile: ctx.profile, profileNamed: true}, 'token', 'list'),
      `To delete these secrets too: zt profile delete ${ctx.profile} --with-secrets`,
    ],
    details: {tokens: secrets},
  })
}

/**
 * Deletes a profile, and what this machine keeps for it. The profile goes last, so that an interrupted deletion can be
 * repeated.
 *
 * @param agreed what was shown before it was confirmed; a secret that was saved since is not deleted
 * @returns whether it had an API token
 * @throws UserError `conflict` / `PROFILE_CHANGED`, `OPERATION_PENDING`; of the store; of {@link removeProfile}
 */
export async function deleteProfile(
  ctx: AccessContext,
  settings: Pick<Settings, 'apiTokenStore' | 'paths'>,
  agreed: ProfileDeletion,
): Promise<boolean> {
  const now = await planProfileDeletion(ctx, {withSecrets: true})
  if (now.tokenIds.some((id) => !agreed.tokenIds.includes(id))) {
    throw new UserError({
      kind: 'conflict',
      code: 'PROFILE_CHANGED',
      message: `Meanwhile another zt has saved a secret in profile ${ctx.profile}`,
      why: 'What was confirmed does not include it. Nothing was changed.',
      next: [ztCommand({profile: ctx.profile, profileNamed: true}, 'token', 'list')],
    })
  }
  const hadApiToken = await logout(ctx, settings.apiTokenStore)
  await forgetServiceTokens(ctx)
  await removeProfile(settings.paths, ctx.profile)
  return hadApiToken
}

/**
 * Gives a profile another name. Its API token, index, host bindings and undo records go with it; secrets of service tokens
 * are stored under the tokens' IDs, and stay where they are. Everything has the new name before the old one goes, so that
 * an interrupted renaming loses nothing and can be repeated.
 *
 * @throws UserError `conflict` / `PROFILE_NAME_TAKEN`, `OPERATION_PENDING`; of the store
 */
export async function renameWholeProfile(
  ctx: AccessContext,
  settings: Settings,
  to: string,
): Promise<{tokens: number; hosts: number}> {
  await refusePending(ctx)
  await refuseLeftovers(ctx, to)
  const dropApiToken = await copyApiToken(ctx, settings, to)
  await copyIndex(ctx, to)
  await renameProfile(settings.paths, ctx.profile, to)
  // With what another zt has stored meanwhile.
  const moved = await copyIndex(ctx, to)
  for (const {tokenId} of moved.entries) await ctx.index.remove(ctx.profile, tokenId)
  for (const {host} of moved.bindings) await ctx.index.unbind(ctx.profile, host)
  const {records} = await ctx.undo.list()
  for (const record of records)
    if (record.profile === ctx.profile) await ctx.undo.update({...record, profile: to})
  await dropApiToken()
  forgetNames(ctx)
  return {tokens: moved.entries.length, hosts: moved.bindings.length}
}

/** Its store, and the profile that it is for, are in the journal. */
async function refusePending(ctx: AccessContext): Promise<void> {
  const {entries} = await ctx.journal.list()
  const pending = entries.find(({profile}) => profile === ctx.profile)
  if (!pending) return
  throw new UserError({
    kind: 'conflict',
    code: 'OPERATION_PENDING',
    message: `A creation or rotation of "${pending.name}" in profile ${ctx.profile} is not settled`,
    why: `It began at ${pending.startedAt}. Nothing was changed.`,
    next: [ztCommand({profile: ctx.profile, profileNamed: true}, 'token', 'recover')],
  })
}

/** What a profile of that name left here would belong to this one. An interrupted renaming leaves the same as there is. */
async function refuseLeftovers(ctx: AccessContext, to: string): Promise<void> {
  const [entries, bindings] = [await ctx.index.list(ctx.profile), await ctx.index.bindings(ctx.profile)]
  const strange = [
    ...(await ctx.index.list(to)).filter(
      (one) => !entries.some(({tokenId, store}) => tokenId === one.tokenId && store === one.store),
    ),
    ...(await ctx.index.bindings(to)).filter(
      (one) => !bindings.some(({host, tokenId}) => host === one.host && tokenId === one.tokenId),
    ),
  ]
  if (strange.length === 0) return
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_NAME_TAKEN',
    message: `Secrets or hosts of an earlier profile "${to}" are still on this machine`,
    why: 'They would become part of this one. Nothing was changed.',
    next: ['Choose another name', 'zt store check'],
  })
}

/** @returns removes it under the old name */
async function copyApiToken(
  ctx: AccessContext,
  {apiTokenStore}: Settings,
  to: string,
): Promise<() => Promise<void>> {
  if (apiTokenStore === undefined) return () => Promise.resolve()
  const store = await ctx.storeOf(apiTokenStore)
  await requireReady(store, {write: true})
  const before = {kind: 'api-token', id: ctx.profile} as const
  const after = {kind: 'api-token', id: to} as const
  const token = await store.get(before)
  if (token) await saveAndReadBack(store, after, token, 'the API token')
  // One that an earlier profile left there.
  else await store.delete(after)
  return async () => {
    await store.delete(before)
  }
}

async function copyIndex({index, profile}: AccessContext, to: string) {
  const [entries, bindings] = [await index.list(profile), await index.bindings(profile)]
  for (const entry of entries) await index.put({...entry, profile: to})
  for (const binding of bindings) await index.bind({...binding, profile: to})
  return {entries, bindings}
}
