import {describe, expect, it} from 'vitest'
import {toApplication, toGroup, toPolicy} from '../../src/lib/api/convert.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Decision, Rule} from '../../src/lib/api/types.js'
import {
  allRules,
  groupHolding,
  groupReferences,
  groupsById,
  inlinePolicies,
  isDirect,
  mayAdmit,
  rulesWithin,
  sameMeaning,
  sameRules,
  tokenReferences,
  type RulePart,
} from '../../src/lib/policy/references.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  application,
  byGroup,
  byToken,
  everyone,
  group,
  policy,
  staff,
} from './fixtures.js'

const groups = new Map(
  [
    group('ci', {include: [byToken()]}),
    group('all', {include: [staff, byGroup('all'), byGroup('ci')]}),
    group('people', {include: [staff]}),
  ].map((g) => [g.id, g]),
)

describe('the Access group that holds a token', () => {
  it.each([
    ['by its own id', [staff, byGroup('people'), byGroup('ci')], 'ci'],
    ['in a group within, in a circle', [byGroup('all')], 'all'],
    ['not: a rule for the token itself', [byToken()], undefined],
    ['not: people', [byGroup('people')], undefined],
    ['not: missing', [byGroup('gone')], undefined],
    ['not: malformed', [{group: 'ci'}, {group: {}}, {}], undefined],
    ['not: the token that a rule before it names', [byToken(), byGroup('people')], undefined],
    ['after a rule for the token itself', [byToken(), byGroup('ci')], 'ci'],
  ])('%s', (_name, rules, id) => {
    expect(groupHolding(TOKEN, rules, groups)?.id).toBe(id)
  })
})

const token = {service_token: {token_id: 't'}}
const other = {service_token: {token_id: 'o'}}
const scim = (clientId: string): JsonObject => ({scheme: 'access_service_token', client_id: clientId})

interface Account {
  policies?: JsonObject[]
  groups?: JsonObject[]
  apps?: JsonObject[]
}

/** `kind id part through`, one per reference. */
function found({policies = [], groups = [], apps = []}: Account): string[] {
  const rules = {
    policies: policies.map((one) => toPolicy({decision: 'non_identity', ...one})),
    groups: groups.map((one) => toGroup({name: String(one['id']).toUpperCase(), ...one})),
    applications: apps.map(toApplication),
  }
  return tokenReferences({id: 't', clientId: 't.access'}, rules).map(
    ({kind, id, part, through, applications}) =>
      [kind, id, part ?? '-', ...through, ...applications.map(({id: at}) => `@${at}`)].join(' '),
  )
}

describe('what names a service token', () => {
  it.each<[string, Account, string[]]>([
    ['nothing, where only others are named', {policies: [{id: 'p', include: [other, {everyone: {}}]}]}, []],
    [
      'each part of a policy once',
      {policies: [{id: 'p', include: [token, token], exclude: [token], require: [token]}]},
      ['reusable p include', 'reusable p require', 'reusable p exclude'],
    ],
    [
      'a policy with the applications that it is on',
      {
        policies: [{id: 'p', include: [token]}],
        apps: [
          {id: 'a', policies: [{id: 'p', include: [token]}]},
          {id: 'b', policies: [{id: 'i', decision: 'allow', include: [other]}]},
          {id: 'c', policies: [{id: 'p', include: [token]}]},
        ],
      },
      ['reusable p include @a @c'],
    ],
    [
      'a policy inside an application',
      {apps: [{id: 'a', policies: [{id: 'i', decision: 'allow', include: [token]}]}]},
      ['inline i include @a'],
    ],
    [
      'a group, and what names it, in whatever part, the direct ones first',
      {
        policies: [{id: 'p', include: [other], exclude: [byGroup('g')]}],
        groups: [{id: 'g', include: [other], require: [token]}],
      },
      ['group g require', 'reusable p exclude G'],
    ],
    [
      'both ways, where there are both',
      {policies: [{id: 'p', include: [byGroup('g'), token]}], groups: [{id: 'g', include: [token]}]},
      ['reusable p include', 'group g include', 'reusable p include G'],
    ],
    [
      'a way through several groups, the outermost first',
      {
        policies: [{id: 'p', include: [byGroup('a')]}],
        groups: [
          {id: 'a', include: [byGroup('b')]},
          {id: 'b', include: [other], exclude: [byGroup('c')]},
          {id: 'c', include: [token]},
        ],
      },
      ['group c include', 'reusable p include A B C', 'group a include B C', 'group b exclude C'],
    ],
    [
      'nothing, in groups that name each other or that do not exist',
      {
        policies: [{id: 'p', include: [byGroup('a'), byGroup('gone')]}],
        groups: [
          {id: 'a', include: [byGroup('b'), byGroup('a')]},
          {id: 'b', include: [byGroup('a')]},
        ],
      },
      [],
    ],
    [
      'an application whose SCIM provisioning authenticates with it, alone or among others, before the rules',
      {
        policies: [{id: 'p', include: [token]}],
        apps: [
          {id: 'a', scim_config: {authentication: scim('t.access')}},
          {id: 'b', scim_config: {authentication: [{scheme: 'httpbasic', user: 't'}, scim('t.access')]}},
        ],
      },
      ['scim a - @a', 'scim b - @b', 'reusable p include'],
    ],
    [
      'no SCIM configuration of another token or scheme, or without any',
      {
        apps: [
          {id: 'a', scim_config: {authentication: scim('o.access')}},
          {id: 'b', scim_config: {authentication: {scheme: 'oauth2', client_id: 't.access'}}},
          {id: 'c', scim_config: {authentication: [null, 't.access', {scheme: 'access_service_token'}]}},
          {id: 'd', scim_config: {}},
          {id: 'e', scim_config: null},
          {id: 'f', scim_config: 't.access'},
        ],
      },
      [],
    ],
  ])('is %s', (_, account, expected) => {
    expect(found(account)).toEqual(expected)
  })
})

