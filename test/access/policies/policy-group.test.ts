import fc from 'fast-check'
import {afterEach, describe, expect, it} from 'vitest'
import {reachLines, type EditReach} from '../../../src/lib/access/edit/reach.js'
import {planAddToken, planRemoveToken} from '../../../src/lib/access/groups/edits.js'
import {applyPlanned} from '../../../src/lib/access/edit/planned.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {showGroup} from '../../../src/lib/access/groups/show.js'
import {showPolicy} from '../../../src/lib/access/policies/show.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {Exchange} from '../../../src/lib/sandbox/api/server.js'
import type {SandboxState} from '../../../src/lib/sandbox/state.js'
import type {World} from '../../support/access-world.js'
import {everything, failure} from '../../support/edit-world.js'
import {keepHere, openWorld, plan, type Wanted} from '../../support/policy-group-world.js'

let world: World
afterEach(() => world.end())

async function open(onRequest?: (exchange: Exchange, state: SandboxState) => void): Promise<World> {
  return (world = await openWorld(onRequest))
}

/** Plans and makes; the id to undo it by. */
async function make(wanted: Wanted): Promise<string | undefined> {
  const applied = await applyPlanned(world.ctx, await plan(world.ctx, wanted), `zt ${wanted.do}`)
  return applied.undoId
}

const named = (kind: 'policies' | 'groups' | 'inlinePolicies', name: string): JsonObject | undefined =>
  world.state.data[kind].find((one) => one['name'] === name)

const links = (name: string): string[] =>
  (world.app(name)['policies'] as {id: string; precedence: number}[]).map(
    ({id, precedence}) => `${precedence} ${id}`,
  )

