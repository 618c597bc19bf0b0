import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {refreshToken, renameToken, setTokenEnabled} from '../../../src/lib/access/tokens/changes.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import {World} from '../../support/access-world.js'

const DAY_MS = 24 * 3600 * 1000
let world: World
let meddle: (exchange: Exchange, state: SandboxState) => void

beforeEach(async () => {
  meddle = () => undefined
  world = await World.open(undefined, (exchange, state) => {
    meddle(exchange, state)
  })
  await createServiceToken(world.ctx, {name: 'ci', duration: '90d'})
  await createServiceToken(world.ctx, {name: 'cd'})
  await createServiceToken(world.ctx, {name: 'always', duration: 'forever'})
  world.exchanges.length = 0
})
afterEach(() => world.end())

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw error
}

const token = (name: string): JsonObject => {
  const found = world.state.data.serviceTokens.find(({object}) => object['name'] === name)
  if (!found) throw new Error(`there is no token ${name}`)
  return found.object
}
const everything = (): unknown => structuredClone(world.state.data)
const days = (time: unknown): number => (Date.parse(String(time)) - Date.now()) / DAY_MS
const indexed = async (name: string): Promise<unknown> =>
  (await world.ctx.index.list()).find(({tokenId}) => tokenId === token(name)['id'])
const secretHash = (name: string): unknown =>
  world.state.data.serviceTokens.find(({object}) => object['name'] === name)?.secretHash

describe('refreshing a service token', () => {
  it('adds a year to what it has left, by the endpoint that keeps the secret', async () => {
    const before = {...token('ci')}
    const hash = secretHash('ci')
    const {changed, after, earlier} = await refreshToken(world.ctx, {token: 'ci'})
    expect(world.changes).toEqual([`POST /service_tokens/${String(before['id'])}/refresh`])
    expect(days(token('ci')['expires_at'])).toBeCloseTo(90 + 365, 1)
    expect({changed, earlier, until: after.token.expiresAt}).toEqual({
      changed: true,
      earlier: false,
      until: token('ci')['expires_at'],
    })
    expect(secretHash('ci')).toBe(hash)
    expect(await indexed('ci')).toMatchObject({expiresAt: token('ci')['expires_at'], name: 'ci'})
  })

  it.each([
    ['200d', 200, false],
    ['10d', 10, true],
    ['forever', undefined, false],
  ])('gives it %s from now', async (duration, left, earlier) => {
    const asked: string[] = []
    const result = await refreshToken(world.ctx, {
      token: 'ci',
      duration,
      confirm: ({until}) => {
        asked.push(until)
        return Promise.resolve()
      },
    })
    expect(result).toMatchObject({changed: true, earlier})
    if (left === undefined) expect(token('ci')['expires_at']).toBeUndefined()
    else expect(days(token('ci')['expires_at'])).toBeCloseTo(left, 1)
    expect(asked).toHaveLength(earlier ? 1 : 0)
    expect(((await indexed('ci')) as JsonObject)['expiresAt']).toBe(token('ci')['expires_at'])
  })

  it('does not take the time that a command needs for an earlier end', async () => {
    const confirm = (): Promise<void> => Promise.reject(new Error('asked'))
    for (const _ of [1, 2]) await refreshToken(world.ctx, {token: 'ci', duration: '90d', confirm})
    expect(days(token('ci')['expires_at'])).toBeCloseTo(90, 1)
  })

  it('changes nothing when the person does not want it to end earlier', async () => {
    const before = everything()
    const no = new UserError({kind: 'cancelled', code: 'CANCELLED', message: 'no'})
    const confirm = (): Promise<void> => Promise.reject(no)
    expect(await failure(refreshToken(world.ctx, {token: 'ci', duration: '1d', confirm}))).toBe(no)
    expect(await failure(refreshToken(world.ctx, {token: 'always', duration: '1y', confirm}))).toBe(no)
    expect(everything()).toEqual(before)
    expect(world.changes).toEqual([])
  })

  it('changes nothing when someone else gave it another end while the person was asked', async () => {
    const confirm = (): Promise<void> => {
      token('ci')['expires_at'] = '2099-01-01T00:00:00Z'
      return Promise.resolve()
    }
    const error = await failure(refreshToken(world.ctx, {token: 'ci', duration: '1d', confirm}))
    expect(error).toMatchObject({kind: 'conflict', code: 'TOKEN_CHANGED'})
    expect(world.changes).toEqual([])
  })

  it.each([undefined, 'forever'])(
    'has nothing to extend of one that never expires (%s)',
    async (duration) => {
      const result = await refreshToken(world.ctx, {token: 'always', duration})
      expect(result).toMatchObject({changed: false, differs: false})
      expect(world.changes).toEqual([])
    },
  )

  it.each(['1 year', '', '-5h', '0d'])('sends nothing for the duration %j', async (duration) => {
    const error = await failure(refreshToken(world.ctx, {token: 'ci', duration}))
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_DURATION'})
    expect(world.exchanges).toEqual([])
  })
})