describe('what names an Access group', () => {
  const account = {
    policies: [
      policy('P', 'allow', {include: [byGroup('outer')], exclude: [byGroup('inner')]}),
      policy('Q', 'deny', {include: [byToken()], require: [staff]}),
    ],
    groups: [
      group('outer', {include: [byGroup('inner'), byGroup('outer')], require: [byGroup('inner')]}),
      group('inner', {include: [byToken(), byGroup('inner')]}),
    ],
    applications: [
      application(
        'app',
        ['a.example.com'],
        [policy('P', 'allow'), policy('I', 'bypass', {include: [byGroup('inner')]})],
      ),
    ],
  }

  it('is listed whole, the direct ones first, and without the group itself', () => {
    expect(groupReferences('inner', account)).toEqual([
      {
        ...{kind: 'reusable', id: 'policy-P', name: 'P', decision: 'allow', part: 'exclude', through: []},
        applications: [{id: 'app', name: 'app'}],
      },
      {
        ...{kind: 'inline', id: 'policy-I', name: 'I', decision: 'bypass', part: 'include', through: []},
        applications: [{id: 'app', name: 'app'}],
      },
      {
        ...{kind: 'group', id: 'outer', name: 'outer group', decision: undefined, part: 'include'},
        ...{through: [], applications: []},
      },
      {
        ...{kind: 'group', id: 'outer', name: 'outer group', decision: undefined, part: 'require'},
        ...{through: [], applications: []},
      },
      {
        ...{kind: 'reusable', id: 'policy-P', name: 'P', decision: 'allow', part: 'include'},
        ...{through: ['outer group'], applications: [{id: 'app', name: 'app'}]},
      },
      {
        ...{kind: 'reusable', id: 'policy-P', name: 'P', decision: 'allow', part: 'exclude'},
        ...{through: ['inner group'], applications: [{id: 'app', name: 'app'}]},
      },
      {
        ...{kind: 'inline', id: 'policy-I', name: 'I', decision: 'bypass', part: 'include'},
        ...{through: ['inner group'], applications: [{id: 'app', name: 'app'}]},
      },
      {
        ...{kind: 'group', id: 'outer', name: 'outer group', decision: undefined, part: 'include'},
        ...{through: ['inner group'], applications: []},
      },
      {
        ...{kind: 'group', id: 'outer', name: 'outer group', decision: undefined, part: 'include'},
        ...{through: ['outer group'], applications: []},
      },
      {
        ...{kind: 'group', id: 'outer', name: 'outer group', decision: undefined, part: 'require'},
        ...{through: ['inner group'], applications: []},
      },
    ])
    expect(groupReferences('inner', account).map(isDirect)).toEqual([
      ...[true, true, true, true],
      ...[false, false, false, false, false, false],
    ])
    expect(groupReferences('gone', account)).toEqual([])
  })
})

describe('a policy that is inside an application', () => {
  const [shared, inline, second] = [policy('P', 'allow'), policy('I', 'allow'), policy('J', 'deny')]
  const [a, b] = [application('a', [], [shared, inline]), application('b', [], [second, shared])]

  it('is one that the list of the account does not have', () => {
    expect(inlinePolicies([shared], [a, b])).toEqual([
      {application: a, policy: inline},
      {application: b, policy: second},
    ])
    expect(inlinePolicies([shared, inline, second], [a, b])).toEqual([])
  })
})