describe('an edit of policies and groups', () => {
  const robots = {service_token: {token_id: 'token-ci'}}
  it.each<[string, Wanted, string[], () => unknown, unknown]>([
    [
      'makes a policy of what was asked for',
      {do: 'create-policy', name: ' CI ', decision: 'non_identity', rules: {tokens: ['ci', 'token-ci'], groups: ['robots'], ips: ['203.0.113.7'], require: {countries: ['de']}, exclude: {ips: ['10.0.0.0/8'], groups: ['solo']}}},
      ['POST /policies'],
      () => named('policies', 'CI'),
      {
        decision: 'non_identity',
        include: [{group: {id: 'group-robots'}}, {ip: {ip: '203.0.113.7/32'}}, robots],
        require: [{geo: {country_code: 'DE'}}],
        exclude: [{group: {id: 'group-solo'}}, {ip: {ip: '10.0.0.0/8'}}],
      },
    ],
    [
      'makes a policy for people',
      {do: 'create-policy', name: 'People', decision: 'allow', rules: {emails: ['a@example.com'], emailDomains: ['@Example.org']}},
      ['POST /policies'],
      () => named('policies', 'People'),
      {decision: 'allow', include: [{email: {email: 'a@example.com'}}, {email_domain: {domain: 'example.org'}}]},
    ],
    ['attaches behind the others', {do: 'attach', policy: 'CD', application: 'Git'}, ['PUT /apps/app-git'], () => links('Git'), ['1 policy-staff', '2 policy-robots', '3 policy-cd']],
    ['attaches before a rule, which moves', {do: 'attach', policy: 'CD', application: 'Git', before: 'Staff'}, ['PUT /apps/app-git'], () => links('Git'), ['1 policy-cd', '2 policy-staff', '3 policy-robots']],
    ['attaches at a precedence', {do: 'attach', policy: 'CD', application: 'Git', precedence: 9}, ['PUT /apps/app-git'], () => links('Git'), ['1 policy-staff', '2 policy-robots', '9 policy-cd']],
    ['moves what is attached', {do: 'attach', policy: 'Robots', application: 'Git', before: '#1'}, ['PUT /apps/app-git'], () => links('Git'), ['1 policy-robots', '2 policy-staff']],
    ['detaches by name', {do: 'detach', policy: 'robots', application: 'git.example.com'}, ['PUT /apps/app-git'], () => links('Git'), ['1 policy-staff']],
    ['detaches by place', {do: 'detach', policy: '#1', application: 'Git'}, ['PUT /apps/app-git'], () => links('Git'), ['2 policy-robots']],
    ['deletes a policy that is on no application', {do: 'delete-policy', policy: 'CD'}, ['DELETE /policies/policy-cd'], () => named('policies', 'CD'), undefined],
    ['makes one inline policy reusable', {do: 'make-reusable', application: 'Old', rule: 'second'}, ['PUT /apps/app-old/policies/own-second/make_reusable'], () => [named('policies', 'second')?.['x_unknown'], named('inlinePolicies', 'second'), links('Old')], [{kept: [null]}, undefined, ['3 own-first', '7 own-second']]],
    ['makes all of them reusable', {do: 'make-reusable', application: 'Old'}, ['PUT /apps/app-old/policies/own-first/make_reusable', 'PUT /apps/app-old/policies/own-second/make_reusable'], () => links('Old'), ['3 own-first', '7 own-second']],
    ['makes the inline ones of a mixed application reusable', {do: 'make-reusable', application: 'Mixed'}, ['PUT /apps/app-mixed/policies/own-third/make_reusable'], () => links('Mixed'), ['1 own-third', '2 policy-staff']],
    ['makes a group', {do: 'create-group', name: 'New', rules: {tokens: ['ci'], groups: ['solo'], ips: ['2001:db8::/32'], countries: ['GB']}}, ['POST /groups'], () => named('groups', 'New'), {include: [{geo: {country_code: 'GB'}}, {group: {id: 'group-solo'}}, {ip: {ip: '2001:db8::/32'}}, robots]}],
    ['puts a token into a group', {do: 'add-token', group: 'robots', token: 'cd'}, ['PUT /groups/group-robots'], () => named('groups', 'robots'), {include: [{service_token: {token_id: 'token-cd'}}, robots, {service_token: {token_id: 'token-off'}}], x_unknown: {kept: 1}}],
    ['takes a token out of a group', {do: 'remove-token', group: 'robots', token: 'ci'}, ['PUT /groups/group-robots'], () => named('groups', 'robots'), {include: [{service_token: {token_id: 'token-off'}}], x_unknown: {kept: 1}}],
    ['deletes a group that nothing uses', {do: 'delete-group', group: 'solo'}, ['DELETE /groups/group-solo'], () => named('groups', 'solo'), undefined],
  ])('%s, and nothing else; undone, all is as it was', async (_, wanted, sent, look, expected) => {
    await open()
    const before = everything(world.state, {ids: false})
    const undoId = await make(wanted)
    expect(world.changes).toEqual(sent)
    const found = look()
    if (typeof expected === 'object' && !Array.isArray(expected)) expect(found).toMatchObject(expected as object)
    else expect(found).toEqual(expected)
    if (wanted.do === 'make-reusable') return
    await undoEdit(world.ctx, await planUndo(world.ctx, String(undoId)))
    expect(sorted(everything(world.state, {ids: false}))).toBe(sorted(before))
  }) // prettier-ignore

  it.each<[Wanted, RegExp]>([
    [{do: 'attach', policy: 'Robots', application: 'Git'}, /already on "Git", with precedence 2/],
    [{do: 'attach', policy: 'Robots', application: 'Git', precedence: 2}, /already/],
    [{do: 'attach', policy: 'Robots', application: 'Git', before: 'Robots'}, /already/],
    [{do: 'detach', policy: 'CD', application: 'Git'}, /not on "Git"/],
    [{do: 'make-reusable', application: 'Git'}, /no inline policies/],
    [{do: 'make-reusable', application: 'Git', rule: 'Staff'}, /already reusable/],
    [{do: 'add-token', group: 'robots', token: 'ci'}, /already in the Access group "robots"/],
    [{do: 'remove-token', group: 'robots', token: 'cd'}, /does not include "cd"/],
    [{do: 'remove-token', group: 'barred', token: 'ci'}, /and excludes it/],
    [{do: 'create-policy', name: 'CD', decision: 'non_identity', rules: {tokens: ['cd']}}, /already/],
    [{do: 'create-group', name: 'robots', rules: {tokens: ['off', 'ci']}}, /already/],
  ])('says of what is so already that it is: %j', async (wanted, says) => {
    await open()
    const {changes, already} = await plan(world.ctx, wanted)
    expect(changes).toEqual([])
    expect(already).toMatch(says)
  })

  it('does not say so of a policy with the same rules whose settings decide too', async () => {
    await open()
    Object.assign(world.state.data.policies.find(({id}) => id === 'policy-cd') ?? {}, {
      approval_required: true,
    })
    const wanted: Wanted = {
      do: 'create-policy',
      name: 'CD',
      decision: 'non_identity',
      rules: {tokens: ['cd']},
    }
    expect((await failure(plan(world.ctx, wanted))).code).toBe('POLICY_NAME_TAKEN')
  })

  const create = (rules: (Wanted & {do: 'create-policy'})['rules'], decision = 'non_identity'): Wanted =>
    ({do: 'create-policy', name: 'X', decision, rules}) as Wanted
  it.each<[Wanted, string]>([
    [create({}), 'NO_INCLUDE'],
    [create({require: {ips: ['10.0.0.0/8']}}), 'NO_INCLUDE'],
    [create({tokens: ['nobody']}), 'TOKEN_NOT_FOUND'],
    [create({groups: ['nobody']}), 'GROUP_NOT_FOUND'],
    [create({tokens: ['ci']}, 'allow'), 'TOKEN_NEEDS_SERVICE_AUTH'],
    [create({anyToken: true}, 'deny'), 'TOKEN_NEEDS_SERVICE_AUTH'],
    [create({emails: ['a@example.com']}, 'bypass'), 'LOGIN_NEEDS_ALLOW'],
    [create({emailDomains: ['example.com']}), 'LOGIN_NEEDS_ALLOW'],
    ...['10.0.0.0/33', '10.0.0', 'x', '', '10.0.0.0/8/8', '::/129', 'fe80::1%eth0'].map((ip): [Wanted, string] => [create({ips: [ip]}), 'BAD_CIDR']),
    ...['UK', 'XX', 'EU', 'D', 'DEU', '', 'DD', '1A'].map((country): [Wanted, string] => [create({countries: [country]}), 'BAD_COUNTRY']),
    ...['a', 'a@b', '@example.com', 'a b@example.com'].map((email): [Wanted, string] => [create({emails: [email]}, 'allow'), 'BAD_EMAIL']),
    ...['a@b.example', 'example', 'https://example.com'].map((domain): [Wanted, string] => [create({emailDomains: [domain]}, 'allow'), 'BAD_EMAIL_DOMAIN']),
    [create({tokens: ['ci'], require: {countries: ['DE', 'FR']}}), 'NEVER_HOLDS'],
    [create({tokens: ['ci'], require: {ips: ['10.0.0.1', '10.0.0.2']}}), 'NEVER_HOLDS'],
    [{...create({tokens: ['ci']}), name: '  '} as Wanted, 'BAD_NAME'],
    [{...create({tokens: ['ci']}), name: 'a\nb'} as Wanted, 'BAD_NAME'],
    [{...create({tokens: ['ci']}), name: 'CD'} as Wanted, 'POLICY_NAME_TAKEN'],
    [{do: 'attach', policy: 'CD', application: 'Nowhere'}, 'APPLICATION_NOT_FOUND'],
    [{do: 'attach', policy: 'Nothing', application: 'Git'}, 'POLICY_NOT_FOUND'],
    [{do: 'attach', policy: 'CD', application: 'Git', before: 'nothing'}, 'RULE_NOT_FOUND'],
    [{do: 'attach', policy: 'CD', application: 'Git', before: 'Staff', precedence: 1}, 'BEFORE_AND_PRECEDENCE'],
    [{do: 'attach', policy: 'CD', application: 'Git', precedence: 0}, 'BAD_PRECEDENCE'],
    [{do: 'attach', policy: 'CD', application: 'Old'}, 'TAKES_INLINE_ONLY'],
    [{do: 'attach', policy: 'CD', application: 'Mixed'}, 'MIXED_POLICIES'],
    [{do: 'attach', policy: 'CD', application: 'Mark'}, 'NO_SERVICE_AUTH_HERE'],
    [{do: 'detach', policy: 'Nothing', application: 'Git'}, 'POLICY_NOT_FOUND'],
    [{do: 'detach', policy: 'second', application: 'Old'}, 'POLICY_IS_INLINE'],
    [{do: 'detach', policy: 'Nested', application: 'Strict'}, 'LAST_SERVICE_AUTH_RULE'],
    [{do: 'delete-policy', policy: 'Staff'}, 'POLICY_IN_USE'],
    [{do: 'delete-policy', policy: 'second'}, 'POLICY_NOT_FOUND'],
    [{do: 'make-reusable', application: 'Old', rule: '#1'}, 'RULE_NOT_FOUND'],
    [{do: 'create-group', name: 'X', rules: {}}, 'GROUP_INCLUDES_NOBODY'],
    [{do: 'create-group', name: 'solo', rules: {tokens: ['cd']}}, 'GROUP_NAME_TAKEN'],
    [{do: 'create-group', name: 'barred', rules: {everyone: true}}, 'GROUP_NAME_TAKEN'],
    [{do: 'add-token', group: 'nobody', token: 'ci'}, 'GROUP_NOT_FOUND'],
    [{do: 'add-token', group: 'robots', token: 'nobody'}, 'TOKEN_NOT_FOUND'],
    [{do: 'remove-token', group: 'solo', token: 'ci'}, 'GROUP_WOULD_BE_EMPTY'],
    [{do: 'remove-token', group: 'picky', token: 'ci'}, 'REMOVE_WOULD_WIDEN'],
    [{do: 'remove-token', group: 'odd', token: 'ci'}, 'REMOVE_UNCLEAR'],
    [{do: 'delete-group', group: 'robots'}, 'GROUP_IN_USE'],
    [{do: 'delete-group', group: 'robot'}, 'GROUP_NOT_FOUND'],
  ])('changes nothing for %j: %s', async (wanted, code) => {
    await open()
    const before = everything(world.state)
    const error = await failure(plan(world.ctx, wanted))
    expect(error.code).toBe(code)
    expect(world.changes).toEqual([])
    expect(everything(world.state)).toBe(before)
  }) // prettier-ignore

  it('names what prevents the deletion, and the commands', async () => {
    await open()
    const policy = await failure(plan(world.ctx, {do: 'delete-policy', policy: 'Staff'}))
    expect(policy.why).toContain('"Git", "Mixed"')
    expect(policy.next).toEqual(['zt policy detach Staff Git', 'zt policy detach Staff Mixed'])
    const group = await failure(plan(world.ctx, {do: 'delete-group', group: 'robots'}))
    expect(group.why).toMatch(/Service Auth policy "Robots": include, on "Git"[^]*group "nested": include/)
    expect(group.next).toContain('zt policy show policy-staff')
  })

  it.each<[string, Wanted, string[]]>([
    ['that everybody gets in', create({everyone: true}, 'allow'), ['Allow with everyone: anyone who can log in gets in']],
    ['that no credentials are needed', create({everyone: true}, 'bypass'), ['Bypass with everyone: anyone gets in without credentials']],
    ['that all addresses are everybody', create({ips: ['0.0.0.0/0']}), ['Service Auth with everyone: anyone gets in without credentials']],
    ['that an Allow policy does not mean the tokens of a group', create({groups: ['nested']}, 'allow'), ['The Access group "nested" includes service tokens, which count only under Service Auth: Allow ignores them']],
    ['which rules have to make room', {do: 'attach', policy: 'CD', application: 'Git', precedence: 1}, ['The rule "Staff" moves from precedence 1 to 2', 'The rule "Robots" moves from precedence 2 to 3']],
    ['that no one gets in any more', {do: 'detach', policy: 'Staff', application: 'Solo'}, ['"Solo" would have no rules left, so no one would get in']],
    ['that a name will be there twice', {do: 'make-reusable', application: 'Old', rule: 'first'}, ['The account already has a policy "first"; refer to this one by its ID, own-first']],
    ['that a token opens nothing', {do: 'create-group', name: 'X', rules: {tokens: ['off']}}, ['Service token "off" is disabled, so it opens nothing until that is fixed']],
    ['that an address in a group needs no token', {do: 'create-group', name: 'X', rules: {tokens: ['ci'], ips: ['10.0.0.0/8']}}, ['Meeting any one of its rules is enough: a request from these places needs no service token']],
  ])('says beforehand %s', async (_, wanted, notes) => {
    await open()
    world.state.data.apps.push({id: 'app-solo', name: 'Solo', type: 'self_hosted', domain: 'solo.example.com', policies: [{id: 'policy-staff', precedence: 1}]})
    expect((await plan(world.ctx, wanted)).notes).toEqual(notes)
  }) // prettier-ignore
})

