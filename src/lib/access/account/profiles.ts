import {endRenaming, removeProfile, renameProfile} from '../../config/profiles.js'
import type {Settings} from '../../config/types.js'
import {ztCommand} from '../../core/command-line.js'
import {UserError} from '../../core/errors.js'
import {saveAndReadBack} from '../../secrets/credentials.js'
import {requireReady} from '../../secrets/stores.js'
import {repeatable} from '../tokens/confirmed-changes.js'
import {withProfileLock} from '../tokens/profile-lock.js'
import type {AccessContext} from './context.js'
import {setupLock} from './setup-records.js'
import {forgetServiceTokens, logout, onlyOf} from './session.js'

/** Of the profile that is changed. */
type ProfileSettings = Pick<Settings, 'apiTokenStore' | 'paths' | 'renamedFrom'>

/** What is deleted with a profile. */
export interface ProfileDeletion {
  /** The IDs of the tokens of {@link ProfileDeletion.secrets}. */
  tokenIds: string[]
  /** Service tokens whose only secret on this machine is deleted. */
  secrets: string[]
  /** Hosts that are bound to one of its tokens. */
  hosts: string[]
  /** Hosts that `zt setup` has set up with it: what it made for them cannot be taken back in one go any more. */
  setups: string[]
}

/**
 * What would be deleted with a profile.
 *
 * @param withSecrets whether secrets may be deleted that no other profile uses
 * @throws UserError `conflict` / `PROFILE_HAS_SECRETS`, `OPERATION_PENDING`
 */
export async function planProfileDeletion(
  ctx: AccessContext,
  {withSecrets, renamedFrom}: {withSecrets: boolean} & Pick<Settings, 'renamedFrom'>,
): Promise<ProfileDeletion> {
  await refusePending(ctx, {renamedFrom})
  const only = await onlyOf(ctx)
  const entries = (await ctx.index.list(ctx.profile)).filter(({tokenId}) => only.includes(tokenId))
  const secrets = entries.map(({name}) => name)
  const hosts = (await ctx.index.bindings(ctx.profile)).map(({host}) => host)
  const setups = [...new Set((await ctx.setups.ofProfile(ctx.profile)).map(({host}) => host))].sort()
  if (secrets.length === 0 || withSecrets) return {tokenIds: only, secrets, hosts, setups}
  const own = {profile: ctx.profile, profileNamed: true}
  throw new UserError({
    kind: 'conflict',
    code: 'PROFILE_HAS_SECRETS',
    message: `Profile ${ctx.profile} has secrets of service tokens on this machine`,
    why: [`Of ${secrets.join(', ')}.`, 'Cloudflare shows a secret only once. Nothing was changed.'],
    next: [
      ztCommand(own, 'token', 'list'),
      ...setups.map(
        (host) => `To take back what zt setup made: ${ztCommand(own, 'setup', host, '--remove')}`,
      ),
      `To delete these secrets too: zt profile delete ${ctx.profile} --with-secrets`,
    ],
    details: {tokens: secrets},
  })
}

/** Whether this machine keeps tokens, hosts or setups under the name of this profile, which need not exist. */
export async function keepsSomething({index, setups, profile}: AccessContext): Promise<boolean> {
  const kept = [await index.list(profile), await index.bindings(profile), await setups.ofProfile(profile)]
  return kept.some((some) => some.length > 0)
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
  settings: ProfileSettings & Pick<Settings, 'profileExists'>,
  agreed: ProfileDeletion,
): Promise<boolean> {
  const run = async (): Promise<boolean> => {
    const now = await planProfileDeletion(ctx, {...settings, withSecrets: true})
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
    for (const record of await ctx.setups.ofProfile(ctx.profile)) await ctx.setups.remove(record)
    if (settings.profileExists) await removeProfile(settings.paths, ctx.profile)
    return hadApiToken
  }
  const left = {
    why: `Profile ${ctx.profile} is not deleted completely, and secrets of it may be gone.`,
    next: [`zt profile delete ${ctx.profile}`],
  }
  return withProfileLock(ctx, () => repeatable(ctx, left, run))
}

/** How much has another name. */
interface Renamed {
  tokens: number
  hosts: number
}

/**
 * Gives a profile another name. Its API token, index, host bindings, records of setups and undo records go with it; secrets of service tokens
 * are stored under the tokens' IDs, and stay where they are. Everything has the new name before the old one goes, and the
 * profile says which name it had until nothing has that any more: an interrupted renaming loses nothing, and can be
 * repeated ({@link finishRenaming}).
 *
 * @throws UserError `conflict` / `PROFILE_NAME_TAKEN`, `OPERATION_PENDING`, `PROFILE_BUSY`; of the store
 */
