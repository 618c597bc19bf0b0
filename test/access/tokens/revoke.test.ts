import fc from 'fast-check'
import {afterEach, describe, expect, it} from 'vitest'
import {importToken} from '../../../src/lib/access/tokens/import.js'
import {revokeToken, type Revocation} from '../../../src/lib/access/tokens/revoke.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import type {Policy} from '../../../src/lib/api/types.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {noProgress} from '../../../src/lib/core/progress.js'
import {ApiError, UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {World} from '../../support/access-world.js'
import {asWritten, everything} from '../../support/edit-world.js'
import {answeredJson} from '../../support/answered-json.js'
import {untilCovered} from '../../support/covering.js'

const CI = '11111111-1111-4111-8111-111111111111'
const CD = '22222222-2222-4222-8222-222222222222'
const ci: JsonObject = {service_token: {token_id: CI}}
const cd: JsonObject = {service_token: {token_id: CD}}
const staff: JsonObject = {email_domain: {domain: 'example.com'}}
const group = (id: string): JsonObject => ({group: {id}})

type Meddle = (exchange: Exchange, state: SandboxState) => void
let world: World
afterEach(() => world.end())

async function open(seed: SandboxSeed, meddle?: Meddle): Promise<World> {
  const service_tokens = [
    {id: CI, name: 'ci', client_id: 'ci.access'},
    {id: CD, name: 'cd', client_id: 'cd.access'},
  ]
  world = await World.open({zones: [{name: 'example.com'}], ...seed, service_tokens}, meddle)
  return world
}

/** The secrets of both tokens are here, and each has a host. */
async function keepSecrets(): Promise<void> {
  for (const name of ['ci', 'cd']) {
    const credentials = {clientId: `${name}.access`, clientSecret: new Secret(name.repeat(32))}
    await importToken(world.ctx, {credentials, host: `${name}.example.com`})
  }
  world.exchanges.length = 0
}

const policy = (id: string, more: JsonObject): JsonObject => ({
  id,
  name: `name of ${id}`,
  decision: 'non_identity',
  require: [],
  exclude: [],
  ...more,
})

/** An account in which ci is named in every way that can be undone. */
const busy = (): SandboxSeed => ({
  groups: [
    {id: 'g-robots', name: 'Robots', include: [ci, cd], field_of_tomorrow: [1, {er: null}]},
    {id: 'g-outer', name: 'Outer', include: [group('g-robots')]},
  ],
  policies: [
    policy('p-only', {include: [ci]}),
    policy('p-both', {include: [cd, ci], exclude: [ci], session_duration: '1h', future: {x: []}}),
    policy('p-through', {include: [group('g-outer')]}),
    policy('p-staff', {decision: 'allow', include: [staff]}),
  ],
  apps: [
    {
      id: 'a-git',
      name: 'Git',
      domain: 'git.example.com',
      policies: [
        {id: 'p-staff', precedence: 2},
        {id: 'p-only', precedence: 5},
        {id: 'p-both', precedence: 9},
      ],
      field_of_tomorrow: {deep: [null]},
    },
    {id: 'a-wiki', name: 'Wiki', domain: 'wiki.example.com', policies: ['p-only', 'p-through']},
    {
      id: 'a-old',
      name: 'Old',
      domain: 'old.example.com',
      policies: [policy('i-only', {include: [ci]}), policy('i-both', {include: [ci, cd], old: true})],
    },
  ],
})

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw error
}

/** All that matters of the account: without dates that every change sets. */
function account(): Record<string, JsonObject[]> {
  const {apps, policies, inlinePolicies, groups} = asWritten(world.state.data)
  const {serviceTokens} = structuredClone(world.state.data)
  const plain = (list: JsonObject[]): JsonObject[] =>
    list.map((one) => Object.fromEntries(Object.entries(one).filter(([field]) => field !== 'updated_at')))
  return {
    apps: plain(apps),
    policies: plain(policies),
    inlinePolicies: plain(inlinePolicies),
    groups: plain(groups),
    tokens: plain(serviceTokens.map(({object}) => object)),
  }
}

const links = (app: JsonObject): JsonObject[] => app['policies'] as JsonObject[]

