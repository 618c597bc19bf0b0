import {afterEach, describe, expect, it} from 'vitest'
import {applyPlanned} from '../../../src/lib/access/edit/planned.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {planRemoveRule, type RemoveRuleOptions} from '../../../src/lib/access/rules/remove.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import {World} from '../../support/access-world.js'
import {addRule} from '../../support/add-rule.js'
import {everything, failure} from '../../support/edit-world.js'

let world: World
afterEach(() => world.end())

const policy = (name: string, more: JsonObject = {}): JsonObject => ({
  id: `policy-${name}`,
  name,
  decision: 'allow',
  include: [{everyone: {}}],
  exclude: [],
  require: [],
  ...more,
})

async function open(onRequest?: (exchange: Exchange, state: SandboxState) => void): Promise<void> {
  world = await World.open(
    {
      zones: [{name: 'example.com'}],
      policies: [policy('staff'), policy('shared'), policy('robots', {decision: 'non_identity'})],
      groups: [],
      apps: [
        {
          id: 'app-git',
          name: 'Git',
          domain: 'git.example.com',
          some_new_field: {deep: [null]},
          policies: [
            {id: 'policy-staff', precedence: 2},
            {id: 'policy-shared', precedence: 5},
            {id: 'policy-robots', precedence: 6},
          ],
        },
        {id: 'app-wiki', name: 'Wiki', domain: 'wiki.example.com', policies: ['policy-shared']},
        {
          id: 'app-old',
          name: 'Old',
          domain: 'old.example.com',
          policies: [policy('own', {precedence: 3}), policy('other', {precedence: 4})],
        },
      ],
    },
    onRequest,
  )
  for (const name of ['ci', 'cd']) await createServiceToken(world.ctx, {name})
  world.exchanges.length = 0
}

async function remove(options: RemoveRuleOptions): Promise<{
  plan: Awaited<ReturnType<typeof planRemoveRule>>
  undo: string | undefined
}> {
  const plan = await planRemoveRule(world.ctx, options)
  const {undoId} = await applyPlanned(world.ctx, plan, 'zt app remove-rule')
  return {plan, undo: undoId}
}

const tokenId = (at: number): unknown => world.state.data.serviceTokens[at]?.object['id']
const links = (name: string): unknown => world.app(name)['policies']
const policyNames = (): unknown[] => world.state.data.policies.map(({name}) => name)
/** Changes the Service Auth policy. */
function setRobots(fields: JsonObject): void {
  Object.assign(world.state.data.policies.find(({id}) => id === 'policy-robots') ?? {}, fields)
}
const names = (at: number): JsonObject => ({service_token: {token_id: tokenId(at)}})