export async function renameWholeProfile(
  ctx: AccessContext,
  settings: ProfileSettings,
  to: string,
): Promise<Renamed> {
  return withProfileLock(ctx, async () => {
    await refusePending(ctx, settings)
    await refuseLeftovers(ctx, to)
    const left = {
      why: `The renaming of profile ${ctx.profile} to ${to} is not complete. Nothing is lost.`,
      next: [`zt profile rename ${ctx.profile} ${to}`],
    }
    return repeatable(ctx, left, async () => {
      await copyApiToken(ctx, settings, to)
      await copyRecords(ctx, to)
      await renameProfile(settings.paths, ctx.profile, to)
      // With what another zt has stored meanwhile.
      await copyRecords(ctx, to)
      return dropOldName({...ctx, profile: to}, settings, ctx.profile)
    })
  })
}

/**
 * Finishes the renaming of this profile, which was interrupted after the profile had its new name; does nothing for any
 * other. What has changed since under the new name remains.
 *
 * @throws UserError `conflict` / `PROFILE_BUSY`; of the store
 */
export async function finishRenaming(ctx: AccessContext, settings: ProfileSettings): Promise<Renamed> {
  const {renamedFrom: from} = settings
  const {index, profile} = ctx
  if (from === undefined) return howMuch(ctx)
  return withProfileLock({...ctx, profile: from}, async () => {
    const known = await index.list(profile)
    for (const entry of await index.list(from))
      // Stored by another zt between the copy and the new name.
      if (!known.some(({tokenId}) => tokenId === entry.tokenId)) await index.put({...entry, profile})
    for (const record of await ctx.setups.ofProfile(from))
      if (!(await ctx.setups.read({...record, profile}))) await ctx.setups.write({...record, profile})
    return dropOldName(ctx, settings, from)
  })
}

/** The end of a renaming, which can be repeated: everything has the new name already, but for the undo records. */
async function dropOldName(ctx: AccessContext, settings: ProfileSettings, from: string): Promise<Renamed> {
  const {index, profile, undo, setups} = ctx
  for (const {tokenId} of await index.list(from)) await index.remove(from, tokenId)
  for (const {host} of await index.bindings(from)) await index.unbind(from, host)
  for (const record of await setups.ofProfile(from)) await setups.remove(record)
  for (const record of (await undo.list()).records)
    if (record.profile === from) await undo.update({...record, profile})
  await logout({...ctx, profile: from}, settings.apiTokenStore)
  await endRenaming(settings.paths, profile)
  return howMuch(ctx)
}

async function howMuch({index, profile}: AccessContext): Promise<Renamed> {
  return {tokens: (await index.list(profile)).length, hosts: (await index.bindings(profile)).length}
}

/** A creation, rotation or running setup has noted the profile, and an interrupted renaming has two names. */
async function refusePending(
  ctx: AccessContext,
  {renamedFrom}: Pick<Settings, 'renamedFrom'>,
): Promise<void> {
  if (renamedFrom !== undefined) {
    throw new UserError({
      kind: 'conflict',
      code: 'OPERATION_PENDING',
      message: `The renaming of profile ${renamedFrom} to ${ctx.profile} was interrupted`,
      why: 'Nothing was changed now.',
      next: [`zt profile rename ${renamedFrom} ${ctx.profile}`],
    })
  }
  for (const record of await ctx.setups.ofProfile(ctx.profile)) {
    if (!(await ctx.locks.isHeld(setupLock(record)))) continue
    throw new UserError({
      kind: 'conflict',
      code: 'PROFILE_BUSY',
      message: `Another zt is setting up ${record.host} with profile ${ctx.profile}`,
      why: 'Nothing was changed.',
      next: ['Wait for it to end, or end it, then run the command again'],
    })
  }
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
  const setups = await ctx.setups.ofProfile(ctx.profile)
  const strange = [
    ...(await ctx.index.list(to)).filter(
      (one) => !entries.some(({tokenId, store}) => tokenId === one.tokenId && store === one.store),
    ),
    ...(await ctx.index.bindings(to)).filter(
      (one) => !bindings.some(({host, tokenId}) => host === one.host && tokenId === one.tokenId),
    ),
    ...(await ctx.setups.ofProfile(to)).filter((one) => !setups.some(({id}) => id === one.id)),
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

async function copyApiToken(ctx: AccessContext, {apiTokenStore}: ProfileSettings, to: string): Promise<void> {
  if (apiTokenStore === undefined) return
  const store = await ctx.storeOf(apiTokenStore)
  await requireReady(store, {write: true})
  const after = {kind: 'api-token', id: to} as const
  const token = await store.get({kind: 'api-token', id: ctx.profile})
  if (token) await saveAndReadBack(store, after, token, 'the API token')
  // One that an earlier profile left there.
  else await store.delete(after)
}

async function copyRecords({index, setups, profile}: AccessContext, to: string): Promise<void> {
  for (const entry of await index.list(profile)) await index.put({...entry, profile: to})
  for (const binding of await index.bindings(profile)) await index.bind({...binding, profile: to})
  for (const record of await setups.ofProfile(profile)) await setups.write({...record, profile: to})
}