describe('whether a policy could let a token in', () => {
  const all = groupsById([
    group('ci', {include: [byToken()]}),
    group('others', {include: [byToken(OTHER_TOKEN)]}),
    group('outer', {include: [byGroup('others'), byGroup('ci')]}),
    group('by part', {require: [byToken()], exclude: [byToken()]}),
  ])

  it.each<[string, Decision, Rule[], boolean]>([
    ['the token', 'non_identity', [byToken()], true],
    ['the token, as Bypass', 'bypass', [byToken()], true],
    ['the token, as Allow', 'allow', [byToken()], false],
    ['the token, as Block', 'deny', [byToken()], false],
    ['another token', 'non_identity', [byToken(OTHER_TOKEN)], false],
    ['another token and this one', 'non_identity', [byToken(OTHER_TOKEN), byToken()], true],
    ['a token that is malformed', 'non_identity', [{service_token: null}], true],
    ['an address', 'non_identity', [{ip: {ip: '10.0.0.0/8'}}], true],
    ['what zt does not know', 'bypass', [{quantum_state: {}}], true],
    ['its group', 'non_identity', [byGroup('ci')], true],
    ['a group in a group', 'non_identity', [byGroup('outer')], true],
    ['a group of others', 'non_identity', [byGroup('others')], false],
    ['a group that only requires and excludes it', 'non_identity', [byGroup('by part')], false],
    ['a group that does not exist', 'non_identity', [byGroup('gone')], true],
    ['nothing', 'non_identity', [], false],
  ])('by %s', (_, decision, include, may) => {
    expect(
      mayAdmit(TOKEN, [policy('first', 'allow', {include: [staff]}), policy('P', decision, {include})], all),
    ).toBe(may)
    expect(mayAdmit(TOKEN, [policy('P', decision, {require: include, exclude: include})], all)).toBe(false)
  })
})

describe('the rules within rules', () => {
  const all = groupsById([
    group('a', {include: [byGroup('b'), byToken()], require: [everyone], exclude: [staff]}),
    group('b', {include: [byGroup('a'), byGroup('c')]}),
    group('c', {include: [anyToken]}),
  ])
  /** `rule < inner group < outer group`, one per rule. */
  const within = (rules: Rule[], parts?: RulePart[]): string[] =>
    [...rulesWithin(rules, all, parts)].map(({rule, inside}) => {
      const way = [Object.keys(rule).join()]
      for (let at = inside; at; at = at.outer) way.push(at.group.id)
      return way.join(' < ')
    })

  it('come in the order of the rules, each group once, and from the named parts', () => {
    expect(within([byGroup('a'), staff, byGroup('c'), byGroup('gone')])).toEqual([
      ...['group', 'email_domain', 'group', 'group'],
      ...['group < a', 'service_token < a'],
      ...['group < b < a', 'group < b < a'],
      'any_valid_service_token < c',
    ])
    expect(within([byGroup('a')], ['require', 'exclude'])).toEqual([
      'group',
      'everyone < a',
      'email_domain < a',
    ])
  })
})

describe('the same rules', () => {
  const other: Rule = {service_token: {token_id: OTHER_TOKEN}}
  it.each<[string, Rule[], Rule[], boolean]>([
    ['none', [], [], true],
    ['in another order', [everyone, byToken()], [byToken(), everyone], true],
    ['with keys in another order', [{x: {a: 1, b: 2}}], [{x: {b: 2, a: 1}}], true],
    ['another token', [byToken()], [other], false],
    ['one more', [byToken()], [byToken(), everyone], false],
    ['one twice', [byToken(), everyone, everyone], [byToken(), byToken(), everyone], false],
  ])('%s', (_, a, b, same) => {
    expect([sameRules(a, b), sameRules(b, a)]).toEqual([same, same])
    for (const part of ['include', 'require', 'exclude'] as const) {
      expect(sameMeaning(policy('P', 'allow', {[part]: a}), group('g', {[part]: b}))).toBe(same)
    }
  })

  it('in another part mean something else', () => {
    expect(sameMeaning(group('g', {require: [staff]}), group('g', {exclude: [staff]}))).toBe(false)
  })

  it('of all parts together', () => {
    expect(allRules(group('g', {include: [byToken()], exclude: [staff], require: [everyone]}))).toEqual([
      ...[byToken(), everyone, staff],
    ])
  })
})