describe('revoking a service token that nothing names', () => {
  it('deletes it, and removes its secret, its hosts and its index entry, and no one else’s', async () => {
    await open({})
    await keepSecrets()
    const result = await revokeToken(world.ctx, {token: 'ci'})
    expect(world.changes).toEqual([`DELETE /service_tokens/${CI}`])
    expect(world.tokenNames()).toEqual(['cd'])
    expect(result).toMatchObject({
      deleted: true,
      detached: [],
      references: [],
      secretRemoved: true,
      unbound: ['ci.example.com'],
    })
    expect([...world.store.kept.keys()]).toEqual([`service-token/${CD}`])
    expect((await world.ctx.index.list()).map(({name}) => name)).toEqual(['cd'])
    expect((await world.ctx.index.bindings()).map(({host}) => host)).toEqual(['cd.example.com'])
  })

  it('revokes one whose secret is not here', async () => {
    await open({})
    expect(await revokeToken(world.ctx, {token: 'ci.access'})).toMatchObject({
      deleted: true,
      secretRemoved: false,
    })
  })

  it('removes what other profiles of this machine have of it', async () => {
    await open({})
    await keepSecrets()
    const [entry] = await world.ctx.index.list()
    if (entry) await world.ctx.index.put({...entry, tokenId: CI, profile: 'other'})
    await world.ctx.index.bind({profile: 'other', host: 'o.example.com', tokenId: CI, boundAt: ''})
    const {unbound} = await revokeToken(world.ctx, {token: 'ci'})
    expect(unbound).toEqual(['ci.example.com', 'o.example.com'])
    expect((await world.ctx.index.list()).map(({tokenId}) => tokenId)).toEqual([CD])
  })

  it('revokes it although the store is locked, says so, and removes the secret another time', async () => {
    await open({})
    await keepSecrets()
    world.store.state = 'locked'
    const {deleted, secretRemoved, warnings} = await revokeToken(world.ctx, {token: 'ci'})
    expect({deleted, secretRemoved}).toEqual({deleted: true, secretRemoved: false})
    expect(warnings.join()).toContain(`zt token revoke ${CI}`)
    world.store.state = 'ready'
    const later = await revokeToken(world.ctx, {token: CI})
    expect(later).toMatchObject({exists: false, deleted: false, secretRemoved: true})
    expect([...world.store.kept.keys()]).toEqual([`service-token/${CD}`])
  })

  it('does not take a token of another account for one that is gone', async () => {
    await open({})
    await keepSecrets()
    const [entry] = (await world.ctx.index.list()).filter(({tokenId}) => tokenId === CI)
    if (entry) await world.ctx.index.put({...entry, accountId: 'another'})
    world.state.data.serviceTokens = []
    expect(await failure(revokeToken(world.ctx, {token: CI}))).toMatchObject({code: 'TOKEN_NOT_FOUND'})
    expect(world.store.kept.has(`service-token/${CI}`)).toBe(true)
  })
})

describe('a service token that is in use', () => {
  it('is not revoked, and every place is named: by itself first, then through groups', async () => {
    await open(busy())
    const before = account()
    const error = await failure(revokeToken(world.ctx, {token: 'ci'}))
    expect(error).toMatchObject({kind: 'conflict', code: 'TOKEN_IN_USE'})
    expect(error.whyLines.slice(1)).toEqual([
      'Service Auth rule "name of p-only" (reusable): include, on "Git", "Wiki"',
      'Service Auth rule "name of p-both" (reusable): include, on "Git"',
      'Service Auth rule "name of p-both" (reusable): exclude, on "Git"',
      'Service Auth rule "name of i-only" (inline): include, on "Old"',
      'Service Auth rule "name of i-both" (inline): include, on "Old"',
      'Access group "Robots": include',
      'Service Auth rule "name of p-through" (reusable): include, on "Wiki", through "Outer" in "Robots"',
      'Access group "Outer": include, through "Robots"',
      'Nothing was changed.',
    ])
    expect(error.next.join()).toContain('--detach')
    expect(account()).toEqual(before)
    expect(world.changes).toEqual([])
  })

  it('is disabled, taken out of everything and deleted with detach; nothing else differs', async () => {
    await open(busy())
    await keepSecrets()
    const before = account()
    const result = await revokeToken(world.ctx, {token: 'ci', detach: true})
    expect(world.changes[0]).toBe(`PUT /service_tokens/${CI}`)
    expect(world.changes.at(-1)).toBe(`DELETE /service_tokens/${CI}`)
    expect(account()).toEqual(modelOf(before))
    expect(result.detached).toEqual(result.detach)
    expect(result).toMatchObject({deleted: true, secretRemoved: true, unbound: ['ci.example.com']})
  })

  it('sends nothing in a dry run, and shows all of it', async () => {
    await open(busy())
    const before = account()
    const result = await revokeToken(world.ctx, {token: 'ci', detach: true, dryRun: true})
    expect(result).toMatchObject({dryRun: true, deleted: false, detached: []})
    expect(result.detach.map(({action, kind, id}) => `${action} ${kind} ${id}`)).toEqual([
      'remove-rule reusable p-both',
      'remove-rule inline i-both',
      'remove-rule group g-robots',
      'take-off reusable p-only',
      'take-off reusable p-only',
      'delete-policy reusable p-only',
      'delete-policy inline i-only',
    ])
    expect(account()).toEqual(before)
    expect(world.changes).toEqual([])
  })

  const refusals: [string, SandboxSeed, object][] = [
    [
      'a Require, which would let others in',
      {policies: [policy('p', {include: [staff], require: [ci]}), policy('q', {include: [ci]})]},
      {code: 'DETACH_WOULD_WIDEN'},
    ],
    [
      'a Require of a group',
      {groups: [{id: 'g', name: 'G', include: [staff], require: [ci]}]},
      {code: 'DETACH_WOULD_WIDEN'},
    ],
    [
      'a group that includes nothing else',
      {groups: [{id: 'g', name: 'Lonely', include: [ci, ci]}]},
      {code: 'GROUP_WOULD_BE_EMPTY', message: /Lonely/},
    ],
    [
      'a rule with other selectors beside it',
      {policies: [policy('p', {include: [{...ci, ip: {ip: '192.0.2.0/24'}}, staff]})]},
      {code: 'DETACH_UNCLEAR'},
    ],
    [
      'an application that answers 401 and would lose its last Service Auth rule',
      {
        policies: [policy('p', {include: [ci]}), policy('q', {decision: 'allow', include: [staff]})],
        apps: [
          {
            id: 'a',
            name: 'A',
            domain: 'a.example.com',
            policies: ['p', 'q'],
            service_auth_401_redirect: true,
          },
        ],
      },
      {code: 'LAST_SERVICE_AUTH_RULE', message: /"A"/},
    ],
  ]
  it.each(refusals)('is left alone, and everything with it, because of %s', async (_, seed, expected) => {
    await open(seed)
    await keepSecrets()
    const before = account()
    const {message, ...exact} = expected as {message?: RegExp}
    const error = await failure(revokeToken(world.ctx, {token: 'ci', detach: true}))
    expect(error).toMatchObject({kind: 'conflict', ...exact})
    if (message) expect(error.message).toMatch(message)
    expect(account()).toEqual(before)
    expect(world.changes).toEqual([])
    expect(world.store.kept.has(`service-token/${CI}`)).toBe(true)
  })

  it('keeps an application that answers 401 where another Service Auth rule is left', async () => {
    await open({
      policies: [policy('p', {include: [ci]}), policy('q', {include: [cd]})],
      apps: [
        {id: 'a', name: 'A', domain: 'a.example.com', policies: ['p', 'q'], service_auth_401_redirect: true},
      ],
    })
    await revokeToken(world.ctx, {token: 'ci', detach: true})
    expect(links(world.app('A'))).toEqual([{id: 'q', precedence: 2}])
  })
})