describe('renaming a service token', () => {
  it('changes its name here and there, and nothing else', async () => {
    const before = {...token('ci')}
    const hash = secretHash('ci')
    const result = await renameToken(world.ctx, {token: 'ci', name: ' deploy '})
    expect(result).toMatchObject({changed: true, before: {name: 'ci'}, after: {token: {name: 'deploy'}}})
    expect(token('deploy')).toEqual({...before, name: 'deploy', updated_at: token('deploy')['updated_at']})
    expect(secretHash('deploy')).toBe(hash)
    expect(await indexed('deploy')).toMatchObject({name: 'deploy', clientId: before['client_id']})
  })

  it('changes nothing the second time, but repairs an index that a killed run left behind', async () => {
    token('ci')['name'] = 'deploy'
    const result = await renameToken(world.ctx, {token: 'deploy', name: 'deploy'})
    expect(result).toMatchObject({changed: false, differs: false})
    expect(world.changes).toEqual([])
    expect(await indexed('deploy')).toMatchObject({name: 'deploy'})
  })

  const uuid = '0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9'
  it.each([
    ['a name that another token has', 'ci', 'cd', {kind: 'conflict', code: 'TOKEN_NAME_TAKEN'}],
    ['an empty name', 'ci', ' ', {kind: 'usage', code: 'BAD_TOKEN_NAME'}],
    ['a name with control characters', 'ci', 'a\u001Bb', {kind: 'usage', code: 'BAD_TOKEN_NAME'}],
    ['a name that is too long', 'ci', 'x'.repeat(351), {kind: 'usage', code: 'BAD_TOKEN_NAME'}],
    ["a name of zt's own", 'ci', `x~zt-${uuid}`, {kind: 'usage', code: 'BAD_TOKEN_NAME'}],
    ['a token that is not there', 'co', 'x', {kind: 'not-found', code: 'TOKEN_NOT_FOUND'}],
  ])('changes nothing for %s', async (_, wanted, name, expected) => {
    const before = everything()
    expect(await failure(renameToken(world.ctx, {token: wanted, name}))).toMatchObject(expected)
    expect(everything()).toEqual(before)
  })

  it("refuses a name of zt's own at creation as well, and leaves alone a token that has one", async () => {
    const own = `ci~zt-${uuid}`
    expect(await failure(createServiceToken(world.ctx, {name: own}))).toMatchObject({code: 'BAD_TOKEN_NAME'})
    token('ci')['name'] = own
    for (const change of [
      () => renameToken(world.ctx, {token: own, name: 'mine'}),
      () => setTokenEnabled(world.ctx, {token: own, enabled: true}),
    ]) {
      expect(await failure(change())).toMatchObject({kind: 'conflict', code: 'TOKEN_UNFINISHED'})
    }
    expect(world.changes).toEqual([])
  })

  it('takes a name that only looks like one of its own', async () => {
    await renameToken(world.ctx, {token: 'ci', name: 'ci~zt-now'})
    expect(world.tokenNames()).toContain('ci~zt-now')
  })
})

describe('enabling and disabling a service token', () => {
  it.each([
    [false, [true, false]],
    [true, [false, true]],
  ])('switches it to %s once, and is content the second time', async (enabled, [before, after]) => {
    token('ci')['enabled'] = before
    await world.ctx.index.bind({
      profile: 'default',
      host: 'h.example',
      tokenId: String(token('ci')['id']),
      boundAt: '',
    })
    const first = await setTokenEnabled(world.ctx, {token: 'ci', enabled})
    expect(first).toMatchObject({
      changed: true,
      before: {enabled: before},
      after: {token: {enabled: after}, hosts: ['h.example'], status: after ? 'active' : 'disabled'},
    })
    expect(token('ci')['enabled']).toBe(after)
    world.exchanges.length = 0
    expect(await setTokenEnabled(world.ctx, {token: 'ci', enabled})).toMatchObject({changed: false})
    expect(world.changes).toEqual([])
  })

  it('knows that an enabled token may be expired all the same', async () => {
    Object.assign(token('ci'), {enabled: false, expires_at: '2020-01-01T00:00:00Z'})
    expect(await setTokenEnabled(world.ctx, {token: 'ci', enabled: true})).toMatchObject({
      after: {status: 'expired'},
    })
  })
})

