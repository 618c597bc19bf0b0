import {inspect} from 'node:util'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createServiceToken, planServiceToken} from '../../../src/lib/access/tokens/create.js'
import {recoverUnfinished} from '../../../src/lib/access/tokens/recover.js'
import {listServiceTokens, showServiceToken} from '../../../src/lib/access/tokens/list.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import {World} from '../../support/access-world.js'

let world: World
let meddle: (exchange: Exchange, state: SandboxState) => void

beforeEach(async () => {
  meddle = () => undefined
  world = await World.open(undefined, (exchange, state) => {
    meddle(exchange, state)
  })
})
afterEach(() => world.end())

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof UserError)) throw error
  expect(inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)).not.toContain('cfast_')
  return error
}

describe('creating a service token', () => {
  it('asks once, keeps the secret, and knows where it is', async () => {
    const {token, clientSecret, store} = await createServiceToken(world.ctx, {name: ' ci ', duration: '24h'})
    expect(world.changes).toEqual(['POST /service_tokens', `PUT /service_tokens/${token.id}`])
    expect(store.kind).toBe('vault')
    expect(JSON.parse(world.store.kept.get(`service-token/${token.id}`) ?? '')).toEqual({
      v: 1,
      client_id: token.clientId,
      client_secret: clientSecret.expose(),
    })
    expect([...world.store.kept.keys()]).toEqual([`service-token/${token.id}`])
    expect(await world.ctx.index.list()).toMatchObject([
      {
        tokenId: token.id,
        name: 'ci',
        accountId: world.state.accountId,
        store: 'vault',
        expiresAt: token.expiresAt,
      },
    ])
    expect(inspect({token, clientSecret, store}, {depth: 9, showHidden: true})).not.toContain('cfast_')
  })

  it('plans without changing anything, and refuses what would be refused', async () => {
    expect(await planServiceToken(world.ctx, {name: ' ci ', duration: '90d'})).toEqual({
      name: 'ci',
      duration: '2160h',
      store: {kind: 'vault', label: 'the faulty store'},
      warnings: [],
    })
    expect(world.changes).toEqual([])
    expect([...world.store.kept.keys()]).toEqual([])
    expect((await world.ctx.journal.list()).entries).toEqual([])
    await createServiceToken(world.ctx, {name: 'ci'})
    expect(await failure(planServiceToken(world.ctx, {name: 'ci'}))).toMatchObject({code: 'TOKEN_NAME_TAKEN'})
    world.store.state = 'locked'
    expect(await failure(planServiceToken(world.ctx, {name: 'cd'}))).toMatchObject({code: 'STORE_NOT_READY'})
  })

  it.each([
    ['', undefined, 'BAD_TOKEN_NAME'],
    ['   ', undefined, 'BAD_TOKEN_NAME'],
    ['x'.repeat(351), undefined, 'BAD_TOKEN_NAME'],
    ['a\u001B[2Jb', undefined, 'BAD_TOKEN_NAME'],
    ['ci', '1 year', 'BAD_DURATION'],
    ['ci', '-5h', 'BAD_DURATION'],
    ['ci', '', 'BAD_DURATION'],
  ])('sends nothing for the name %j and the duration %j', async (name, duration, code) => {
    expect(await failure(createServiceToken(world.ctx, {name, duration}))).toMatchObject({
      kind: 'usage',
      code,
    })
    expect(world.exchanges).toEqual([])
  })

  it('takes a name of 350 characters', async () => {
    const name = 'x'.repeat(350)
    expect((await createServiceToken(world.ctx, {name})).token.name).toBe(name)
  })

  it('makes no second token of a name', async () => {
    const {token} = await createServiceToken(world.ctx, {name: 'ci'})
    expect(await failure(createServiceToken(world.ctx, {name: 'ci'}))).toMatchObject({
      kind: 'conflict',
      code: 'TOKEN_NAME_TAKEN',
      next: expect.arrayContaining([`zt token show ${token.id}`]) as string[],
    })
    expect(world.tokenNames()).toEqual(['ci'])
  })

  const unusable: [string, (w: World) => void, string][] = [
    ['is locked', (w) => (w.store.state = 'locked'), 'STORE_NOT_READY'],
    ['is absent', (w) => (w.store.state = 'absent'), 'STORE_NOT_READY'],
    ['can only be read', (w) => (w.store.writable = false), 'STORE_READ_ONLY'],
    [
      'keeps nothing of what it takes',
      (w) => (w.store.set = () => Promise.resolve()),
      'STORE_REHEARSAL_FAILED',
    ],
  ]
  it.each(unusable)('sends nothing while the store %s', async (_, spoil, code) => {
    spoil(world)
    expect(await failure(createServiceToken(world.ctx, {name: 'ci'}))).toMatchObject({
      kind: 'needs-action',
      code,
    })
    expect(world.exchanges).toEqual([])
  })

  const losses: [string, FaultOnSave][] = [
    [
      'fails',
      () => {
        throw new UserError({kind: 'needs-action', code: 'DISK_FULL', message: 'The disk is full'})
      },
    ],
    [
      'fails with an error of the system',
      () => {
        throw Object.assign(new Error('ENOSPC'), {code: 'ENOSPC'})
      },
    ],
    ['says yes and keeps nothing', () => undefined],
    ['keeps another value', (value) => value.replace('cfast_', 'cfast-')],
    ['keeps half of it', (value) => value.slice(0, 30)],
  ]
  it.each(losses)('deletes the token again when saving %s', async (_, onSave) => {
    world.store.onSave = onSave
    expect(await failure(createServiceToken(world.ctx, {name: 'ci'}))).toMatchObject({
      code: 'SECRET_NOT_SAVED',
      why: expect.stringContaining('was deleted again') as string,
    })
    expect(world.tokenNames()).toEqual([])
    expect([...world.store.kept.keys()]).toEqual([])
    expect(await world.ctx.index.list()).toEqual([])
  })

  it('is pending when the token can be neither kept nor deleted, and disabled until that is settled', async () => {
    world.store.onSave = () => undefined
    meddle = ({method}, {data}) => {
      // A rule of somebody else names it already: Cloudflare deletes no such token.
      const id = data.serviceTokens[0]?.object['id']
      if (method === 'POST') {
        data.policies.push({
          id: 'p',
          name: 'p',
          decision: 'non_identity',
          include: [{service_token: {token_id: id}}],
        })
      }
    }
    const error = await failure(createServiceToken(world.ctx, {name: 'ci'}))
    const id = String(world.state.data.serviceTokens[0]?.object['id'])
    expect(error).toMatchObject({code: 'TOKEN_PENDING', details: {tokenId: id}, next: ['zt token recover']})
    expect(world.state.data.serviceTokens[0]?.object).toMatchObject({enabled: false})
    // What kept it from being saved is fixed: the secret was in the spool all the time.
    world.store.onSave = (value) => value
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'finished'}])
    expect(world.tokenNames()).toEqual(['ci'])
    expect(world.state.data.serviceTokens[0]?.object).toMatchObject({enabled: true})
    expect([...world.store.kept.keys()]).toEqual([`service-token/${id}`])
  })

  it('creates nothing that the API refuses, and says which permission is missing', async () => {
    const [token] = world.state.data.apiTokens
    if (token) token.permission_groups = ['Access: Service Tokens Read']
    expect(await failure(createServiceToken(world.ctx, {name: 'ci'}))).toMatchObject({
      kind: 'permission',
      missingPermissions: ['Access: Service Tokens Write'],
    })
    expect(world.tokenNames()).toEqual([])
  })
})