describe('the question before a revocation', () => {
  it('shows the plan, and a no changes nothing', async () => {
    await open(busy())
    const before = account()
    const asked: Revocation[] = []
    const no = new UserError({kind: 'cancelled', code: 'CANCELLED', message: 'no'})
    const confirm = (plan: Revocation): Promise<void> => {
      asked.push(plan)
      return Promise.reject(no)
    }
    expect(await failure(revokeToken(world.ctx, {token: 'ci', detach: true, confirm}))).toBe(no)
    expect(asked[0]?.detach).toHaveLength(7)
    expect(account()).toEqual(before)
  })

  it('counts for what was shown only', async () => {
    await open(busy())
    const confirm = (): Promise<void> => {
      world.state.data.policies.push(policy('p-new', {include: [ci]}))
      return Promise.resolve()
    }
    const error = await failure(revokeToken(world.ctx, {token: 'ci', detach: true, confirm}))
    expect(error).toMatchObject({kind: 'conflict', code: 'CHANGED_MEANWHILE'})
    expect(world.changes).toEqual([])
  })

  it('holds no lock while the person thinks, and waits for another zt afterwards', async () => {
    await open({})
    let lock: Awaited<ReturnType<typeof world.ctx.locks.acquire>>
    const confirm = async (): Promise<void> => {
      lock = await world.ctx.locks.acquire(`token/${world.state.accountId}/${CI}`)
      expect(lock).toBeDefined()
    }
    const running = revokeToken(world.ctx, {token: 'ci', confirm})
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(world.changes).toEqual([])
    await lock?.release()
    expect(await running).toMatchObject({deleted: true})
  })
})