const said = (reach: EditReach | undefined): string[] => (reach ? reachLines(reach) : [])

describe('the reach of a group', () => {
  it('is said before a token is put in: what it opens, through other groups too, and where it does not', async () => {
    await open()
    const {notes, reach} = await planAddToken(world.ctx, {group: 'robots', token: 'cd'})
    expect(said(reach)).toEqual([
      'opens: "Git" (git.example.com) to "cd"',
      'opens: "Strict" (strict.example.com) to "cd"',
    ])
    expect(notes).toEqual([
      '"Staff" uses the group under Allow, which admits no service token without a login',
    ])
  })

  it('is less if the policy requires more, and does not count what is already open', async () => {
    await open()
    const {policies} = world.state.data
    Object.assign(policies.find(({id}) => id === 'policy-nested') ?? {}, {
      require: [{geo: {country_code: 'DE'}}],
    })
    Object.assign(policies.find(({id}) => id === 'policy-robots') ?? {}, {include: [{group: {id: 'group-robots'}}, {any_valid_service_token: {}}]}) // prettier-ignore
    const {reach} = await planAddToken(world.ctx, {group: 'robots', token: 'cd'})
    expect(said(reach)).toEqual(['opens: "Strict" (strict.example.com) to "cd", under conditions'])
  })

  it('is a loss where a policy excludes the group', async () => {
    await open()
    const {policies} = world.state.data
    Object.assign(policies.find(({id}) => id === 'policy-cd') ?? {}, {exclude: [{group: {id: 'group-solo'}}]})
    world.app('Git')['policies'] = [{id: 'policy-cd', precedence: 1}]
    const {reach} = await planAddToken(world.ctx, {group: 'solo', token: 'cd'})
    expect(said(reach)).toEqual(['closes: "Git" (git.example.com) for "cd"'])
  })

  it('is said before a token is taken out', async () => {
    await open()
    const {notes, reach} = await planRemoveToken(world.ctx, {group: 'robots', token: 'ci'})
    expect(said(reach)).toEqual([
      'closes: "Git" (git.example.com) for "ci"',
      'closes: "Strict" (strict.example.com) for "ci"',
    ])
    expect(notes).toEqual([])
  })

  const hosts = async (): Promise<string[]> =>
    (await world.ctx.index.bindings('default')).map(({host, tokenId}) => `${host} ${tokenId}`).sort()

  it('binds the hosts that a token opens, never in place of another, and unbinds what it opens no more', async () => {
    await open()
    await keepHere(world, 'cd')
    await world.ctx.index.bind({profile: 'default', host: 'git.example.com', tokenId: 'token-ci', boundAt: '2026-01-01T00:00:00.000Z'}) // prettier-ignore
    await make({do: 'add-token', group: 'robots', token: 'cd'})
    expect(await hosts()).toEqual(['git.example.com token-ci', 'strict.example.com token-cd'])
    await make({do: 'remove-token', group: 'robots', token: 'cd'})
    expect(await hosts()).toEqual(['git.example.com token-ci'])
    await make({do: 'remove-token', group: 'robots', token: 'ci'})
    expect(await hosts()).toEqual([])
  })

  it('binds nothing where the secret is not here', async () => {
    await open()
    await make({do: 'add-token', group: 'robots', token: 'cd'})
    expect(await hosts()).toEqual([])
  })

  it('follows a policy that is attached and detached', async () => {
    await open()
    await keepHere(world, 'cd')
    await make({do: 'attach', policy: 'CD', application: 'Git'})
    expect(await hosts()).toEqual(['git.example.com token-cd'])
    await make({do: 'detach', policy: 'CD', application: 'Git'})
    expect(await hosts()).toEqual([])
  })
})

