import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {streamApplications} from '../../../src/lib/access/applications/list.js'
import {streamGroups} from '../../../src/lib/access/groups/list.js'
import {streamPolicies} from '../../../src/lib/access/policies/list.js'
import {streamServiceTokens} from '../../../src/lib/access/tokens/list.js'
import {resolveZone} from '../../../src/lib/access/account/zone.js'
import {createAccessApi} from '../../../src/lib/api/client.js'
import type {AccessApi, Page} from '../../../src/lib/api/types.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {noProgress} from '../../../src/lib/core/progress.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {World} from '../../support/access-world.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const ZONE = '9a7806061c88ada191ed06f989cc3dac'
const id = (kind: number, at: number): string =>
  `0000000${kind}-0000-4000-8000-${String(at).padStart(12, '0')}`
const many = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({length: count}, (_, at) => make(at))
const policy = (at: number, include: object[]): Record<string, unknown> => ({
  id: id(2, at),
  name: `policy ${at}`,
  decision: 'non_identity',
  include,
})

const SEED: SandboxSeed = {
  accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
  zones: [
    {id: ZONE, name: 'widgetcorp.tech'},
    {name: 'elsewhere.example', account: {id: 'another'}},
    ...['a', 'b'].map((at) => ({id: at.repeat(32), name: 'twice.example'})),
  ],
  service_tokens: [
    ...many(120, (at) => ({id: id(1, at), name: `machine ${at}`})),
    {id: id(1, 900), name: "the zone's", zone_id: ZONE},
  ],
  groups: [
    {id: id(3, 0), name: 'robots', include: [{service_token: {token_id: id(1, 1)}}, {group: {id: id(3, 1)}}]},
    {id: id(3, 1), name: 'people', include: [{email: {email: 'a@example.com'}}]},
    {id: id(3, 9), name: "the zone's", include: [{everyone: {}}], zone_id: ZONE},
  ],
  policies: [
    policy(0, [{service_token: {token_id: id(1, 119)}}, {geo: {country_code: 'DE'}}]),
    policy(1, [{group: {id: id(3, 0)}}]),
    policy(2, [{service_token: {token_id: 'gone'}}]),
    policy(3, [{everyone: {}}]),
  ],
  apps: [
    ...many(230, (at) => ({
      id: id(4, at),
      name: `app ${at}`,
      domain: `app-${at}.widgetcorp.tech`,
      policies: at < 7 ? [id(2, 0)] : [],
    })),
    {id: id(4, 900), name: "the zone's", domain: 'own.widgetcorp.tech', zone_id: ZONE},
  ],
  api_tokens: [{token: 'apps-only', owner: 'user', permission_groups: ['Access: Apps and Policies Read']}],
}

let world: World

beforeEach(async () => {
  world = await World.open(SEED)
})
afterEach(() => world.end())

async function all<T>(pages: AsyncIterable<Page<T>>): Promise<T[]> {
  const items: T[] = []
  for await (const page of pages) items.push(...page.items)
  return items
}

/** The lists that were read, as `apps?page=2`, without the account's part. */
const lists = (): string[] =>
  world.exchanges.map(({path, query}) => `${path.split('/').at(-1)}?page=${query['page']}`)

const apiOf = (token: string, zoneId?: string): AccessApi =>
  createAccessApi({
    apiUrl: world.ctx.apiUrl,
    apiToken: new Secret(token),
    accountId: ACCOUNT,
    zoneId,
    userAgent: 'zt-test',
  })

describe('a list of applications', () => {
  it("comes page by page in the API's order, and says how far it is", async () => {
    const steps: unknown[][] = []
    const sizes: number[] = []
    const ctx = {...world.ctx, progress: {...noProgress, step: (...step: unknown[]) => steps.push(step)}}
    for await (const {items, total} of streamApplications(ctx)) {
      expect(total).toBe(230)
      sizes.push(items.length)
      expect(world.exchanges).toHaveLength(sizes.length)
    }
    expect(sizes).toEqual([100, 100, 30])
    expect(steps.slice(0, 3)).toEqual([
      ['Listing the applications'],
      ['Listing the applications', {done: 100, of: 230}],
      ['Listing the applications', {done: 200, of: 230}],
    ])
  })

  it.each<[string, object, number]>([
    ['a part of the name', {name: 'APP 22'}, 11],
    ['a whole name', {name: 'app 2', exact: true}, 1],
    ['a part of the domain', {domain: 'app-1'}, 111],
    ['anything', {search: 'app-229.widget'}, 1],
    ['what none has', {search: 'nothing'}, 0],
    ['a number of them', {limit: 3}, 3],
    ['a number of those found', {search: 'app 1', limit: 5}, 5],
  ])('is asked for by %s at the API', async (_, query, count) => {
    expect(await all(streamApplications(world.ctx, query))).toHaveLength(count)
    expect(world.exchanges).toHaveLength(count > 100 ? 2 : 1)
  })
})

describe('a list of service tokens', () => {
  it.each<[string, object, number]>([
    ['a part of the name', {search: 'machine 11'}, 11],
    ['the whole name', {name: 'machine 11'}, 1],
    ['a number of them', {limit: 119}, 119],
  ])('is asked for by %s', async (_, query, count) => {
    expect(await all(streamServiceTokens(world.ctx, query))).toHaveLength(count)
  })
})