describe('when someone else is at work', () => {
  const find = (list: JsonObject[], id: string): JsonObject => {
    const found = list.find((one) => one['id'] === id)
    if (!found) throw new Error(`there is no ${id}`)
    return found
  }
  const intruder = {email: {email: 'new@example.com'}}
  type Write = (state: SandboxState) => void
  type Read = (state: SandboxState) => unknown

  /** Opens the busy account, in which someone else writes as soon as the token is disabled. */
  async function openWith(write: Write): Promise<void> {
    let written = false
    await open(busy(), ({method, path}, state) => {
      if (written || method !== 'PUT' || !path.endsWith(CI)) return
      written = true
      write(state)
    })
    await keepSecrets()
  }

  const otherFields: [string, Write, Read, unknown][] = [
    [
      'a reusable policy',
      ({data}) => void (find(data.policies, 'p-both')['include'] = [cd, ci, intruder]),
      ({data}) => find(data.policies, 'p-both')['include'],
      [intruder, cd],
    ],
    [
      'an application',
      ({data}) => void (find(data.apps, 'a-git')['session_duration'] = '1h'),
      ({data}) => find(data.apps, 'a-git')['session_duration'],
      '1h',
    ],
    [
      'an inline policy',
      ({data}) => void (find(data.inlinePolicies, 'i-both')['include'] = [cd, ci, intruder]),
      ({data}) => find(data.inlinePolicies, 'i-both')['include'],
      [intruder, cd],
    ],
    [
      'an Access group',
      ({data}) => void (find(data.groups, 'g-robots')['include'] = [cd, ci, intruder]),
      ({data}) => find(data.groups, 'g-robots')['include'],
      [intruder, cd],
    ],
  ]
  it.each(otherFields)('keeps what they wrote into %s, and still detaches', async (_, write, read, kept) => {
    await openWith(write)
    expect(await revokeToken(world.ctx, {token: 'ci', detach: true})).toMatchObject({deleted: true})
    expect(read(world.state)).toEqual(kept)
  })

  const otherPlans: [string, Write, Read][] = [
    [
      'a reusable policy',
      ({data}) => void (find(data.policies, 'p-only')['include'] = [cd, ci, intruder]),
      ({data}) => find(data.policies, 'p-only')['include'],
    ],
    [
      'an inline policy',
      ({data}) => void (find(data.inlinePolicies, 'i-only')['include'] = [ci, intruder]),
      ({data}) => find(data.inlinePolicies, 'i-only')['include'],
    ],
  ]
  it.each(otherPlans)(
    'stops before it deletes %s that has become more, says what is done, and finishes the next time',
    async (_, write, read) => {
      await openWith(write)
      const error = await failure(revokeToken(world.ctx, {token: 'ci', detach: true}))
      expect(error).toMatchObject({code: 'CHANGED_MEANWHILE', details: {disabled: true, detached: []}})
      expect(error.why).toContain('No rule was changed. The service token is disabled now.')
      expect(error.why).not.toContain('Nothing was changed')
      expect(error.next[0]).toBe('zt token revoke ci --detach')
      expect(read(world.state)).toContainEqual(intruder)
      expect(world.changes).toEqual([`PUT /service_tokens/${CI}`])
      expect(world.store.kept.has(`service-token/${CI}`)).toBe(true)
      const rest = account()
      await revokeToken(world.ctx, {token: 'ci', detach: true})
      expect(account()).toEqual(modelOf(rest))
    },
  )

  it('notices that a policy is not as it should be afterwards, and takes back the rest', async () => {
    await open(busy(), ({method, path}, {data}) => {
      if (method === 'PUT' && path.endsWith('/policies/p-both'))
        find(data.policies, 'p-both')['future'] = 'lost'
    })
    const error = await failure(revokeToken(world.ctx, {token: 'ci', detach: true}))
    expect(error).toMatchObject({code: 'NOT_AS_EXPECTED', details: {fields: ['future']}})
    expect(world.tokenNames()).toContain('ci')
  })

  it.each([
    [
      'no rule names it',
      {},
      false,
      (path: string, method: string) => method === 'GET' && path.endsWith('/apps'),
    ],
    [
      'it is being detached',
      busy(),
      true,
      (path: string, method: string) => method === 'PUT' && path.includes('/groups/'),
    ],
  ])('says what names it now when a rule appears at the last moment: %s', async (_, seed, detach, when) => {
    let done = false
    await open(seed, ({method, path}, {data}) => {
      if (done || !when(path, method)) return
      done = true
      data.policies.push(policy('p-late', {include: [ci, staff]}))
    })
    const error = await failure(revokeToken(world.ctx, {token: 'ci', detach}))
    expect(error).toMatchObject({kind: 'conflict', code: 'TOKEN_IN_USE'})
    expect(error.why).toContain('"name of p-late"')
    expect([error.message, error.why, ...error.next].join()).not.toContain('12139')
    expect(world.tokenNames()).toContain('ci')
    await revokeToken(world.ctx, {token: 'ci', detach: true})
    expect(world.tokenNames()).toEqual(['cd'])
  })

  it('is content when someone else deletes it first', async () => {
    await open({}, ({method, path}, {data}) => {
      if (method === 'GET' && path.endsWith('/apps')) {
        data.serviceTokens = data.serviceTokens.filter(({object}) => object['id'] !== CI)
      }
    })
    await keepSecrets()
    expect(await revokeToken(world.ctx, {token: 'ci'})).toMatchObject({secretRemoved: true})
  })
})