describe('what goes wrong in between', () => {
  it('writes nothing over what someone else has changed', async () => {
    await open()
    const planned = await plan(world.ctx, {do: 'add-token', group: 'robots', token: 'cd'})
    Object.assign(named('groups', 'robots') ?? {}, {include: [{everyone: {}}]})
    const error = await failure(applyPlanned(world.ctx, planned, 'zt'))
    expect(error.code).toBe('CHANGED_MEANWHILE')
    expect(error.details['fields']).toEqual(['include'])
    expect(named('groups', 'robots')?.['include']).toEqual([{everyone: {}}])
    expect(world.changes).toEqual([])
  })

  it('leaves it to Cloudflare to refuse what came to be used after it was looked at', async () => {
    await open()
    const planned = await plan(world.ctx, {do: 'delete-group', group: 'solo'})
    world.state.data.policies.push({id: 'p', name: 'Late', decision: 'non_identity', include: [{group: {id: 'group-solo'}}]}) // prettier-ignore
    const error = await failure(applyPlanned(world.ctx, planned, 'zt'))
    expect(error.kind).toBe('conflict')
    expect(error.why).toContain('Nothing was changed')
    expect(named('groups', 'solo')).toBeDefined()
  })

  it.each<[string, (request: string, state: SandboxState) => void, string]>([
    [
      'is not there any more',
      (request, state) => {
        if (!/own-first.make_reusable$/.test(request)) return
        const app = state.data.apps.find(({id}) => id === 'app-old') ?? {}
        app['policies'] = [{id: 'own-first', precedence: 3}]
        state.data.inlinePolicies = state.data.inlinePolicies.filter(({id}) => id !== 'own-second')
      },
      'CHANGED_MEANWHILE',
    ],
    [
      'is refused',
      (request, state) => {
        // When it was read for the last time, and the first one is reusable already.
        const {inlinePolicies, apiTokens} = state.data
        if (!/app-old.policies$/.test(request) || inlinePolicies.some(({id}) => id === 'own-first')) return
        if (apiTokens[0]) apiTokens[0].permission_groups = ['Access: Apps and Policies Read']
      },
      'PERMISSION_UNCERTAIN',
    ],
  ])('says what is reusable by then when one of several %s', async (_, meddle, code) => {
    await open(({path}, state) => {
      meddle(path, state)
    })
    const error = await failure(make({do: 'make-reusable', application: 'Old'}))
    expect(error.code).toBe(code)
    expect(error.why).toMatch(/"first".*stays reusable/)
    expect(named('policies', 'first')).toBeDefined()
  })
})

