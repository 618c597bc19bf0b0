import {describe, expect, it} from 'vitest'
import {groupHolding, serviceAuthPoliciesNaming} from '../../src/lib/policy/references.js'
import {OTHER_TOKEN, TOKEN, anyToken, byGroup, byToken, everyone, group, policy, staff} from './fixtures.js'

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

describe("a token's Service Auth policies", () => {
  it('are those with a rule for the token itself', () => {
    const own = policy('own', 'non_identity', {include: [byToken(OTHER_TOKEN), byToken()]})
    const policies = [
      policy('allow', 'allow', {include: [byToken()]}),
      own,
      policy('group', 'non_identity', {include: [byGroup('ci')]}),
      policy('any', 'non_identity', {include: [anyToken]}),
      policy('excluding', 'non_identity', {include: [everyone], exclude: [byToken()]}),
      policy('malformed', 'non_identity', {include: [{service_token: TOKEN}]}),
    ]
    expect(serviceAuthPoliciesNaming(TOKEN, policies)).toEqual([{policy: own, narrowed: false}])
  })

  it.each([[{require: [{geo: {country_code: 'DE'}}]}], [{exclude: [everyone]}]])(
    'narrowed by %j',
    (rules) => {
      const named = policy('P', 'non_identity', {include: [byToken()], ...rules})
      expect(serviceAuthPoliciesNaming(TOKEN, [named])).toEqual([{policy: named, narrowed: true}])
    },
  )
})