describe('an answer that is lost', () => {
  const LOST = ['updateServiceToken', 'replaceApplication', 'replacePolicy', 'deleteServiceToken'] as const
  const lost = new ApiError({
    kind: 'unreachable',
    code: 'API_TIMEOUT',
    message: 'no answer',
    outcomeUnknown: true,
  })

  /** The next change of this kind is made, or not, and its answer never comes. */
  async function lose(method: (typeof LOST)[number], taken: boolean): Promise<void> {
    const api = await world.ctx.api()
    const send = api[method] as (...args: unknown[]) => Promise<unknown>
    let once = true
    const losing = async (...args: unknown[]): Promise<unknown> => {
      if (!once) return send(...args)
      once = false
      if (taken) await send(...args)
      throw lost
    }
    world.ctx.api = () => Promise.resolve({...api, [method]: losing})
  }

  it.each(
    LOST.flatMap(
      (method) =>
        [
          [method, false],
          [method, true],
        ] as const,
    ),
  )(
    'ends the run where the change was not made, and the next one finishes: %s, taken: %s',
    async (method, taken) => {
      await open(busy())
      await keepSecrets()
      const before = account()
      await lose(method, taken)
      const first = await revokeToken(world.ctx, {token: 'ci', detach: true}).catch((error: unknown) => error)
      // zt looks up what came of it, and disabling the token twice does no harm.
      const settled = taken || method === 'updateServiceToken'
      expect(first instanceof ApiError).toBe(!settled)
      expect(first instanceof ApiError && first.outcomeUnknown).toBe(
        !settled && method === 'deleteServiceToken',
      )
      // No secret is let go of while the token may be alive.
      if (!settled) expect(world.store.kept.has(`service-token/${CI}`)).toBe(true)
      if (!settled) await revokeToken(world.ctx, {token: 'ci', detach: true})
      expect(account()).toEqual(modelOf(before))
      expect([...world.store.kept.keys()]).toEqual([`service-token/${CD}`])
    },
  )
})

describe('an API token that may not see everything', () => {
  const may = (...groups: string[]): void => {
    const [apiToken] = world.state.data.apiTokens
    if (apiToken) apiToken.permission_groups = groups.map((name) => `Access: ${name}`)
  }

  it('revokes without the groups, under a warning, as Cloudflare itself would refuse', async () => {
    await open({groups: [{id: 'g', name: 'G', include: [cd]}]})
    may('Service Tokens Write', 'Apps and Policies Read')
    const {deleted, warnings} = await revokeToken(world.ctx, {token: 'ci'})
    expect(deleted).toBe(true)
    expect(warnings.join()).toContain('Access groups')
  })

  it('revokes with no more than the permission for service tokens', async () => {
    await open({})
    may('Service Tokens Write')
    const {deleted, warnings} = await revokeToken(world.ctx, {token: 'ci'})
    expect({deleted, warned: warnings.length}).toEqual({deleted: true, warned: 3})
  })

  it('says so when what names the token is where it may not look', async () => {
    await open({groups: [{id: 'g', name: 'G', include: [ci, cd]}]})
    may('Service Tokens Write', 'Apps and Policies Read')
    const error = await failure(revokeToken(world.ctx, {token: 'ci'}))
    expect(error).toMatchObject({code: 'TOKEN_IN_USE'})
    expect(error.why).toContain('may not be allowed to read')
  })

  it('detaches nothing without seeing all', async () => {
    await open(busy())
    may('Service Tokens Write', 'Apps and Policies Write')
    const error = await failure(revokeToken(world.ctx, {token: 'ci', detach: true}))
    expect(error).toMatchObject({kind: 'permission'})
    expect(world.changes).toEqual([])
  })
})

