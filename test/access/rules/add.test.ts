import {afterEach, describe, expect, it} from 'vitest'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {World} from '../../support/access-world.js'
import {addRule, type RuleToAdd} from '../../support/add-rule.js'
import {everything} from '../../support/edit-world.js'

let world: World
afterEach(() => world.end())

const rule = (name: string, more: JsonObject = {}): JsonObject => ({
  id: `policy-${name}`,
  name,
  decision: 'allow',
  include: [{everyone: {}}],
  ...more,
})

const seed = (): SandboxSeed => ({
  zones: [{name: 'example.com'}],
  policies: [rule('one'), rule('two'), rule('three'), rule('unused')],
  apps: [
    {
      id: 'app-git',
      name: 'Git',
      domain: 'git.example.com',
      type: 'self_hosted',
      policies: [
        {id: 'policy-two', precedence: 5},
        {id: 'policy-one', precedence: 9},
        {id: 'policy-three', precedence: 20},
      ],
      some_new_field: {deep: [1, {er: null}], text: 'ü'},
      service_auth_401_redirect: false,
      destinations: [
        {type: 'public', uri: 'git.example.com'},
        {type: 'public', uri: 'ssh.example.com/path'},
      ],
    },
    {id: 'app-old', name: 'Old', domain: 'old.example.com', policies: [rule('own', {precedence: 3})]},
    {id: 'app-empty', name: 'Empty', domain: 'empty.example.com'},
    {id: 'app-twin-1', name: 'Twin', domain: 'twin1.example.com'},
    {id: 'app-twin-2', name: 'Twin', domain: 'twin2.example.com'},
    {id: 'app-mark', name: 'Mark', type: 'bookmark', domain: 'mark.example.com'},
  ],
})

async function open(onRequest?: (exchange: Exchange, state: SandboxState) => void): Promise<World> {
  world = await World.open(seed(), onRequest)
  await createServiceToken(world.ctx, {name: 'ci'})
  await createServiceToken(world.ctx, {name: 'cd'})
  world.exchanges.length = 0
  return world
}

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof UserError) return error
  throw error
}

const links = (name: string): unknown => world.app(name)['policies']
const sent = (method: string): JsonObject =>
  world.exchanges.find((one) => one.method === method)?.requestBody as JsonObject