describe('taking a rule off an application', () => {
  it.each(['shared', 'SHARED', 'policy-shared', '5', '#5'])('knows the rule as %s', async (rule) => {
    await open()
    const {plan} = await remove({application: 'Git', rule})
    expect(plan).toMatchObject({how: 'detach', rule: {name: 'shared'}})
    expect(world.changes).toEqual(['PUT /apps/app-git'])
    expect(links('Git')).toEqual([
      {id: 'policy-staff', precedence: 2},
      {id: 'policy-robots', precedence: 6},
    ])
    expect(world.app('Git')['some_new_field']).toEqual({deep: [null]})
    expect(policyNames()).toContain('shared')
    expect(links('Wiki')).toHaveLength(1)
  })

  it('deletes the policy too where no other application has it', async () => {
    await open()
    const before = everything(world.state, {ids: false})
    const {undo, plan} = await remove({application: 'Git', rule: 'staff', delete: true})
    expect(plan.how).toBe('delete')
    expect(policyNames()).not.toContain('staff')
    await undoEdit(world.ctx, await planUndo(world.ctx, undo ?? ''))
    expect(everything(world.state, {ids: false})).toBe(before)
  })

  it('deletes an inline rule, and says before that it has no other home', async () => {
    await open()
    const before = everything(world.state, {ids: false})
    const {plan, undo} = await remove({application: 'Old', rule: 'own'})
    expect(plan.how).toBe('delete')
    expect(plan.notes.join()).toContain('only in "Old"')
    expect(world.changes).toEqual(['DELETE /apps/app-old/policies/policy-own'])
    expect(links('Old')).toEqual([{id: 'policy-other', precedence: 4}])
    await undoEdit(world.ctx, await planUndo(world.ctx, undo ?? ''))
    expect(everything(world.state, {ids: false})).toBe(before)
  })

  it('says that no one gets in without the last rule', async () => {
    await open()
    const {notes} = await planRemoveRule(world.ctx, {application: 'Wiki', rule: 'shared'})
    expect(notes.join()).toContain('no one would get in')
  })

  it('takes only the token out of the rule', async () => {
    await open()
    setRobots({include: [names(0), names(1), {ip: {ip: '192.0.2.1/32'}}]})
    const {plan} = await remove({application: 'Git', rule: 'robots', token: 'ci'})
    expect(plan.how).toBe('token')
    expect(world.changes).toEqual(['PUT /policies/policy-robots'])
    expect(world.state.data.policies.find(({id}) => id === 'policy-robots')).toMatchObject({
      include: [{ip: {ip: '192.0.2.1/32'}}, names(1)],
    })
  })

  it('takes the token out of an inline rule', async () => {
    await open()
    const own = world.state.data.inlinePolicies.find(({id}) => id === 'policy-own')
    Object.assign(own ?? {}, {decision: 'non_identity', include: [names(0), names(1)]})
    await remove({application: 'Old', rule: 'own', token: 'ci'})
    expect(world.changes).toEqual(['PUT /apps/app-old/policies/policy-own'])
    expect(world.state.data.inlinePolicies.find(({id}) => id === 'policy-own')).toMatchObject({
      include: [names(1)],
    })
  })

  it('names the other applications that have a rule from which a token is taken', async () => {
    await open()
    const shared = world.state.data.policies.find(({id}) => id === 'policy-shared')
    Object.assign(shared ?? {}, {decision: 'non_identity', include: [names(0), names(1)]})
    const {notes} = await planRemoveRule(world.ctx, {application: 'Git', rule: 'shared', token: 'ci'})
    expect(notes).toEqual(['"Wiki" has this rule too'])
  })

  it('changes nothing where the rule does not name the token', async () => {
    await open()
    const {plan} = await remove({application: 'Git', rule: 'robots', token: 'ci'})
    expect(plan).toMatchObject({how: 'none', changes: []})
    expect(world.changes).toEqual([])
  })

  it.each<[string, () => void, RemoveRuleOptions, string]>([
    ['an unknown application', () => undefined, {application: 'Gut', rule: 'staff'}, 'APPLICATION_NOT_FOUND'],
    ['an unknown rule', () => undefined, {application: 'Git', rule: 'stuff'}, 'RULE_NOT_FOUND'],
    ['an unknown token', () => undefined, {application: 'Git', rule: 'robots', token: 'co'}, 'TOKEN_NOT_FOUND'],
    ['a policy that others have', () => undefined, {application: 'Git', rule: 'shared', delete: true}, 'POLICY_IN_USE'],
    [
      'the last Service Auth rule of an application that answers 401',
      () => (world.app('Git')['service_auth_401_redirect'] = true),
      {application: 'Git', rule: 'robots'},
      'LAST_SERVICE_AUTH_RULE',
    ],
    [
      'a token that the rule requires',
      () => {
        setRobots({require: [names(0)]})
      },
      {application: 'Git', rule: 'robots', token: 'ci'},
      'RULE_WOULD_WIDEN',
    ],
    [
      'a token that the rule excludes',
      () => {
        setRobots({exclude: [names(0)]})
      },
      {application: 'Git', rule: 'robots', token: 'ci'},
      'RULE_WOULD_WIDEN',
    ],
    ['all that the rule includes', () => setRobots({include: [names(0)]}), {application: 'Git', rule: 'robots', token: 'ci'}, 'RULE_WOULD_BE_EMPTY'],
    [
      'a token among other selectors',
      () => setRobots({include: [{...names(0), everyone: {}}, {everyone: {}}]}),
      {application: 'Git', rule: 'robots', token: 'ci'},
      'RULE_UNCLEAR',
    ],
    [
      'a token that an Access group holds',
      () => {
        world.state.data.groups.push({id: 'g', name: 'all', include: [names(0)], exclude: [], require: []})
        setRobots({include: [{group: {id: 'g'}}, names(1)]})
      },
      {application: 'Git', rule: 'robots', token: 'ci'},
      'TOKEN_IN_GROUP',
    ],
  ])('changes nothing for %s', async (_, prepare, options, code) => {
    await open()
    prepare()
    const before = everything(world.state)
    const error = await failure(remove(options))
    expect(error.code).toBe(code)
    expect(everything(world.state)).toBe(before)
    expect(world.changes).toEqual([])
  }) // prettier-ignore

  it('says how the last Service Auth rule can go all the same', async () => {
    await open()
    world.app('Git')['service_auth_401_redirect'] = true
    const error = await failure(remove({application: 'Git', rule: 'robots'}))
    expect(error.next.join('\n')).toContain('zt app set Git --no-service-auth-401')
  })

  it('changes nothing where someone edits the application meanwhile', async () => {
    await open()
    const plan = await planRemoveRule(world.ctx, {application: 'Git', rule: 'staff', delete: true})
    world.app('Git')['session_duration'] = '1h'
    const before = everything(world.state)
    const error = await failure(applyPlanned(world.ctx, plan, 'zt app remove-rule'))
    expect(error.code).toBe('CHANGED_MEANWHILE')
    expect(everything(world.state)).toBe(before)
  })
})

