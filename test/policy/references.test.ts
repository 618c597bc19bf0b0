import {describe, expect, it} from 'vitest'
import {toApplication, toGroup, toPolicy} from '../../src/lib/api/convert.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {groupHolding, tokenReferences} from '../../src/lib/policy/references.js'
import {TOKEN, byGroup, byToken, group, staff} from './fixtures.js'

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
  ])('%s', (_name, rules, id) => {
    expect(groupHolding(TOKEN, rules, groups)?.id).toBe(id)
  })
})

const token = {service_token: {token_id: 't'}}
const other = {service_token: {token_id: 'o'}}

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
  return tokenReferences('t', rules).map(({kind, id, part, through, applications}) =>
    [kind, id, part, ...through, ...applications.map(({id: at}) => `@${at}`)].join(' '),
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
          {id: 'b', policies: []},
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
  ])('is %s', (_, account, expected) => {
    expect(found(account)).toEqual(expected)
  })
})
