import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {findAccounts} from '../../../src/lib/access/account/find-accounts.js'
import {identify} from '../../../src/lib/access/account/identity.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {World} from '../../support/access-world.js'
import {failure} from '../../support/edit-world.js'

const OWNED = 'account-owned-token'
const OTHER = 'f'.repeat(32)
let world: World
let ctx: AccessContext
beforeEach(async () => {
  world = await World.open()
  ctx = {...world.ctx, accountId: undefined}
  world.state.data.apiTokens.push({id: 'owned', token: OWNED, owner: 'account', status: 'active'})
  const account = {id: world.state.accountId, name: 'Widgetcorp'}
  world.state.data.zones = ['a.example', 'b.example'].map((name, n) => ({
    id: String(n).repeat(32),
    name,
    account,
  }))
})
afterEach(() => world.end())

const hideAccounts = (): void => {
  world.state.data.settings.hide_accounts = true
}
const whoIs = (token: string) => identify(ctx, new Secret(token))

describe('the account of an API token', () => {
  it.each<[string, () => void]>([
    ['that it may list', () => undefined],
    ['of the zones that it sees, if it may not list accounts', hideAccounts],
  ])('is the one %s', async (_, arrange) => {
    arrange()
    const own = {id: world.state.accountId, name: 'Widgetcorp'}
    expect(await findAccounts(ctx.apiWith(new Secret(OWNED), undefined))).toEqual([own])
    for (const [token, owner] of [[OWNED, 'account'], [world.state.apiToken, 'user']] as const)
      expect(await whoIs(token)).toMatchObject({apiToken: {status: 'active', owner}, accounts: [own]}) // prettier-ignore
  })

  it('is the one that knows an API token, of several whose zones it sees', async () => {
    world.state.data.accounts.unshift({id: OTHER, name: 'Other', type: 'standard'})
    expect((await whoIs(OWNED)).accounts).toHaveLength(1)
  })

  it.each<[string, () => void]>([
    ['there are no zones', () => (world.state.data.zones = [])],
    ['the zones do not say whose they are', () => (world.state.data.zones = [{id: '1'.repeat(32), name: 'a.example'}])],
  ])('cannot be found if it may not list accounts and %s, which is said', async (_, arrange) => {
    hideAccounts()
    arrange()
    const error = await failure(whoIs(OWNED))
    expect(error).toMatchObject({
      kind: 'usage',
      code: 'ACCOUNT_REQUIRED',
      why: 'An account owns the API token, which can list neither accounts nor zones.',
    })
    expect(error.next.join()).toContain('--account ID')
    // With the account, it is known.
    ctx = {...ctx, accountId: world.state.accountId}
    expect(await whoIs(OWNED)).toMatchObject({apiToken: {owner: 'account'}, accounts: []})
  }) // prettier-ignore

  it('is not looked for if Cloudflare knows no such API token, and the error says that an account may own it', async () => {
    const error = await failure(whoIs('wrong'))
    expect(error).toMatchObject({kind: 'auth', code: 'API_TOKEN_NOT_ACCEPTED'})
    expect(error.next).toContain('If an account owns the API token, name the account: zt login --account ID')
    ctx = {...ctx, accountId: world.state.accountId}
    expect((await failure(whoIs('wrong'))).next.join()).not.toContain('--account')
  })
})