describe('the hosts of a rule that is gone', () => {
  const bound = async (): Promise<string[]> => (await world.ctx.index.bindings()).map(({host}) => host)

  it('are unbound where the token does not open them any more', async () => {
    await open()
    setRobots({include: [names(1)]})
    await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    await remove({application: 'Git', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual([])
  })

  it.each<[string, JsonObject[]]>([
    ['names the token', [{service_token: {token_id: 'CI'}}]],
    ['means any token', [{any_valid_service_token: {}}]],
    ['goes by the address', [{ip: {ip: '192.0.2.0/24'}}]],
    ['holds it in an Access group', [{group: {id: 'g'}}]],
    ['holds it in a group that is not known', [{group: {id: 'gone'}}]],
  ])('stay bound where another rule %s', async (_, include) => {
    await open()
    const text = JSON.stringify(include).replace('CI', String(tokenId(0)))
    world.state.data.groups.push({id: 'g', name: 'g', include: [names(0)], exclude: [], require: []})
    await addRule(world.ctx, {application: 'Git', tokens: ['ci'], flags: {'require-country': ['DE']}})
    setRobots({include: JSON.parse(text) as JsonObject[]})
    await remove({application: 'Git', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual(['git.example.com'])
  })

  it('stay bound in a plan that is not carried out, and are those of the application alone', async () => {
    await open()
    setRobots({include: [names(1)]})
    await addRule(world.ctx, {application: 'Git', tokens: ['ci']})
    expect(
      (await planRemoveRule(world.ctx, {application: 'Git', rule: 'Service Auth: ci'})).unbound,
    ).toHaveLength(1)
    expect(await bound()).toEqual(['git.example.com'])
    Object.assign(world.app('Wiki'), {
      domain: 'git.example.com/wiki',
      destinations: undefined,
      self_hosted_domains: undefined,
    })
    await addRule(world.ctx, {application: 'Wiki', tokens: ['ci']})
    await remove({application: 'Git', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual(['git.example.com/wiki'])
  })

  it('stay bound as an earlier version of zt bound them, while an application of the host admits the token', async () => {
    await open()
    setRobots({include: [names(1)]})
    Object.assign(world.app('Wiki'), {
      domain: 'git.example.com/wiki',
      destinations: undefined,
      self_hosted_domains: undefined,
    })
    for (const application of ['Git', 'Wiki']) await addRule(world.ctx, {application, tokens: ['ci']})
    await world.ctx.index.unbind('default', 'git.example.com/wiki')
    await remove({application: 'Wiki', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual(['git.example.com'])
    await remove({application: 'Git', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual([])
  })

  it('are found where an earlier version of zt bound the whole host for a path', async () => {
    await open()
    setRobots({include: [names(1)]})
    Object.assign(world.app('Wiki'), {
      domain: 'old.example.com/wiki',
      destinations: undefined,
      self_hosted_domains: undefined,
    })
    await addRule(world.ctx, {application: 'Wiki', tokens: ['ci']})
    const [binding] = await world.ctx.index.bindings()
    await world.ctx.index.unbind('default', 'old.example.com/wiki')
    await world.ctx.index.bind({...binding!, host: 'old.example.com'})
    await remove({application: 'Wiki', rule: 'Service Auth: ci'})
    expect(await bound()).toEqual([])
  })
})