describe('what is shown', () => {
  it('of a policy: its rules in words and its applications, inline ones too', async () => {
    await open()
    expect(await showPolicy(world.ctx, 'Staff')).toMatchObject({
      reusable: true,
      words: {include: ['emails of example.com', 'Access group robots']},
      attached: [
        {application: {name: 'Git'}, precedence: 1},
        {application: {name: 'Mixed'}, precedence: 2},
      ],
    })
    expect(await showPolicy(world.ctx, 'second')).toMatchObject({
      reusable: false,
      attached: [{application: {name: 'Old'}, precedence: 7}],
    })
    expect((await failure(showPolicy(world.ctx, 'first'))).code).toBe('POLICY_AMBIGUOUS')
  })

  it('of a group: whom it includes and all that uses it', async () => {
    await open()
    const {words, references} = await showGroup(world.ctx, 'robots')
    expect(words.include).toEqual(['service token ci', 'service token off'])
    expect(references.map(({name, through}) => [name, ...through].join(' < '))).toEqual(['Robots', 'Staff', 'nested', 'Nested < nested']) // prettier-ignore
  })
})

describe('any commands one after the other', () => {
  const token = fc.constantFrom('ci', 'cd', 'off')
  const group = fc.constantFrom('robots', 'nested', 'solo', 'picky', 'odd', 'barred', 'New')
  const policy = fc.constantFrom('Robots', 'Nested', 'Staff', 'Free', 'CD', 'New')
  const app = fc.constantFrom('Git', 'Git', 'Strict', 'Old', 'Mark')
  const rules = fc.record({
    tokens: fc.uniqueArray(token, {maxLength: 2}),
    groups: fc.uniqueArray(group, {maxLength: 1}),
    countries: fc.uniqueArray(fc.constantFrom('DE', 'FR'), {maxLength: 1}),
  })
  const wanted: fc.Arbitrary<Wanted> = fc.oneof(
    fc.record({do: fc.constant('create-policy' as const), name: fc.constantFrom('New', 'CD'), decision: fc.constantFrom('allow', 'non_identity', 'non_identity'), rules}),
    fc.record({do: fc.constant('attach' as const), policy, application: app}),
    fc.record({do: fc.constant('attach' as const), policy, application: app, precedence: fc.integer({min: 1, max: 8})}),
    fc.record({do: fc.constant('detach' as const), policy: fc.constantFrom('#1', '#2', 'Robots'), application: fc.constant('Git')}),
    fc.record({do: fc.constant('delete-policy' as const), policy}),
    fc.record({do: fc.constant('create-group' as const), name: fc.constantFrom('New', 'solo'), rules}),
    fc.record({do: fc.constantFrom('add-token' as const, 'remove-token' as const), group: fc.constantFrom('robots', 'nested', 'solo', 'New'), token}),
    fc.record({do: fc.constant('delete-group' as const), group}),
  ) // prettier-ignore

  it('refuse and change nothing, or are undone in reverse, and all is as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wanted, {minLength: 4, maxLength: 10}), async (all) => {
        await open()
        try {
          const before = everything(world.state, {ids: false})
          const done: string[] = []
          for (const one of all) {
            const untouched = everything(world.state)
            try {
              const undoId = await make(one)
              if (undoId === undefined) expect(everything(world.state)).toBe(untouched)
              else done.push(undoId)
            } catch (error) {
              if (!(error instanceof UserError)) throw error
              expect(everything(world.state)).toBe(untouched)
            }
          }
          for (const id of done.reverse()) await undoEdit(world.ctx, await planUndo(world.ctx, id))
          expect(sorted(everything(world.state, {ids: false}))).toBe(sorted(before))
        } finally {
          await world.end()
        }
      }),
      {numRuns: 30},
    )
  })
})

/** What was deleted comes back, as the last one. */
function sorted(text: string): string {
  const all = JSON.parse(text) as {groups: JsonObject[]}
  return JSON.stringify({...all, groups: all.groups.map((one) => JSON.stringify(one)).sort()})
}
