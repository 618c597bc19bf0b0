import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {whoami} from '../../../src/lib/access/account/session.js'
import {World} from '../../support/access-world.js'
import {commands} from '../../support/manifest.js'

describe('whoami', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open()
  })
  afterEach(() => world.end())

  const asked = (): string[] => world.exchanges.map(({method, path}) => `${method} ${path}`)

  it('tells each permission group, and the commands that need it', async () => {
    const {permissions, account} = await whoami(world.ctx, {probe: true, commands})
    expect(account).toMatchObject({id: world.state.accountId})
    expect(permissions).toHaveLength(7)
    expect(permissions).toContainEqual({
      group: 'Access: Apps and Policies Write',
      state: 'yes',
      neededBy: expect.arrayContaining(['app add-rule', 'token revoke']) as string[],
    })
    for (const {neededBy} of permissions ?? []) {
      expect(neededBy).not.toContain('whoami')
      expect(neededBy).not.toContain('exec')
    }
  })

  it('is no failure where a permission is missing', async () => {
    const [token] = world.state.data.apiTokens
    if (token) token.permission_groups = ['Access: Service Tokens Read']
    const {permissions} = await whoami(world.ctx, {probe: true, commands})
    expect(permissions?.map(({state}) => state)).toEqual(['yes', 'no', 'no', 'no', 'no', 'no', 'no'])
  })

  it('finds the account itself where the API token sees only one', async () => {
    const {permissions, account} = await whoami({...world.ctx, accountId: undefined}, {probe: true, commands})
    expect(account?.id).toBe(world.state.accountId)
    expect(permissions).toHaveLength(7)
  })

  it.each<[string, boolean, (world: World) => void]>([
    ['it is not asked to', false, () => undefined],
    [
      'the account is not known',
      true,
      ({state, ctx}) => {
        state.data.accounts.push({id: 'f'.repeat(32), name: 'Another', type: 'standard'})
        ctx.accountId = undefined
      },
    ],
  ])('looks for no permission where %s', async (_why, probe, arrange) => {
    arrange(world)
    const {permissions} = await whoami(world.ctx, {probe, commands})
    expect(permissions).toBeUndefined()
    expect(asked().filter((request) => request.includes('/access/'))).toEqual([])
  })
})
