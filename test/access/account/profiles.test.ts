import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {deleteProfile, planProfileDeletion} from '../../../src/lib/access/account/profiles.js'
import {pathsFrom} from '../../../src/lib/config/paths.js'
import {Secret} from '../../../src/lib/core/secret.js'
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
    const agreed = await planProfileDeletion(world.ctx, {withSecrets: true})
    await save(second)
    const settings = {apiTokenStore: undefined, paths: pathsFrom({HOME: world.folder})}
    await expect(deleteProfile(world.ctx, settings, agreed)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'PROFILE_CHANGED',
    })
    expect([...world.store.kept.keys()]).toEqual([`service-token/${first}`, `service-token/${second}`])
    expect(await world.ctx.index.list('default')).toHaveLength(2)
  })
})