describe('the edit of a detachment', () => {
  /** Detaches, and fails to delete the token. */
  async function detachOnly(): Promise<UserError> {
    const api = await world.ctx.api()
    const no = new ApiError({kind: 'api', code: 'API_ERROR', message: 'no', status: 500})
    const ctx = {
      ...world.ctx,
      api: () => Promise.resolve({...api, deleteServiceToken: () => Promise.reject(no)}),
    }
    return failure(revokeToken(ctx, {token: 'ci', detach: true}))
  }

  async function undo(id: string): Promise<void> {
    await undoEdit(world.ctx, await planUndo(world.ctx, id))
  }

  /** Like {@link busy}, with nothing that would be deleted. */
  const shared = (): SandboxSeed => ({
    groups: [{id: 'g', name: 'G', include: [cd, ci], exclude: [ci], field_of_tomorrow: [1]}],
    policies: [
      policy('p', {include: [staff, ci, cd], exclude: [ci, cd], future: {x: []}}),
      policy('q', {include: [group('g')]}),
    ],
    apps: [
      {id: 'a', name: 'A', domain: 'a.example.com', policies: ['p', 'q'], future: [null]},
      {
        id: 'b',
        name: 'B',
        domain: 'b.example.com',
        policies: [policy('i', {include: [cd, ci]}), policy('j', {include: [staff]})],
      },
    ],
  })

  it('is undone to the letter while the token exists', async () => {
    await open(shared())
    const before = everything(world.state)
    const error = await detachOnly()
    expect(error).toMatchObject({details: {disabled: true, detached: [{id: 'p'}, {id: 'i'}, {id: 'g'}]}})
    expect(everything(world.state)).not.toBe(before)
    const id = String(error.details['undo'])
    expect(error.next).toContain(`Or put it back: zt undo ${id}`)
    await undo(id)
    expect(everything(world.state)).toBe(before)
  })

  it('that deleted policies is undone to the letter but for their ids', async () => {
    const seed = busy()
    await open(seed)
    const before = everything(world.state, {ids: false})
    const {details} = await detachOnly()
    await undo(String(details['undo']))
    expect(everything(world.state, {ids: false})).toBe(before)
  })

  it('keeps the place of a policy for which the API gives no precedence', async () => {
    await open({
      policies: ['p', 'q', 'r'].map((id) => policy(id, {include: id === 'r' ? [ci] : [cd]})),
      apps: [
        {
          id: 'a',
          name: 'A',
          domain: 'a.example.com',
          policies: [
            {id: 'p', precedence: 5},
            {id: 'q', precedence: 6},
            {id: 'r', precedence: 9},
          ],
        },
      ],
    })
    const api = await world.ctx.api()
    const listApplicationPolicies = async (id: string): Promise<Policy[]> =>
      (await api.listApplicationPolicies(id)).map((one) =>
        one.id === 'q' ? {...one, precedence: undefined} : one,
      )
    const bare = {...api, listApplicationPolicies}
    await revokeToken({...world.ctx, api: () => Promise.resolve(bare)}, {token: 'ci', detach: true})
    expect(links(world.app('A'))).toEqual([
      {id: 'p', precedence: 5},
      {id: 'q', precedence: 6},
    ])
  })

  it.each([
    ['as long as nothing was changed since', shared, false],
    ['also if it was undone and done again', busy, true],
  ])('cannot be undone once the token is deleted, %s', async (_, seed, twice) => {
    await open(seed())
    if (twice) await undo(String((await detachOnly()).details['undo']))
    await revokeToken(world.ctx, {token: 'ci', detach: true})
    const before = everything(world.state)
    const [record] = (await world.ctx.undo.list()).records
    expect(record).toMatchObject({command: 'zt token revoke ci --detach', state: 'done'})
    const error = await failure(planUndo(world.ctx, record?.id ?? ''))
    expect(error).toMatchObject({kind: 'conflict', code: 'UNDO_IMPOSSIBLE'})
    expect(error.whyLines[0]).toBe(
      `It would bring back rules for the service token ${CI}, which has been deleted.`,
    )
    expect(everything(world.state)).toBe(before)
  })

  it('leaves all rules as they were if one step of it fails, and the token disabled', async () => {
    await open(busy())
    await keepSecrets()
    const before = everything(world.state, {ids: false})
    const api = await world.ctx.api()
    const no = new ApiError({kind: 'permission', code: 'FORBIDDEN', message: 'no', status: 403})
    const ctx = {
      ...world.ctx,
      api: () => Promise.resolve({...api, replaceGroup: () => Promise.reject(no)}),
    }
    const error = await failure(revokeToken(ctx, {token: 'ci', detach: true}))
    expect(error).toMatchObject({code: 'FORBIDDEN', details: {disabled: true, detached: []}})
    expect(error.why).toContain('The earlier changes were undone.')
    expect(error.why).toContain('The service token is disabled now.')
    expect(error.next).toContain('To enable it again: zt token enable ci')
    expect(everything(world.state, {ids: false})).toBe(before)
    expect(world.store.kept.has(`service-token/${CI}`)).toBe(true)
  })

  // 1 disabling, 2 policies, 2 inline ones, 1 group, 2 applications, 1 deletion.
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'says what is true when change %i of it is refused',
    async (refused) => {
      await open(busy())
      await keepSecrets()
      const api = await world.ctx.api()
      const enabled = async (): Promise<boolean> => (await api.getServiceToken(CI)).enabled
      let changes = 0
      const refusing = new Proxy(api, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name, target)
          if (typeof member !== 'function') return member
          const isChange = /^(update|replace|delete|create)/.test(String(name))
          return (...args: unknown[]): unknown => {
            if (isChange && ++changes === refused)
              return Promise.reject(new ApiError({kind: 'permission', code: 'FORBIDDEN', message: 'no'}))
            return (member as (...of: unknown[]) => unknown).apply(target, args)
          }
        },
      })
      const ctx = {...world.ctx, api: () => Promise.resolve(refusing)}
      const error = await failure(revokeToken(ctx, {token: 'ci', detach: true}))
      expect(error.code).toBe('FORBIDDEN')
      if (await enabled()) return
      expect(error.why).not.toContain('Nothing was changed')
      expect(error.why).toContain('The service token is disabled now.')
      for (const line of error.whyLines) expect(line).toMatch(/^(zt|[A-Z])/)
    },
  )

  it('waits for the edit lock, and plans when it has it', async () => {
    await open(shared())
    const waiting: string[] = []
    let arrived: () => void = () => undefined
    const seen = new Promise<void>((resolve) => (arrived = resolve))
    const progress = {
      ...noProgress,
      wait: (text: string) => {
        waiting.push(text)
        arrived()
      },
    }
    const lock = await world.ctx.locks.acquire(`edit/${String(world.state.accountId)}`)
    const running = revokeToken({...world.ctx, progress}, {token: 'ci', detach: true})
    await seen
    expect(waiting).toEqual([`Waiting for another zt (process ${process.pid})`])
    expect(world.unfinished.said()).toMatchObject({
      ...{code: 'INTERRUPTED', next: []},
      why: `zt was waiting for another zt (process ${process.pid}), and changed nothing meanwhile.`,
    })
    expect(world.changes).toEqual([])
    // What is written until then is part of the plan.
    world.state.data.policies.push(policy('late', {include: [cd, ci]}))
    await lock?.release()
    const {detached} = await running
    expect(detached.map(({id}) => id)).toContain('late')
    expect(world.tokenNames()).toEqual(['cd'])
  })
})