describe('a list of policies', () => {
  const words = async (): Promise<string[][]> =>
    (await all(streamPolicies(world.ctx))).map(({includes}) => includes)

  it('says in words whom they include, and how many applications have them', async () => {
    expect(await words()).toEqual([
      ['country DE', 'service token machine 119'],
      ['Access group robots'],
      ['service token gone'],
      ['everyone'],
    ])
    const counts = (await all(streamPolicies(world.ctx))).map(({applications}) => applications)
    expect(counts).toEqual([7, 0, 0, 0])
  })

  it('reads the lists of names that its rules need, and each once', async () => {
    await all(streamPolicies(world.ctx, {search: 'policy 3'}))
    expect(lists()).toEqual(['policies?page=1'])
    world.exchanges.length = 0
    await all(streamPolicies(world.ctx))
    expect(lists().sort()).toEqual([
      'groups?page=1',
      'policies?page=1',
      'service_tokens?page=1',
      'service_tokens?page=2',
    ])
  })

  it('reads no more names than the rows so far need', async () => {
    const [first] = await all(streamPolicies(world.ctx, {limit: 1}))
    expect(first?.includes).toEqual(['country DE', 'service token machine 119'])
    expect(lists()).toEqual(['policies?page=1', 'service_tokens?page=1', 'service_tokens?page=2'])
    world.exchanges.length = 0
    const groups = streamGroups(world.ctx)
    expect((await groups.next()).value).toMatchObject({
      items: [{includes: ['Access group people', 'service token machine 1']}, {}],
    })
    expect(lists().sort()).toEqual(['groups?page=1', 'groups?page=1', 'service_tokens?page=1'])
  })

  it('shows ids where the API token may not read names', async () => {
    const ctx = {...world.ctx, api: () => Promise.resolve(apiOf('apps-only'))}
    expect((await all(streamPolicies(ctx))).map(({includes}) => includes.at(-1))).toEqual([
      `service token ${id(1, 119)}`,
      `Access group ${id(3, 0)}`,
      'service token gone',
      'everyone',
    ])
  })

  it.each([
    [{search: 'POLICY 2'}, ['policy 2']],
    [{limit: 2}, ['policy 0', 'policy 1']],
    [{search: 'policy', limit: 1}, ['policy 0']],
    [{search: 'nothing'}, []],
  ])('is narrowed by %j', async (query, names) => {
    expect((await all(streamPolicies(world.ctx, query))).map((one) => one.policy.name)).toEqual(names)
  })
})

describe('a list of Access groups', () => {
  it('says in words whom they include, and counts the service tokens', async () => {
    expect(await all(streamGroups(world.ctx))).toMatchObject([
      {includes: ['Access group people', 'service token machine 1'], serviceTokens: 1},
      {includes: ['email a@example.com'], serviceTokens: 0},
    ])
  })

  it('is narrowed at the API', async () => {
    const names = (await all(streamGroups(world.ctx, {search: 'rob', limit: 5}))).map((one) => one.group.name)
    expect(names).toEqual(['robots'])
  })
})

describe('a zone', () => {
  it("has its own applications, groups and service tokens, and the account's are not among them", async () => {
    const ctx = {...world.ctx, api: () => Promise.resolve(apiOf(world.state.apiToken, ZONE))}
    expect((await all(streamApplications(ctx))).map(({name}) => name)).toEqual(["the zone's"])
    expect((await all(streamGroups(ctx))).map(({group}) => group.name)).toEqual(["the zone's"])
    expect((await all(streamServiceTokens(ctx))).map(({token}) => token.name)).toEqual(["the zone's"])
    expect(world.exchanges.every(({path}) => path.startsWith(`/zones/${ZONE}/access/`))).toBe(true)
    const account = await all(streamApplications(world.ctx))
    expect(account).toHaveLength(230)
    await expect(apiOf(world.state.apiToken).getApplication(id(4, 900))).rejects.toMatchObject({
      kind: 'not-found',
    })
  })

  it('has no policies to share: nothing is asked', async () => {
    await expect(apiOf(world.state.apiToken, ZONE).listPolicies()).rejects.toMatchObject({
      kind: 'usage',
      code: 'ZONE_HAS_NO_POLICIES',
    })
    expect(world.exchanges).toEqual([])
  })

  it.each([
    ['its name', 'widgetcorp.tech'],
    ['its name in capitals, with the last dot', 'WidgetCorp.Tech.'],
    ['its id', ZONE],
    ['its id in capitals', ZONE.toUpperCase()],
  ])('is known by %s', async (_, wanted) => {
    expect(await resolveZone(apiOf(world.state.apiToken), wanted)).toBe(ZONE)
  })

  it('is not looked up where its id is given: an API token for Access alone may not list zones', async () => {
    await resolveZone(apiOf('nobody'), ZONE)
    expect(world.exchanges).toEqual([])
  })

  it.each([
    ['misspelt', 'widgetcorp.teck', 'ZONE_NOT_FOUND', /Did you mean "widgetcorp\.tech"/],
    ['of another account', 'elsewhere.example', 'ZONE_NOT_FOUND', /--zone ID/],
    ['there twice', 'twice.example', 'ZONE_AMBIGUOUS', /--zone ID/],
  ])('that is %s is refused', async (_, wanted, code, next) => {
    const error: unknown = await resolveZone(apiOf(world.state.apiToken), wanted).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(UserError)
    expect(error).toMatchObject({code})
    expect((error as UserError).next.join('\n')).toMatch(next)
  })

  it('that Cloudflare does not know is said to be that, and not the account', async () => {
    await expect(apiOf(world.state.apiToken, 'f'.repeat(32)).listGroups()).rejects.toMatchObject({
      kind: 'not-found',
      code: 'ZONE_NOT_FOUND',
    })
  })
})
