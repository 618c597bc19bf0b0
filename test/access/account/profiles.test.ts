import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {
  deleteProfile,
  planProfileDeletion,
  renameWholeProfile,
} from '../../../src/lib/access/account/profiles.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {pathsFrom} from '../../../src/lib/config/paths.js'
import {noProgress} from '../../../src/lib/core/progress.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {JournalEntry} from '../../../src/lib/secrets/journal/journal.js'
import {World} from '../../support/access-world.js'

describe('deleting a profile', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.end())

  const save = async (tokenId: string): Promise<void> => {
    const {profile} = world.ctx
    await world.store.set({kind: 'service-token', id: tokenId}, new Secret('not a real one'))
    const at = {storedAt: '2026-01-02T03:04:05Z', expiresAt: undefined}
    // Both have the same name, as the API allows.
    const named = {name: 'deploy', clientId: `${tokenId}.access`, accountId: 'account'}
    await world.ctx.index.put({tokenId, profile, store: 'vault', ...named, ...at})
  }

  it('keeps a secret that was saved after it was confirmed', async () => {
    const [first, second] = ['11111111-2222-4333-8444-555555555555', '66666666-2222-4333-8444-555555555555']
    await save(first)
    const agreed = await planProfileDeletion(world.ctx, {withSecrets: true, renamedFrom: undefined})
    await save(second)
    const settings = {
      apiTokenStore: undefined,
      paths: pathsFrom({HOME: world.folder}),
      profileExists: true,
      renamedFrom: undefined,
    }
    await expect(deleteProfile(world.ctx, settings, agreed)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'PROFILE_CHANGED',
    })
    expect([...world.store.kept.keys()]).toEqual([`service-token/${first}`, `service-token/${second}`])
    expect(await world.ctx.index.list('default')).toHaveLength(2)
  })
})

describe('a profile that is renamed or deleted while a token is created', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.end())

  /** The context of a process that waits for the profile's lock; `meanwhile` runs while it waits. */
  const waiting = async (meanwhile: () => Promise<unknown>): Promise<AccessContext> => {
    const lock = await world.ctx.locks.acquire('profile/default')
    const wait = (): void => {
      void meanwhile().then(() => lock?.release())
    }
    return {...world.ctx, progress: {...noProgress, wait}}
  }
  const settings = {
    apiTokenStore: undefined,
    paths: pathsFrom({HOME: '/nonexistent'}),
    profileExists: true,
    renamedFrom: undefined,
  }
  const begun = (): JournalEntry => ({
    ...{id: '11111111-2222-4333-8444-555555555555', kind: 'create', profile: 'default', accountId: 'account'},
    ...{apiUrl: world.ctx.apiUrl, store: 'vault', name: 'ci', startedAt: '2026-01-02T03:04:05Z'},
  })

  it.each([
    ['renamed', (ctx: AccessContext) => renameWholeProfile(ctx, settings, 'work')],
    [
      'deleted',
      (ctx: AccessContext) =>
        deleteProfile(ctx, settings, {tokenIds: [], secrets: [], hosts: [], setups: []}),
    ],
  ])('is not %s, if the creation was first', async (_, change) => {
    const ctx = await waiting(() => world.ctx.journal.update(begun()))
    await expect(change(ctx)).rejects.toMatchObject({kind: 'conflict', code: 'OPERATION_PENDING'})
  })

  it('gets no token, if it was renamed or deleted first', async () => {
    let remains = true
    const ctx = await waiting(() => {
      remains = false
      return Promise.resolve()
    })
    const creating = createServiceToken(
      {...ctx, profileRemains: () => Promise.resolve(remains)},
      {name: 'ci'},
    )
    await expect(creating).rejects.toMatchObject({kind: 'conflict', code: 'PROFILE_CHANGED'})
    expect(world.changes).toEqual([])
    expect((await world.ctx.journal.list()).entries).toEqual([])
  })
})