describe('a revocation that is killed', () => {
  const MUTATING = new Set([
    ...['updateServiceToken', 'deleteServiceToken', 'replaceApplication', 'replacePolicy', 'deletePolicy'],
    ...['replaceApplicationPolicy', 'deleteApplicationPolicy', 'replaceGroup', 'unbind', 'remove', 'delete'],
  ])
  const killed = new Error('killed')

  /** Lets so many changes through, of the account and of this machine, and then nothing more. */
  function mortal<T extends object>(target: T, life: {left: number}, after: boolean): T {
    return new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name)
        if (typeof value !== 'function') return value
        if (typeof name !== 'string' || !MUTATING.has(name)) return value.bind(object) as unknown
        return async (...args: unknown[]) => {
          if (life.left <= 0 && !after) throw killed
          const result: unknown = await value.apply(object, args)
          if (life.left-- <= 0) throw killed
          return result
        }
      },
    })
  }

  // 1 disabling, 2 applications, 2 policies, 2 inline ones, 1 group, 1 deletion, 1 binding, 1 secret, 1 index entry.
  const points = Array.from({length: 12}, (_, at) => at)
  it.each(
    points.flatMap(
      (at) =>
        [
          [at, 'before'],
          [at, 'behind'],
        ] as const,
    ),
  )('is finished by another after %i changes, killed %s the next', async (at, side) => {
    await open(busy())
    await keepSecrets()
    const before = account()
    const life = {left: at}
    const dying = await Promise.resolve(world.ctx.api()) // one API for the life of the process
    const api = mortal(dying, life, side === 'behind')
    const ctx = {
      ...world.ctx,
      api: () => Promise.resolve(api),
      index: mortal(world.ctx.index, life, side === 'behind'),
      storeOf: () => Promise.resolve(mortal(world.store, life, side === 'behind')),
    }
    await expect(revokeToken(ctx, {token: 'ci', detach: true})).rejects.toBe(killed)
    // The last change of all may have been made: then there is nothing left to finish.
    const finished = await revokeToken(world.ctx, {token: 'ci', detach: true}).catch(
      (error: unknown) => error,
    )
    if (finished instanceof UserError)
      expect([at, side, finished.code]).toEqual([11, 'behind', 'TOKEN_NOT_FOUND'])
    expect(account()).toEqual(modelOf(before))
    expect([...world.store.kept.keys()]).toEqual([`service-token/${CD}`])
    expect((await world.ctx.index.list()).map(({name}) => name)).toEqual(['cd'])
    expect((await world.ctx.index.bindings()).map(({host}) => host)).toEqual(['cd.example.com'])
  })
})

/** The account after a revocation of ci, by a reading of the rules that shares nothing with the code. */
function modelOf(before: Record<string, JsonObject[]>): Record<string, JsonObject[]> {
  const isCi = (rule: unknown): boolean => JSON.stringify(rule) === JSON.stringify(ci)
  const clean = (one: JsonObject): JsonObject => ({
    ...one,
    include: (one['include'] as unknown[]).filter((rule) => !isCi(rule)),
    exclude: (one['exclude'] as unknown[]).filter((rule) => !isCi(rule)),
  })
  const alive = (one: JsonObject): boolean => (one['include'] as unknown[]).length > 0
  const policies = (before['policies'] ?? []).map(clean).filter(alive)
  const inlinePolicies = (before['inlinePolicies'] ?? []).map(clean).filter(alive)
  const ids = new Set([...policies, ...inlinePolicies].map(({id}) => id))
  return {
    policies,
    inlinePolicies,
    groups: (before['groups'] ?? []).map(clean),
    apps: (before['apps'] ?? []).map((app) => ({...app, policies: links(app).filter(({id}) => ids.has(id))})),
    tokens: (before['tokens'] ?? []).filter(({id}) => id !== CI),
  }
}