type FaultOnSave = (value: string) => string | undefined

describe('knowing service tokens', () => {
  it('lists them by name, with where the secret is and which hosts use it', async () => {
    const {token} = await createServiceToken(world.ctx, {name: 'b'})
    await createServiceToken(world.ctx, {name: 'a', duration: 'forever'})
    await world.ctx.index.bind({profile: 'default', host: 'h.example', tokenId: token.id, boundAt: ''})
    world.state.data.serviceTokens.push({
      object: {...world.state.data.serviceTokens[0]?.object, id: 'elsewhere', name: 'c', enabled: false},
      secretHash: '',
    })
    const listed = await listServiceTokens(world.ctx)
    expect(listed.map(({token: {name}, store, hosts, status}) => ({name, store, hosts, status}))).toEqual([
      {name: 'a', store: 'vault', hosts: [], status: 'active'},
      {name: 'b', store: 'vault', hosts: ['h.example'], status: 'active'},
      {name: 'c', store: undefined, hosts: [], status: 'disabled'},
    ])
  })

  it('shows one by its name, its id or its Client ID', async () => {
    const {token} = await createServiceToken(world.ctx, {name: 'ci'})
    for (const wanted of [token.name, token.id, token.clientId]) {
      expect((await showServiceToken(world.ctx, wanted)).token.id).toBe(token.id)
    }
    expect(await failure(showServiceToken(world.ctx, 'cj'))).toMatchObject({kind: 'not-found'})
  })
})
