import {describe, expect, it} from 'vitest'
import {serviceAuthPoliciesNaming, tokenReferences} from '../../src/lib/policy/references.js'
import {OTHER_TOKEN, TOKEN, anyToken, byGroup, byToken, everyone, group, policy, staff} from './fixtures.js'

const groups = new Map(
  [
    group('ci', {include: [byToken()]}),
    group('all', {include: [staff, byGroup('all'), byGroup('ci')]}),
    group('people', {include: [staff]}),
  ].map((g) => [g.id, g]),
)

describe('a policy names a token', () => {
  it.each([
    ['directly', [staff, byToken()], 'direct'],
    ['directly rather than by group', [byGroup('ci'), byToken()], 'direct'],
    ['by a group', [byGroup('ci')], 'group'],
    ['by a group in a group that contains itself', [byGroup('all')], 'group'],
    ['by a group rather than as any', [anyToken, byGroup('ci')], 'group'],
    ['as any valid one', [anyToken], 'any'],
  ] as const)('%s', (_name, include, via) => {
    const found = tokenReferences(TOKEN, [policy('P', 'allow', {include: [...include]})], groups)
    expect(found.map((reference) => reference.via)).toEqual([via])
    expect(found[0]?.group === undefined).toBe(via !== 'group')
  })

  it.each([
    ['another token', [byToken(OTHER_TOKEN)]],
    ['everyone', [everyone]],
    ['a group of people', [byGroup('people')]],
    ['a missing group', [byGroup('gone')]],
    ['malformed rules', [{service_token: TOKEN}, {group: 'ci'}, {}]],
  ])('not by %s', (_name, include) => {
    expect(tokenReferences(TOKEN, [policy('P', 'allow', {include})], groups)).toEqual([])
  })

  it.each([
    [{}, false],
    [{require: [{geo: {country_code: 'DE'}}]}, true],
    [{exclude: [everyone]}, true],
  ])('narrowed by %j: %s', (rules, narrowed) => {
    const named = policy('P', 'non_identity', {include: [byToken()], ...rules})
    expect(tokenReferences(TOKEN, [named], groups)[0]?.narrowed).toBe(narrowed)
  })
})

it('only Service Auth policies with a rule for the token itself are its Service Auth policies', () => {
  const own = policy('own', 'non_identity', {include: [byToken(OTHER_TOKEN), byToken()]})
  const policies = [
    policy('allow', 'allow', {include: [byToken()]}),
    own,
    policy('group', 'non_identity', {include: [byGroup('ci')]}),
    policy('any', 'non_identity', {include: [anyToken]}),
    policy('excluding', 'non_identity', {include: [everyone], exclude: [byToken()]}),
  ]
  expect(serviceAuthPoliciesNaming(TOKEN, policies, groups).map((r) => r.policy)).toEqual([own])
})