/** Whether the rules for detaching forbid it. */
function forbidden(before: Record<string, JsonObject[]>): boolean {
  const holders = ['policies', 'inlinePolicies', 'groups'].flatMap((kind) => before[kind] ?? [])
  const after = modelOf(before)
  const all = [...(after['policies'] ?? []), ...(after['inlinePolicies'] ?? [])]
  const serviceAuth = (app: JsonObject): boolean =>
    links(app).some(({id}) => all.some((one) => one['id'] === id && one['decision'] === 'non_identity'))
  const touched = (app: JsonObject, at: number): boolean =>
    links(app).length !== links(before['apps']?.[at] ?? {}).length
  return (
    holders.some((one) => JSON.stringify(one['require']).includes(CI)) ||
    (after['groups'] ?? []).some((one) => (one['include'] as unknown[]).length === 0) ||
    (after['apps'] ?? []).some(
      (app, at) => app['service_auth_401_redirect'] === true && touched(app, at) && !serviceAuth(app),
    )
  )
}

describe('any account', () => {
  const rule = fc.oneof(
    {weight: 3, arbitrary: fc.constant(ci)},
    fc.constantFrom(cd, staff, {everyone: {}}, {any_valid_service_token: {}}, group('g0'), group('g1')),
  )
  const unknown = fc.dictionary(fc.constantFrom('future', 'beyond'), answeredJson)
  const parts = fc.record({
    include: fc.array(rule, {minLength: 1, maxLength: 3}),
    exclude: fc.array(rule, {maxLength: 2}),
    require: fc.array(fc.oneof({weight: 15, arbitrary: fc.constantFrom(cd, staff)}, fc.constant(ci)), {
      maxLength: 2,
    }),
  })
  const policies = (prefix: string): fc.Arbitrary<JsonObject[]> =>
    fc
      .array(fc.tuple(parts, unknown, fc.constantFrom('non_identity', 'allow', 'deny', 'bypass')), {
        maxLength: 4,
      })
      .map((list) =>
        list.map(([rules, more, decision], at) => ({
          ...more,
          ...policy(`${prefix}${at}`, {...rules, decision}),
        })),
      )
  const groups = fc
    .array(fc.tuple(parts, unknown), {maxLength: 2})
    .map((list) => list.map(([rules, more], at) => ({...more, id: `g${at}`, name: `group ${at}`, ...rules})))
  const seeds = policies('p').chain((shared) => {
    const linked = fc
      .shuffledSubarray(shared.map(({id}) => id))
      .map((ids) => ids.map((id, at) => ({id, precedence: at * 3 + 2})))
    const app = fc.tuple(fc.oneof(linked, policies('i')), unknown, fc.boolean())
    return fc.record({
      policies: fc.constant(shared),
      groups,
      apps: fc.array(app, {maxLength: 3}).map((list) =>
        list.map(([own, more, redirect], at) => ({
          ...more,
          id: `a${at}`,
          name: `app ${at}`,
          domain: `a${at}.example.com`,
          policies: own.map((one) =>
            String(one['id']).startsWith('i') ? {...one, id: `${String(one['id'])}-${at}`} : one,
          ),
          service_auth_401_redirect:
            redirect &&
            own.some(({id}) =>
              [...shared, ...own].some(
                (one: JsonObject) => one['id'] === id && one['decision'] === 'non_identity',
              ),
            ),
        })),
      ),
    })
  })

  it('is afterwards without the token and otherwise as it was, or all of it is as it was', async () => {
    const outcomes = {revoked: 0, refused: 0}
    const holds = fc.asyncProperty(seeds, async (made) => {
      // As JSON has it: that knows no negative zero.
      const seed = JSON.parse(JSON.stringify(made)) as typeof made
      await open(seed)
      try {
        const before = account()
        const result = await revokeToken(world.ctx, {token: 'ci', detach: true}).catch(
          (error: unknown) => error,
        )
        if (result instanceof UserError) {
          expect(forbidden(before)).toBe(true)
          expect(account()).toEqual(before)
          expect(world.changes).toEqual([])
          outcomes.refused++
        } else {
          expect(result).toMatchObject({deleted: true})
          expect(forbidden(before)).toBe(false)
          expect(account()).toEqual(modelOf(before))
          outcomes.revoked++
        }
      } finally {
        await world.end()
      }
    })
    await untilCovered(
      () => fc.assert(holds, {numRuns: 100}),
      () => (['revoked', 'refused'] as const).filter((one) => outcomes[one] <= 10),
    )
  })
})