describe('adding a Service Auth rule', () => {
  it('keeps every field and policy of the application, in order, and puts the rule last', async () => {
    await open()
    const before = structuredClone(world.app('Git'))
    const result = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(world.changes).toEqual(['POST /policies', 'PUT /apps/app-git'])
    expect(sent('PUT')).toMatchObject({some_new_field: before['some_new_field']})
    const made = result.rule?.id
    expect(world.app('Git')).toEqual({
      ...before,
      updated_at: world.app('Git')['updated_at'],
      policies: [...(before['policies'] as JsonObject[]), {id: made, precedence: 21}],
    })
    expect(world.state.data.policies.at(-1)).toMatchObject({
      id: made,
      name: 'Service Auth: ci',
      decision: 'non_identity',
      include: [{service_token: {token_id: world.state.data.serviceTokens[0]?.object['id']}}],
      require: [],
      exclude: [],
    })
    expect(result).toMatchObject({changed: true, dryRun: false, how: 'reusable', alreadyThere: []})
    expect(result.after.map(({name}) => name)).toEqual(['two', 'one', 'three', 'Service Auth: ci'])
    expect(result.bound.map(({host}) => host)).toEqual(['git.example.com', 'ssh.example.com/path'])
  })

  it.each(['Git', 'git.example.com', 'GIT.example.com', 'https://ssh.example.com/path/x', 'app-git'])(
    'knows the application as %s',
    async (application) => {
      await open()
      const result = await addRule(world.ctx, {application, tokens: ['ci'], dryRun: true})
      expect(result.application.id).toBe('app-git')
    },
  )

  it('changes nothing the second time', async () => {
    await open()
    await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    world.exchanges.length = 0
    const again = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(again).toMatchObject({changed: false, how: 'none', alreadyThere: [{name: 'ci'}], added: []})
    expect(world.changes).toEqual([])
  })

  it('adds a rule for those tokens only that are not admitted yet', async () => {
    await open()
    await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    const both = await addRule(world.ctx, {
      application: 'Git',
      tokens: ['ci', 'cd', 'cd'],
      ruleName: 'Deploy',
    })
    expect(both).toMatchObject({alreadyThere: [{name: 'ci'}], added: [{name: 'cd'}], rule: {name: 'Deploy'}})
  })

  it('sends nothing for a dry run, binds nothing, and shows what it would do', async () => {
    await open()
    const result = await addRule(world.ctx, {application: 'Git', tokens: ['ci'], dryRun: true})
    expect(world.changes).toEqual([])
    expect(await world.ctx.index.bindings()).toEqual([])
    expect(result).toMatchObject({
      changed: false,
      dryRun: true,
      rule: {id: undefined, name: 'Service Auth: ci', precedence: 21},
    })
    expect(result.after).toHaveLength(4)
  })

  it('makes the rule inside an application that has its own policies', async () => {
    await open()
    const before = structuredClone(world.app('Old'))
    const result = await addRule(world.ctx, {application: 'Old', tokens: ['ci']})
    expect(world.changes).toEqual(['POST /apps/app-old/policies'])
    expect(result).toMatchObject({how: 'inline', rule: {precedence: 4}})
    expect(links('Old')).toEqual([
      ...(before['policies'] as JsonObject[]),
      {id: result.rule?.id, precedence: 4},
    ])
  })

  it('gives a first policy to an application that has none', async () => {
    await open()
    const {rule: made} = await addRule(world.ctx, {application: 'Empty', tokens: ['ci']})
    expect(links('Empty')).toEqual([{id: made?.id, precedence: 1}])
  })

  it('uses again what an interrupted run left behind', async () => {
    await open()
    const first = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    world.app('Git')['policies'] = (links('Git') as JsonObject[]).slice(0, 3)
    world.exchanges.length = 0
    const second = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(second.rule?.id).toBe(first.rule?.id)
    expect(world.changes).toEqual(['PUT /apps/app-git'])
  })

  it.each<[string, JsonObject, again: boolean]>([
    ['sessions of another length', {session_duration: '720h'}, false],
    ['an approval', {approval_required: true}, false],
    ['isolation', {isolation_required: true}, false],
    ['another action', {decision: 'bypass'}, false],
    ['a setting of tomorrow', {require_dance: true}, false],
    [
      'what the server fills in',
      {session_duration: '24h0m0s', approval_required: false, approval_groups: []},
      true,
    ],
  ])('of one that has %s, uses it again only if that means nothing', async (_, setting, again) => {
    await open()
    const first = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    world.app('Git')['policies'] = (links('Git') as JsonObject[]).slice(0, 3)
    Object.assign(world.state.data.policies.find(({id}) => id === first.rule?.id) ?? {}, setting)
    const second = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(second.rule?.id === first.rule?.id).toBe(again)
  })

  it('does not take a policy that someone uses for one that was left behind', async () => {
    await open()
    const first = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    const second = await addRule(world.ctx, {application: 'Empty', tokens: ['ci']})
    expect(second.rule?.id).not.toBe(first.rule?.id)
  })

  const bad: [string, {application?: string; tokens?: string[]; ruleName?: string}, object][] = [
    ['an unknown application', {application: 'Gut'}, {kind: 'not-found', why: /Git/}],
    ['a name that two applications have', {application: 'Twin'}, {kind: 'ambiguous'}],
    ['an unknown token', {tokens: ['ci', 'co']}, {kind: 'not-found'}],
    ['a kind that has no Service Auth', {application: 'Mark'}, {code: 'NO_SERVICE_AUTH_HERE'}],
    ['a rule name of blanks', {ruleName: '  '}, {code: 'BAD_RULE_NAME'}],
    ['a rule name with control characters', {ruleName: 'a\u0007'}, {code: 'BAD_RULE_NAME'}],
    ['a rule name that is too long', {ruleName: 'x'.repeat(251)}, {code: 'BAD_RULE_NAME'}],
  ]
  it.each(bad)('changes nothing for %s', async (_, options, expected) => {
    await open()
    const error = await failure(addRule(world.ctx, {application: 'Git', tokens: ['ci'], ...options}))
    const {why, ...exact} = expected as {why?: RegExp}
    expect(error).toMatchObject(exact)
    if (why) expect([error.why, ...error.next].join(' ')).toMatch(why)
    expect(world.changes).toEqual([])
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('names all applications of an ambiguous name with what tells them apart', async () => {
    await open()
    const error = await failure(addRule(world.ctx, {application: 'Twin', tokens: ['ci']}))
    const said = [error.message, error.why, ...error.next].join('\n')
    for (const domain of ['twin1.example.com', 'twin2.example.com']) expect(said).toContain(domain)
  })
})

describe('whom a rule admits, and its place', () => {
  const robots = (): JsonObject => {
    const [ci] = world.state.data.serviceTokens
    const group = {
      id: 'group-robots',
      name: 'robots',
      include: [{service_token: {token_id: ci?.object['id']}}],
      exclude: [],
      require: [],
    }
    world.state.data.groups.push(group)
    return group
  }
  const made = (): JsonObject | undefined => world.state.data.policies.at(-1)

  it.each<[string, Record<string, unknown>, JsonObject]>([
    ['an Access group', {group: ['robots']}, {name: 'Service Auth: Access group robots', include: [{group: {id: 'group-robots'}}]}],
    ['any token', {'any-token': true}, {name: 'Service Auth: any valid service token', include: [{any_valid_service_token: {}}]}],
    ['one network', {'any-token': true, 'require-ip': ['203.0.113.0/24']}, {require: [{ip: {ip: '203.0.113.0/24'}}]}],
    ['all but a network', {'any-token': true, 'exclude-ip': ['2001:db8::/32']}, {exclude: [{ip: {ip: '2001:db8::/32'}}]}],
    ['one country', {'any-token': true, 'require-country': ['de']}, {require: [{geo: {country_code: 'DE'}}]}],
    ['all but two countries', {'any-token': true, 'exclude-country': ['FR', 'CH']}, {exclude: [{geo: {country_code: 'CH'}}, {geo: {country_code: 'FR'}}]}],
  ])('can mean %s', async (_, flags, expected) => {
    await open()
    robots()
    await addRule(world.ctx, {application: 'Git', flags})
    expect(made()).toMatchObject({decision: 'non_identity', ...expected})
    world.exchanges.length = 0
    expect(await addRule(world.ctx, {application: 'Git', flags})).toMatchObject({changed: false, how: 'none'})
    expect(world.changes).toEqual([])
  }) // prettier-ignore

  it.each(['require-ip', 'exclude-ip', 'require-country', 'exclude-country'])(
    'is another rule under other conditions: --%s',
    async (flag) => {
      await open()
      const [one, other] = flag.endsWith('ip') ? ['192.0.2.0/24', '198.51.100.0/24'] : ['DE', 'FR']
      const add = (conditions: object): ReturnType<typeof addRule> =>
        addRule(world.ctx, {application: 'Git', flags: {'any-token': true, ...conditions}})
      expect(await add({[flag]: [one]})).toMatchObject({changed: true})
      expect(await add({[flag]: [other]})).toMatchObject({changed: true, how: 'reusable'})
      expect(await add({})).toMatchObject({changed: true})
      expect(await add({[flag]: [one]})).toMatchObject({changed: false})
    },
  )

  it('binds the hosts to the one token of the group whose secret is here, and never in place of another', async () => {
    await open()
    robots()
    const first = await addRule(world.ctx, {application: 'Git', flags: {group: ['robots']}})
    expect(first.bound).toMatchObject([
      {host: 'git.example.com', token: 'ci'},
      {host: 'ssh.example.com/path'},
    ])
    await addRule(world.ctx, {application: 'Empty', tokens: ['cd']})
    const second = await addRule(world.ctx, {application: 'Empty', flags: {group: ['robots']}})
    expect(second).toMatchObject({changed: true, bound: []})
  })

  it('binds no host where several tokens would do, and says which', async () => {
    await open()
    const {bound, warnings} = await addRule(world.ctx, {application: 'Git', flags: {'any-token': true}})
    expect(bound).toEqual([])
    expect(warnings.join()).toMatch(/"ci", "cd".*--token/)
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('says that conditions have no effect on those whom another rule admits', async () => {
    await open()
    await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    const narrow = await addRule(world.ctx, {
      application: 'Git',
      tokens: ['ci'],
      flags: {'require-country': ['DE']},
    })
    expect(narrow).toMatchObject({changed: true, added: [{name: 'ci'}]})
    expect(narrow.warnings.join()).toMatch(/admits ci without these conditions/)
  })

  it.each<[string, string, Partial<{before: string; precedence: number}>, string[]]>([
    ['Git', 'before a rule, by name', {before: 'one'}, ['5 two', '8 new', '9 one', '20 three']],
    ['Git', 'before a rule, by id', {before: 'policy-two'}, ['4 new', '5 two', '9 one', '20 three']],
    ['Git', 'before a rule, by precedence', {before: '20'}, ['5 two', '9 one', '19 new', '20 three']],
    ['Git', 'at a free precedence', {precedence: 1}, ['1 new', '5 two', '9 one', '20 three']],
    ['Git', 'at a precedence that another has', {precedence: 9}, ['5 two', '9 new', '10 one', '20 three']],
    ['Old', 'before an inline rule', {before: 'own'}, ['2 new', '3 own']],
    ['Old', 'at the precedence of an inline rule', {precedence: 3}, ['3 new', '4 own']],
  ])('puts it on %s %s', async (application, _, place, expected) => {
    await open()
    const result = await addRule(world.ctx, {application, tokens: ['ci'], ruleName: 'new', ...place})
    const listed = await (await world.ctx.api()).listApplicationPolicies(result.application.id)
    expect(listed.map(({precedence, name}) => `${precedence} ${name}`)).toEqual(expected)
    expect(result.after.map(({precedence, name}) => `${precedence} ${name}`)).toEqual(expected)
  })

  it.each<[string, Partial<RuleToAdd>, string]>([
    ['an unknown rule to stand before', {before: 'four'}, 'RULE_NOT_FOUND'],
    ['two places at once', {before: 'one', precedence: 3}, 'BEFORE_AND_PRECEDENCE'],
    ['a precedence of nought', {precedence: 0}, 'BAD_PRECEDENCE'],
    ['an unknown Access group', {flags: {group: ['robats']}}, 'GROUP_NOT_FOUND'],
    ['what is no address', {flags: {'require-ip': ['203.0.113.256']}}, 'BAD_CIDR'],
    ['what is no country', {flags: {'exclude-country': ['UK']}}, 'BAD_COUNTRY'],
    ['two countries at once', {flags: {'require-country': ['DE', 'FR']}}, 'NEVER_HOLDS'],
    ['two networks at once', {flags: {'require-ip': ['192.0.2.0/24', '198.51.100.0/24']}}, 'NEVER_HOLDS'],
    ['nobody', {tokens: [], flags: {'require-country': ['DE']}}, 'NO_INCLUDE'],
  ])('changes nothing for %s', async (_, wanted, code) => {
    await open()
    robots()
    const before = everything(world.state)
    const error = await failure(addRule(world.ctx, {application: 'Git', tokens: ['ci'], ...wanted}))
    expect(error.code).toBe(code)
    expect(everything(world.state)).toBe(before)
    expect(world.changes).toEqual([])
  })
})

describe('when someone else is at work', () => {
  it('changes nothing of an application that was edited meanwhile, and takes its policy back', async () => {
    await open(({method, path}, state) => {
      if (method !== 'POST' || !path.endsWith('/policies')) return
      const app = state.data.apps.find(({id}) => id === 'app-git')
      if (app) app['session_duration'] = '1h'
    })
    const before = structuredClone(links('Git'))
    const error = await failure(addRule(world.ctx, {application: 'Git', tokens: ['ci']}))
    expect(error).toMatchObject({kind: 'conflict', code: 'CHANGED_MEANWHILE'})
    expect(world.changes.map((one) => one.split('/')[0])).toEqual(['POST ', 'DELETE '])
    expect(links('Git')).toEqual(before)
    expect(world.state.data.policies.map(({name}) => name)).toEqual(['one', 'two', 'three', 'unused'])
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('says so when the application is not as it should be afterwards', async () => {
    await open(({method, path}, state) => {
      if (method !== 'PUT' || !path.includes('/apps/')) return
      const app = state.data.apps.find(({id}) => id === 'app-git')
      if (app) app['some_new_field'] = 'lost'
    })
    const error = await failure(addRule(world.ctx, {application: 'Git', tokens: ['ci']}))
    expect(error).toMatchObject({code: 'NOT_AS_EXPECTED', details: {fields: ['some_new_field']}})
    expect(await world.ctx.index.bindings()).toEqual([])
  })

  it('takes its policy back when the application refuses the change', async () => {
    await open(({method, path}, state) => {
      if (method !== 'POST' || !path.endsWith('/policies')) return
      state.data.zones = []
      const app = state.data.apps.find(({id}) => id === 'app-git')
      if (app) app['service_auth_401_redirect'] = 'not a boolean'
    })
    await failure(addRule(world.ctx, {application: 'Git', tokens: ['ci']}))
    expect(world.state.data.policies.map(({name}) => name)).not.toContain('Service Auth: ci')
  })
})

describe('the tokens', () => {
  it('binds the hosts to the first token whose secret is here', async () => {
    await open()
    const [ci] = world.state.data.serviceTokens
    await world.ctx.index.remove('default', String(ci?.object['id']))
    const {bound} = await addRule(world.ctx, {application: 'Git', tokens: ['ci', 'cd']})
    expect(bound).toMatchObject([{token: 'cd'}, {token: 'cd'}])
  })

  it('says that no host is bound when no secret is here', async () => {
    await open()
    for (const {object} of world.state.data.serviceTokens) {
      await world.ctx.index.remove('default', String(object['id']))
    }
    const result = await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(result.bound).toEqual([])
    expect(result.warnings.join()).toContain('"ci"')
  })

  it.each([
    [{enabled: false}, /disabled/],
    [{expires_at: '2020-01-01T00:00:00Z'}, /expired/],
  ])('warns of a token that opens nothing: %j', async (change, warning) => {
    await open()
    Object.assign(world.state.data.serviceTokens[0]?.object ?? {}, change)
    const {warnings} = await addRule(world.ctx, {application: 'Git', tokens: ['ci'], dryRun: true})
    expect(warnings.join()).toMatch(warning)
  })

  it('adds a rule beside one that admits the token under further conditions, and says so', async () => {
    await open()
    const tokenId = world.state.data.serviceTokens[0]?.object['id']
    world.state.data.policies.push(
      rule('narrow', {
        decision: 'non_identity',
        include: [{service_token: {token_id: tokenId}}],
        require: [{geo: {country_code: 'CH'}}],
        exclude: [],
      }),
    )
    world.app('Empty')['policies'] = [{id: 'policy-narrow', precedence: 1}]
    const result = await addRule(world.ctx, {application: 'Empty', tokens: ['ci']})
    expect(result).toMatchObject({changed: true})
    expect(result.warnings.join()).toContain('"narrow"')
  })
})
