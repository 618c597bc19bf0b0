import {inspect} from 'node:util'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {importToken} from '../../../src/lib/access/tokens/import.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {readCredentials, saveCredentials} from '../../../src/lib/secrets/credentials.js'
import {FaultyStore, World} from '../../support/access-world.js'

const CI = '11111111-1111-4111-8111-111111111111'
const CD = '22222222-2222-4222-8222-222222222222'
const ID = '0123456789abcdef0123456789abcdef.access'
const OLD_FORM = 'f00d'.repeat(16)
const NEW_FORM = `cfast_${'aB3'.repeat(16)}`
const pair = (secret = NEW_FORM, clientId = ID): {clientId: string; clientSecret: Secret} => ({
  clientId,
  clientSecret: new Secret(secret),
})

async function failure(run: () => unknown): Promise<UserError> {
  const error = await (async () => run())().then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof UserError)) throw error
  const said = inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)
  for (const secret of [OLD_FORM, NEW_FORM]) expect(said).not.toContain(secret)
  return error
}

describe('importing a service token', () => {
  let world: World
  beforeEach(async () => {
    world = await World.open({
      zones: [],
      service_tokens: [
        {id: CI, name: 'ci', client_id: ID},
        {id: CD, name: 'cd', client_id: 'cd.access'},
      ],
    })
  })
  afterEach(() => world.end())

  const kept = async (id = CI): Promise<string | undefined> =>
    (await readCredentials(world.store, id))?.clientSecret.expose()
  const state = async (): Promise<unknown> => [
    [...world.store.kept],
    await world.ctx.index.list(),
    await world.ctx.index.bindings(),
  ]

  it('keeps the pair, knows where it is, and changes nothing of the account', async () => {
    const result = await importToken(world.ctx, {credentials: pair(), token: 'ci', host: 'Git.example.com'})
    expect(result).toMatchObject({
      how: 'saved',
      store: {kind: 'vault'},
      token: {token: {id: CI}, store: 'vault', hosts: ['git.example.com']},
      bound: {host: 'git.example.com', replaced: false},
      warnings: [],
    })
    expect(await kept()).toBe(NEW_FORM)
    expect(await world.ctx.index.list()).toMatchObject([
      {tokenId: CI, clientId: ID, name: 'ci', store: 'vault', accountId: world.state.accountId},
    ])
    expect(world.changes).toEqual([])
    expect(inspect(result, {depth: 9, showHidden: true})).not.toContain(NEW_FORM)
  })

  it('says that the same secret is already here, and repairs what a killed run left behind', async () => {
    await importToken(world.ctx, {credentials: pair()})
    const before = await state()
    expect(await importToken(world.ctx, {credentials: pair()})).toMatchObject({how: 'same'})
    expect(await state()).toEqual(before)
    await world.ctx.index.remove('default', CI)
    expect(await importToken(world.ctx, {credentials: pair()})).toMatchObject({how: 'same'})
    expect(await world.ctx.index.list()).toHaveLength(1)
  })

  it('replaces another secret only if asked to', async () => {
    await importToken(world.ctx, {credentials: pair(OLD_FORM)})
    const before = await state()
    const error = await failure(() => importToken(world.ctx, {credentials: pair(), host: 'h.example.com'}))
    expect(error).toMatchObject({kind: 'conflict', code: 'SECRET_ALREADY_STORED'})
    expect(error.next.join()).toContain('--replace')
    expect(await state()).toEqual(before)
    expect(await importToken(world.ctx, {credentials: pair(), replace: true})).toMatchObject({
      how: 'replaced',
    })
    expect(await kept()).toBe(NEW_FORM)
  })

  it('says when the stored secret is the newer one of the two', async () => {
    const until = new Date(Date.now() + 3600_000).toISOString()
    const previous = {clientSecret: new Secret(OLD_FORM), until}
    await saveCredentials(world.store, CI, {...pair(), previous})
    const error = await failure(() => importToken(world.ctx, {credentials: pair(OLD_FORM)}))
    expect(error).toMatchObject({code: 'SECRET_ALREADY_STORED'})
    expect(error.why).toContain('newer')
  })

  it('gives the old secret back to a store that does not keep the new one', async () => {
    await importToken(world.ctx, {credentials: pair(OLD_FORM)})
    world.store.onSave = (value) => (value.includes(OLD_FORM) ? value : value.slice(0, 40))
    const error = await failure(() => importToken(world.ctx, {credentials: pair(), replace: true}))
    expect(error).toMatchObject({code: 'STORE_READBACK_MISMATCH'})
    expect(await kept()).toBe(OLD_FORM)
  })

  it('replaces a damaged entry, with --replace only', async () => {
    world.store.kept.set(`service-token/${CI}`, 'damaged')
    expect(await failure(() => importToken(world.ctx, {credentials: pair()}))).toMatchObject({
      code: 'STORED_SECRET_DAMAGED',
    })
    await importToken(world.ctx, {credentials: pair(), replace: true})
    expect(await kept()).toBe(NEW_FORM)
  })

  describe('with another store chosen than the one that has it', () => {
    let other: FaultyStore
    beforeEach(async () => {
      await importToken(world.ctx, {credentials: pair(OLD_FORM)})
      other = new FaultyStore()
      Object.assign(other, {kind: 'keychain', label: 'the other store'})
      const first = world.store
      world.ctx.store = () => Promise.resolve(other)
      world.ctx.storeOf = (kind) => Promise.resolve(kind === 'keychain' ? other : first)
    })

    it('leaves the same secret where it is', async () => {
      const result = await importToken(world.ctx, {credentials: pair(OLD_FORM)})
      expect(result).toMatchObject({how: 'same', store: {kind: 'vault'}})
      expect(other.kept.size).toBe(0)
    })

    it('does not put a second, different one beside it', async () => {
      const error = await failure(() => importToken(world.ctx, {credentials: pair()}))
      expect(error).toMatchObject({code: 'SECRET_ALREADY_STORED', details: {store: 'vault'}})
      expect(other.kept.size).toBe(0)
    })

    it('moves to the chosen one with --replace, and leaves no old secret behind', async () => {
      const result = await importToken(world.ctx, {credentials: pair(), replace: true})
      expect(result).toMatchObject({how: 'replaced', store: {kind: 'keychain'}})
      expect(other.kept.size).toBe(1)
      expect(world.store.kept.size).toBe(0)
      expect(await world.ctx.index.list()).toMatchObject([{store: 'keychain'}])
    })

    it('leaves the old one to another profile that uses it', async () => {
      const [entry] = await world.ctx.index.list()
      if (entry) await world.ctx.index.put({...entry, profile: 'other'})
      await importToken(world.ctx, {credentials: pair(), replace: true})
      expect(await kept()).toBe(OLD_FORM)
    })
  })

  it('does not guess what a store holds that cannot be read', async () => {
    Object.assign(world.store, {readable: false})
    expect(await importToken(world.ctx, {credentials: pair()})).toMatchObject({how: 'saved'})
    const error = await failure(() => importToken(world.ctx, {credentials: pair()}))
    expect(error.why).toContain('cannot be read')
    expect(await importToken(world.ctx, {credentials: pair(), replace: true})).toMatchObject({
      how: 'replaced',
    })
  })

  const refused: [string, Parameters<typeof importToken>[1], object][] = [
    [
      'a client ID that no token has',
      {credentials: pair(NEW_FORM, 'x.access')},
      {kind: 'not-found', code: 'CLIENT_ID_UNKNOWN'},
    ],
    ['the id for the Client ID', {credentials: pair(NEW_FORM, CI)}, {kind: 'usage', code: 'NOT_A_CLIENT_ID'}],
    [
      'credentials of another token',
      {credentials: pair(), token: 'cd'},
      {kind: 'usage', code: 'TOKEN_MISMATCH'},
    ],
    ['a token that is not there', {credentials: pair(), token: 'co'}, {code: 'TOKEN_NOT_FOUND'}],
    ['a host that is none', {credentials: pair(), host: 'https://x/'}, {kind: 'usage', code: 'BAD_HOSTNAME'}],
  ]
  it.each(refused)('keeps nothing for %s', async (_, options, expected) => {
    const before = await state()
    expect(await failure(() => importToken(world.ctx, options))).toMatchObject(expected)
    expect(await state()).toEqual(before)
  })

  it.each(['absent', 'locked', 'broken'] as const)('keeps nothing when the store is %s', async (status) => {
    world.store.state = status
    const error = await failure(() => importToken(world.ctx, {credentials: pair()}))
    expect(error).toMatchObject({kind: 'needs-action', code: 'STORE_NOT_READY'})
    expect(await world.ctx.index.list()).toEqual([])
  })

  it('keeps and binds nothing in a dry run', async () => {
    const before = await state()
    const result = await importToken(world.ctx, {credentials: pair(), host: 'h.example.com', dryRun: true})
    expect(result).toMatchObject({how: 'saved', dryRun: true, bound: {host: 'h.example.com'}})
    expect(await state()).toEqual(before)
  })

  it.each([
    [{enabled: false}, NEW_FORM, /disabled.*zt token enable ci/],
    [{expires_at: '2020-01-01T00:00:00Z'}, NEW_FORM, /expired.*zt token refresh ci/],
    [{}, 'of-a-new-form', /form/],
    [{}, OLD_FORM, undefined],
  ])('warns of what may not work: %j %#', async (change, secret, warning) => {
    Object.assign(world.state.data.serviceTokens[0]?.object ?? {}, change)
    const {how, warnings} = await importToken(world.ctx, {credentials: pair(secret)})
    expect(how).toBe('saved')
    if (warning) expect(warnings.join()).toMatch(warning)
    else expect(warnings).toEqual([])
  })

  it('the command that it then names means this token, also where another one has its name', async () => {
    const [ci, cd] = world.state.data.serviceTokens
    Object.assign(ci?.object ?? {}, {enabled: false})
    Object.assign(cd?.object ?? {}, {name: 'ci'})
    const {warnings} = await importToken(world.ctx, {credentials: pair()})
    expect(warnings.join()).toContain(`zt token enable ${CI}`)
  })

  it('says when the host was bound to another token', async () => {
    await world.ctx.index.bind({profile: 'default', host: 'h.example.com', tokenId: CD, boundAt: ''})
    const {bound} = await importToken(world.ctx, {credentials: pair(), host: 'h.example.com'})
    expect(bound).toEqual({host: 'h.example.com', replaced: true})
  })

  it('waits for another zt that works on the token', async () => {
    const lock = await world.ctx.locks.acquire(`token/${world.state.accountId}/${CI}`)
    const running = importToken(world.ctx, {credentials: pair()})
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(world.store.kept.size).toBe(0)
    await lock?.release()
    expect(await running).toMatchObject({how: 'saved'})
  })
})