type Change = (dryRun: boolean) => Promise<unknown>
const changes: [string, Change][] = [
  ['refresh', (dryRun) => refreshToken(world.ctx, {token: 'ci', dryRun})],
  ['refresh --duration', (dryRun) => refreshToken(world.ctx, {token: 'ci', duration: '5d', dryRun})],
  ['rename', (dryRun) => renameToken(world.ctx, {token: 'ci', name: 'new', dryRun})],
  ['disable', (dryRun) => setTokenEnabled(world.ctx, {token: 'ci', enabled: false, dryRun})],
]

describe('every change', () => {
  it.each(changes)('sends and writes nothing in a dry run: %s', async (_, change) => {
    const before = [everything(), await world.ctx.index.list()]
    expect(await change(true)).toMatchObject({changed: false, dryRun: true, differs: true})
    expect(world.changes).toEqual([])
    expect([everything(), await world.ctx.index.list()]).toEqual(before)
  })

  it.each(changes)('waits for another zt that works on the same token: %s', async (_, change) => {
    const lock = await world.ctx.locks.acquire(`token/${world.state.accountId}/${String(token('ci')['id'])}`)
    const order: string[] = []
    const running = change(false).then(() => order.push('changed'))
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(world.changes).toEqual([])
    order.push('released')
    await lock?.release()
    await running
    expect(order).toEqual(['released', 'changed'])
  })

  it.each(changes)('says so when the other one does not end: %s', async (_, change) => {
    const patience: unknown[] = []
    world.ctx.locks.acquire = (name, patienceMs) => {
      patience.push([name, patienceMs])
      return Promise.resolve(undefined)
    }
    const id = String(token('ci')['id'])
    expect(await failure(change(false))).toMatchObject({kind: 'conflict', code: 'TOKEN_BUSY'})
    expect(patience).toEqual([[`token/${world.state.accountId}/${id}`, 90_000]])
    expect(world.changes).toEqual([])
  })

  it.each(changes)('leaves no lock behind, whether it fails or succeeds: %s', async (_, change) => {
    const name = `token/${world.state.accountId}/${String(token('ci')['id'])}`
    const [apiToken] = world.state.data.apiTokens
    if (apiToken) apiToken.permission_groups = ['Access: Service Tokens Read']
    await failure(change(false))
    expect(await world.ctx.locks.isHeld(name)).toBe(false)
    delete apiToken?.permission_groups
    await change(false)
    expect(await world.ctx.locks.isHeld(name)).toBe(false)
  })

  it.each(changes)('says so when the server changed more than it was asked to: %s', async (_, change) => {
    meddle = ({method, responseBody}) => {
      const {result} = responseBody as {result: JsonObject}
      if (method !== 'GET') result['client_id'] = 'another.access'
    }
    const error = await failure(change(false))
    expect(error).toMatchObject({
      kind: 'conflict',
      code: 'TOKEN_NOT_AS_EXPECTED',
      details: {fields: ['clientId']},
    })
  })

  it.each(changes)('ends with what the API says when it may not: %s', async (_, change) => {
    const [apiToken] = world.state.data.apiTokens
    if (apiToken) apiToken.permission_groups = ['Access: Service Tokens Read']
    expect(await failure(change(false))).toMatchObject({
      kind: 'permission',
      missingPermissions: ['Access: Service Tokens Write'],
    })
    expect(token('ci')['enabled']).toBe(true)
  })
})

describe('when the answer is lost', () => {
  /** The server takes the change, or not, and then says that it has a problem of its own. */
  const lose = (taken: boolean): void => {
    const real = world.ctx.api.bind(world.ctx)
    world.ctx.api = async () => {
      const api = await real()
      const refused = await failure(api.getServiceToken('none'))
      const lost = refused.with({kind: 'unreachable', code: 'API_UNREACHABLE', outcomeUnknown: true})
      const through = async (sent: () => Promise<unknown>): Promise<never> => {
        if (taken) await sent()
        throw lost
      }
      return {
        ...api,
        updateServiceToken: (id, change) => through(() => api.updateServiceToken(id, change)),
        refreshServiceToken: (id) => through(() => api.refreshServiceToken(id)),
      }
    }
  }

  it.each(changes)('asks whether the change was taken, and goes on if so: %s', async (_, change) => {
    lose(true)
    expect(await change(false)).toMatchObject({changed: true})
    expect(world.changes).toHaveLength(1)
  })

  it.each(changes)('says that it was not, and does not send it again: %s', async (_, change) => {
    lose(false)
    const before = everything()
    const error = await failure(change(false))
    expect(error).toMatchObject({kind: 'unreachable', outcomeUnknown: true})
    expect(error.why).toContain('is unchanged')
    expect(everything()).toEqual(before)
  })
})
