import {describe, expect, it} from 'vitest'
import {pastWarnings} from '../../../src/lib/access/rules/past.js'
import type {AccessApi, Group, Policy, Rule, ServiceToken} from '../../../src/lib/api/types.js'
import {ApiError} from '../../../src/lib/core/errors.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  byGroup,
  byToken,
  everyone,
  group,
  policy,
  staff,
  type Rules,
} from '../../policy/fixtures.js'

const office: Rule = {ip: {ip: '10.0.0.0/8'}}
const germany: Rule = {geo: {country_code: 'DE'}}
const ci = {id: TOKEN, name: 'ci'} as ServiceToken
const cd = {id: OTHER_TOKEN, name: 'cd'} as ServiceToken

const GROUPS = [
  group('at-work', {include: [byToken()], require: [office]}),
  group('outer', {include: [byGroup('at-work')]}),
  group('robots', {include: [byToken(), byToken(OTHER_TOKEN)]}),
]

interface Case {
  policies: Policy[]
  rules?: Rules
  tokens?: ServiceToken[]
  groups?: Group[]
  listGroups?: () => Promise<Group[]>
}

function warnings({policies, rules = {include: [byToken()]}, tokens = [ci], groups = [], listGroups}: Case) {
  const api = {listGroups: listGroups ?? (() => Promise.resolve(GROUPS))} as unknown as AccessApi
  return pastWarnings(
    api,
    {rules: {include: [], require: [], exclude: [], ...rules}, tokens, groups},
    policies,
  )
}

const serviceAuth = (name: string, rules: Rules): Policy => policy(name, 'non_identity', rules)
const PAST = (whom: string, conditions: string): string =>
  `The rule "Office" admits ${whom} under conditions (${conditions}); the new rule goes past them`

const MAY_GO_PAST =
  'The rule "Office" may admit "ci" in a way that zt does not know; the new rule may go past its conditions'

describe('what a new Service Auth rule goes past', () => {
  it.each<[string, Case, string[]]>([
    ['nothing, without rules', {policies: []}, []],
    ['nothing: another token has a condition', {policies: [serviceAuth('Office', {include: [byToken(OTHER_TOKEN)], require: [office]})]}, []],
    ['nothing: an Allow rule has a condition', {policies: [policy('Office', 'allow', {include: [staff], require: [office]})]}, []],
    ['nothing: a rule admits it from everywhere', {policies: [serviceAuth('Office', {include: [byToken()], require: [office]}), serviceAuth('Open', {include: [anyToken]})]}, []],
    ['nothing: the new rule has the same condition', {policies: [serviceAuth('Office', {include: [byToken()], require: [office]})], rules: {include: [byToken()], require: [germany, office]}}, []],
    ['nothing: the new rule reaches it through the same group', {policies: [serviceAuth('Office', {include: [byGroup('at-work')]})], rules: {include: [byGroup('outer')]}}, []],
    ['an address', {policies: [serviceAuth('Office', {include: [byToken()], require: [office]})]}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['an excluded country', {policies: [serviceAuth('Office', {include: [byToken()], exclude: [germany]})]}, [PAST('"ci"', 'not country DE')]],
    ['a condition on any token', {policies: [serviceAuth('Office', {include: [anyToken], require: [office]})]}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['an address, where the token is required', {policies: [serviceAuth('Office', {include: [office], require: [byToken()]})]}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['a condition on everyone', {policies: [serviceAuth('Office', {include: [everyone], require: [office]})]}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['a condition inside a nested group', {policies: [serviceAuth('Office', {include: [byGroup('outer')]})]}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['membership of a group', {policies: [serviceAuth('Office', {include: [byToken()], require: [byGroup('robots')]})]}, [PAST('"ci"', 'only Access group robots group')]],
    ['a condition, by a rule with another one', {policies: [serviceAuth('Office', {include: [byToken()], require: [office]})], rules: {include: [byToken()], require: [germany]}}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['a condition, through a group', {policies: [serviceAuth('Office', {include: [byToken()], require: [office]})], rules: {include: [byGroup('robots')]}, groups: GROUPS}, [PAST('"ci"', 'only IP 10.0.0.0/8')]],
    ['conditions of several tokens', {policies: [serviceAuth('Office', {include: [anyToken], require: [office]})], rules: {include: [anyToken]}, tokens: [ci, cd, {...cd, id: 'c', name: 'c'}, {...cd, id: 'd', name: 'd'}]}, [PAST('"ci", "cd", "c" and 1 more', 'only IP 10.0.0.0/8')]],
    ['a Block rule', {policies: [policy('Closed', 'deny', {include: [everyone]})]}, ['The Block rule "Closed" no longer keeps out "ci": Access evaluates Service Auth rules first']],
    ['a Block rule for a country', {policies: [policy('Abroad', 'deny', {include: [germany]})]}, ['The Block rule "Abroad" no longer keeps out "ci": Access evaluates Service Auth rules first']],
    ['no Block rule of people', {policies: [policy('People', 'deny', {include: [staff]})]}, []],
    ['no Block rule after Allow for people', {policies: [policy('Staff', 'allow', {include: [staff]}), policy('Closed', 'deny', {include: [everyone]})]}, []],
    ['a selector that zt does not know', {policies: [serviceAuth('Office', {include: [{of_tomorrow: {}}]})]}, [MAY_GO_PAST]],
    ['a group that does not exist', {policies: [serviceAuth('Office', {include: [byGroup('gone')]})]}, [MAY_GO_PAST]],
    ['nothing unknown, where another rule admits it from everywhere', {policies: [serviceAuth('Office', {include: [{of_tomorrow: {}}]}), serviceAuth('Open', {include: [byToken()]})]}, []],
    ['groups that may not be read', {policies: [serviceAuth('Office', {include: [byGroup('at-work')]})], listGroups: () => Promise.reject(new ApiError({kind: 'permission', code: 'X', message: 'no', status: 403}))}, ['zt could not read the Access groups, so it does not know all restrictions that this rule goes past']],
  ])('%s', async (_, given, expected) => {
    expect(await warnings(given)).toEqual(expected)
  }) // prettier-ignore

  it('another failure is not taken for a missing permission', async () => {
    const listGroups = (): Promise<Group[]> => Promise.reject(new TypeError('ours'))
    const policies = [serviceAuth('Office', {include: [byGroup('at-work')]})]
    await expect(warnings({policies, listGroups})).rejects.toThrow('ours')
  })
})
