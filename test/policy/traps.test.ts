import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Application, Decision, Group, Policy, Rule} from '../../src/lib/api/types.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {groupsById} from '../../src/lib/policy/references.js'
import {trapsAt, trapsOf, type Trap, type TrapToken} from '../../src/lib/policy/traps.js'
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
import {untilCovered} from '../support/covering.js'

const TOKENS: TrapToken[] = [
  {id: TOKEN, name: 'ci', status: 'active'},
  {id: OTHER_TOKEN, name: 'cd', status: 'active'},
  {id: 'off', name: 'off', status: 'disabled'},
  {id: 'old', name: 'old', status: 'expired'},
]
const office: Rule = {ip: {ip: '203.0.113.0/24'}}
const desk: Rule = {ip: {ip: '203.0.113.7/32'}}
const elsewhere: Rule = {ip: {ip: '198.51.100.0/24'}}
const germany: Rule = {geo: {country_code: 'DE'}}
const france: Rule = {geo: {country_code: 'FR'}}
const robots = group('robots', {include: [byToken()]})
const inOffice = group('in-office', {include: [byToken()], require: [office]})

interface Built {
  policies?: Policy[]
  groups?: Group[]
  others?: Application[]
  domains?: string[]
}

function trapsIn({policies = [], groups = [], others = [], domains = ['git.example.com']}: Built): Trap[] {
  const applications = [application('git', domains, policies), ...others]
  return trapsOf({policies: [], groups, applications}, TOKENS)
}

/** `ID rule > other`. */
const short = ({id, policyId, otherId}: Trap): string =>
  [
    id,
    policyId?.replace('policy-', ''),
    ...(otherId === undefined ? [] : ['>', otherId.replace('policy-', '')]),
  ]
    .filter((one) => one !== undefined)
    .join(' ')

const sa = (name: string, include: Rule[], more: Partial<Policy> = {}): Policy => ({
  ...policy(name, 'non_identity', {include}),
  ...more,
})
const rule = (name: string, decision: Decision, include: Rule[], more: Partial<Policy> = {}): Policy => ({
  ...policy(name, decision, {include}),
  ...more,
})

describe('a trap is found', () => {
  it.each<[string, Built, string[]]>([
    // Service tokens under an action where they do not count.
    ['a token under Allow', {policies: [rule('P', 'allow', [byToken(), staff])]}, ['token-under-allow P']],
    ['a token alone under Allow, once', {policies: [rule('P', 'allow', [byToken()])]}, ['token-under-allow P']],
    ['a token under Bypass', {policies: [rule('P', 'bypass', [byToken()])]}, ['token-under-allow P']],
    ['a token under Block, whoever admits it', {policies: [rule('P', 'deny', [byToken()]), sa('Q', [byToken()])]}, ['token-under-allow P']],
    ['any token under Allow', {policies: [rule('P', 'allow', [anyToken, staff])]}, ['token-under-allow P']],
    ['a token under Allow, and another under Service Auth', {policies: [rule('P', 'allow', [byToken(), staff]), sa('Q', [byToken(OTHER_TOKEN)])]}, ['token-under-allow P']],
    ['a token under Allow, and a Service Auth rule that never holds', {policies: [rule('P', 'allow', [byToken(), staff]), sa('Q', [byToken()], {exclude: [everyone]})]}, ['token-under-allow P', 'never-holds Q']],
    ['a group of a token under Allow', {policies: [rule('P', 'allow', [byGroup('robots'), staff])], groups: [robots]}, ['group-under-allow P']],
    ['a nested group of a token under Allow', {policies: [rule('P', 'allow', [byGroup('out'), staff])], groups: [group('out', {include: [byGroup('robots')]}), robots]}, ['group-under-allow P']],
    ['a group of a token under Block', {policies: [rule('P', 'deny', [byGroup('robots')])], groups: [robots]}, ['group-under-allow P']],
    // Rules that apply to no request.
    ['no Include', {policies: [rule('P', 'allow', [])]}, ['empty-include P']],
    ['an empty group', {policies: [sa('P', [byGroup('none')])], groups: [group('none', {})]}, ['empty-include P']],
    ['a deleted token', {policies: [sa('P', [byToken('gone')])]}, ['empty-include P']],
    ['a group of a deleted token', {policies: [sa('P', [byGroup('g')])], groups: [group('g', {include: [byToken('gone')]})]}, ['empty-include P']],
    ['people under Service Auth', {policies: [sa('P', [staff])]}, ['empty-include P']],
    ['people under Bypass', {policies: [rule('P', 'bypass', [staff])]}, ['empty-include P']],
    ['two tokens required', {policies: [sa('P', [anyToken], {require: [byToken(), byToken(OTHER_TOKEN)]})]}, ['never-holds P']],
    ['another token required', {policies: [sa('P', [byToken()], {require: [byToken(OTHER_TOKEN)]})]}, ['never-holds P']],
    ['a group of another token required', {policies: [sa('P', [byToken(OTHER_TOKEN)], {require: [byGroup('robots')]})], groups: [robots]}, ['never-holds P']],
    ['two countries required', {policies: [sa('P', [byToken()], {require: [germany, france]})]}, ['never-holds P']],
    ['two places required', {policies: [sa('P', [byToken()], {require: [office, elsewhere]})]}, ['never-holds P']],
    ['another place required', {policies: [rule('P', 'bypass', [office], {require: [elsewhere]})]}, ['never-holds P']],
    ['a token required under Allow', {policies: [rule('P', 'allow', [staff], {require: [byToken()]})]}, ['never-holds P']],
    ['a person required under Service Auth', {policies: [sa('P', [byToken()], {require: [staff]})]}, ['never-holds P']],
    ['an empty group required', {policies: [sa('P', [byToken()], {require: [byGroup('none')]})], groups: [group('none', {})]}, ['never-holds P']],
    ['everyone excluded', {policies: [sa('P', [byToken()], {exclude: [everyone]})]}, ['never-holds P']],
    ['what is included excluded, through a group', {policies: [sa('P', [byToken()], {exclude: [byGroup('robots')]})], groups: [robots]}, ['never-holds P']],
    // Service tokens that open nothing now.
    ['only disabled and expired tokens', {policies: [sa('P', [byToken('off'), byToken('old')])]}, ['idle-tokens P']],
    // Rules that never decide.
    ['the same rule again', {policies: [sa('P', [byToken()]), sa('Q', [byToken()])]}, ['unreachable-rule Q > P']],
    ['a rule that several earlier ones cover', {policies: [sa('P', [byToken()]), sa('R', [byToken(OTHER_TOKEN)]), sa('Q', [byToken(), byToken(OTHER_TOKEN)])]}, ['unreachable-rule Q > P']],
    ['a token after any token', {policies: [sa('P', [anyToken]), sa('Q', [byToken()])]}, ['any-valid-token P', 'unreachable-rule Q > P']],
    ['a token after its group', {policies: [sa('P', [byGroup('robots')]), sa('Q', [byToken()])], groups: [robots]}, ['unreachable-rule Q > P']],
    ['a group after its token', {policies: [sa('P', [byToken()]), sa('Q', [byGroup('robots')])], groups: [robots]}, ['unreachable-rule Q > P']],
    ['the same conditions', {policies: [sa('P', [byToken()], {require: [office]}), sa('Q', [byToken()], {require: [office]})]}, ['unreachable-rule Q > P']],
    ['an email after its domain', {policies: [rule('P', 'allow', [staff]), rule('Q', 'deny', [{email: {email: 'Eve@Widgetcorp.tech'}}])]}, ['unreachable-rule Q > P']],
    ['an address after its block', {policies: [rule('P', 'bypass', [office]), rule('Q', 'deny', [desk])]}, ['unreachable-rule Q > P']],
    ['Block after Allow for everyone', {policies: [rule('P', 'allow', [everyone]), rule('Q', 'deny', [germany])]}, ['rule-after-everyone Q > P']],
    ['Allow after Block for everyone', {policies: [rule('P', 'deny', [everyone]), rule('Q', 'allow', [staff])]}, ['rule-after-everyone Q > P']],
    ['Allow above Bypass for everyone', {policies: [rule('Q', 'allow', [staff]), rule('P', 'bypass', [everyone])]}, ['rule-after-everyone Q > P']],
    ['after a group of everyone', {policies: [rule('P', 'allow', [byGroup('all')]), rule('Q', 'allow', [staff])], groups: [group('all', {include: [everyone]})]}, ['rule-after-everyone Q > P']],
    // Conditions that another rule goes past.
    ['a condition, and the token without it', {policies: [sa('P', [byToken()], {require: [office]}), sa('Q', [byToken()])]}, ['condition-gone-past P > Q']],
    ['a condition after the token without it', {policies: [sa('Q', [byToken(), byToken(OTHER_TOKEN)]), sa('P', [byToken()], {exclude: [germany]})]}, ['condition-gone-past P > Q']],
    ['two conditions, and one of them', {policies: [sa('P', [byToken()], {require: [office], exclude: [germany]}), sa('Q', [byToken()], {require: [office]})]}, ['condition-gone-past P > Q']],
    ['a condition of a group', {policies: [sa('P', [byGroup('in-office')]), sa('Q', [byToken()])], groups: [inOffice]}, ['condition-gone-past P > Q']],
    ['a condition, and any token', {policies: [sa('P', [byToken()], {require: [office]}), sa('Q', [anyToken])]}, ['condition-gone-past P > Q', 'any-valid-token Q']],
    ['a condition, and Bypass for everyone', {policies: [sa('P', [byToken()], {require: [office]}), rule('Q', 'bypass', [everyone])]}, ['condition-gone-past P > Q']],
    // Block rules that come too late.
    ['Block above Service Auth', {policies: [rule('P', 'deny', [everyone]), sa('Q', [byToken()])]}, ['block-too-late P > Q']],
    ['Block of a country above Service Auth', {policies: [rule('P', 'deny', [germany]), sa('Q', [byToken()])]}, ['block-too-late P > Q']],
    ['any token under Service Auth', {policies: [sa('P', [anyToken], {require: [office]})]}, ['any-valid-token P']],
    ['any token through a group', {policies: [sa('P', [byGroup('any')])], groups: [group('any', {include: [anyToken]})]}, ['any-valid-token P']],
    // Applications that are more specific.
    ['a path without the rule of the host', {policies: [sa('P', [byToken()])], others: [application('api', ['git.example.com/api'])]}, ['shadowed-by-path > api']],
    ['a host without the rule of the wildcard', {domains: ['*.example.com'], policies: [sa('P', [byToken()])], others: [application('web', ['web.example.com'])]}, ['shadowed-by-path > web']],
    ['only by the nearest', {policies: [sa('P', [byToken()])], others: [application('api', ['git.example.com/api'], [sa('A', [byToken()])]), application('v1', ['git.example.com/api/v1'])]}, ['shadowed-by-path > v1']],
  ])('%s', (_, built, expected) => {
    expect(trapsIn(built).map(short)).toEqual(expected)
  }) // prettier-ignore
})

describe('no trap', () => {
  it.each<[string, Built]>([
    ['a token under Service Auth', {policies: [sa('P', [byToken()])]}],
    ['a group of people and tokens under both', {policies: [rule('P', 'allow', [byGroup('g')]), sa('Q', [byGroup('g')])], groups: [group('g', {include: [byToken(), staff]})]}],
    ['a token under Allow that Service Auth admits', {policies: [rule('P', 'allow', [byToken(), staff]), sa('Q', [anyToken], {require: [byToken()]})]}],
    ['a token under Allow, and a Service Auth rule that is not known', {policies: [rule('P', 'allow', [byToken(), staff]), sa('Q', [byGroup('unknown')])]}],
    ['a group that is not known', {policies: [sa('P', [byGroup('unknown')])]}],
    ['a selector that is not known, and several in one rule', {policies: [sa('P', [{future: {}}]), sa('Q', [{...byToken('gone'), ...office}])]}],
    ['a group that includes itself', {policies: [sa('P', [byGroup('g')])], groups: [group('g', {include: [byGroup('g')]})]}],
    ['a block that lies in a required one', {policies: [rule('P', 'bypass', [desk], {require: [office]})]}],
    ['a block after an address that it begins with', {policies: [rule('P', 'bypass', [{ip: {ip: '203.0.113.0/32'}}]), rule('Q', 'deny', [office])]}],
    ['a token under Allow in a group that includes itself', {policies: [rule('P', 'allow', [byGroup('g'), staff])], groups: [group('g', {include: [byGroup('g'), byToken()]})]}],
    ['a disabled and an active token', {policies: [sa('P', [byToken('off'), byToken()])]}],
    ['a disabled token, and a place', {policies: [sa('P', [byToken('off'), office])]}],
    ['a rule after one with a condition', {policies: [rule('P', 'allow', [everyone], {require: [germany]}), rule('Q', 'deny', [france])]}],
    ['Allow after Service Auth for the same', {policies: [sa('P', [byToken()]), rule('Q', 'allow', [staff])]}],
    ['a person after Bypass for a place', {policies: [rule('P', 'bypass', [office]), rule('Q', 'allow', [staff])]}],
    ['different conditions', {policies: [sa('P', [byToken()], {require: [office]}), sa('Q', [byToken()], {require: [germany]})]}],
    ['a condition that every request of the token meets', {policies: [sa('P', [byToken()], {require: [anyToken]})]}],
    ['Block below Service Auth', {policies: [sa('Q', [byToken()]), rule('P', 'deny', [everyone])]}],
    ['Block above a Service Auth rule that excludes the same', {policies: [rule('P', 'deny', [germany]), sa('Q', [byToken()], {exclude: [germany]})]}],
    ['Block of people above Service Auth', {policies: [rule('P', 'deny', [staff]), sa('Q', [byToken()])]}],
    ['a path with the same rule', {policies: [sa('P', [byToken()])], others: [application('api', ['git.example.com/api'], [sa('A', [byToken()])])]}],
    ['another host', {policies: [sa('P', [byToken()])], others: [application('web', ['web.example.com'])]}],
    ['a host two levels below a wildcard', {domains: ['*.example.com'], policies: [sa('P', [byToken()])], others: [application('web', ['a.web.example.com'])]}],
    ['a bookmark', {policies: [sa('P', [byToken()])], others: [{...application('link', ['git.example.com/api']), type: 'bookmark'}]}],
  ])('%s', (_, built) => {
    expect(trapsIn(built)).toEqual([])
  }) // prettier-ignore

  it('counts as a deleted token where the service tokens could not be read', () => {
    const account = {policies: [], groups: [], applications: [application('a', ['a.example.com'], [sa('P', [byToken('gone')])])]}
    expect(trapsOf(account, undefined)).toEqual([])
  }) // prettier-ignore
})

describe('a trap says', () => {
  it.each<[string, Built, string]>([
    ['which tokens and how many more', {policies: [rule('P', 'allow', [byToken(), byToken(OTHER_TOKEN), byToken('off'), byToken('old')])]}, 'The rule "P" names the service token "ci", the service token "cd", the service token "off" and 1 more under the action Allow, which still requires a login.'],
    ['through which group', {policies: [rule('P', 'bypass', [byGroup('robots')])], groups: [robots]}, 'The rule "P" names the Access group "robots group", which includes the service token "ci", under the action Bypass, which ignores service tokens.'],
    ['which condition', {policies: [sa('P', [byToken()], {require: [office]}), sa('Q', [byToken()])]}, 'The rule "P" admits the service token "ci" only under conditions (only IP 203.0.113.0/24), and the rule "Q" admits it without these.'],
    ['who answers instead', {policies: [sa('P', [byToken()])], others: [application('api', ['git.example.com/api'])]}, '"git" (git.example.com) admits the service token "ci", and does not answer for git.example.com/api: "api" does, whose rules do not admit it.'],
    ['what never holds', {policies: [sa('P', [byToken()], {require: [germany, france]})]}, 'The rule "P" applies to no request: it requires country DE and country FR, which never hold together.'],
    ['that a token is gone', {policies: [sa('P', [byToken('gone')])]}, 'The rule "P" includes no one (service token gone: the account does not have the service token that it names).'],
  ])('%s', (_, built, why) => {
    expect(trapsIn(built).map((one) => one.why)).toEqual([why])
  }) // prettier-ignore

  it('which applications it touches', () => {
    const traps = trapsIn({policies: [sa('P', [byToken()])], others: [application('api', ['git.example.com/api'])]})
    expect(trapsAt('git', traps)).toHaveLength(1)
    expect(trapsAt('api', traps)).toHaveLength(1)
    expect(trapsAt('web', traps)).toEqual([])
  }) // prettier-ignore
})

describe('for any rules', () => {
  const RULES = [byToken(), byToken(OTHER_TOKEN), anyToken, everyone, office, desk, elsewhere, germany, staff, byGroup('a'), byGroup('b'), byGroup('unknown')] // prettier-ignore
  const rules = fc.array(fc.constantFrom(...RULES), {maxLength: 2})
  const parts = fc.record({include: rules, require: rules, exclude: rules})
  const policies = fc.array(
    fc.record({decision: fc.constantFrom<Decision>('allow', 'deny', 'non_identity', 'bypass'), parts}),
    {minLength: 1, maxLength: 4},
  )
  const requests = [TOKEN, OTHER_TOKEN, undefined].flatMap((serviceTokenId) =>
    ['203.0.113.7', '203.0.113.9', '198.51.100.1', '192.0.2.1'].flatMap((ip) =>
      ['DE', 'FR', 'IT'].map((country) => ({serviceTokenId, ip, country})),
    ),
  )

  it('a rule that never applies or never decides can go, and no request of a machine gets another answer', async () => {
    const harmless = ['empty-include', 'never-holds', 'unreachable-rule', 'rule-after-everyone']
    const found = new Set<string>()
    const holds = fc.property(policies, parts, parts, (given, a, b) => {
      const all = given.map((one, at) => policy(String(at), one.decision, one.parts))
      const groups = [group('a', a), group('b', b)]
      const traps = trapsOf({policies: [], groups, applications: [application('app', ['a.example.com'], all)]}, TOKENS) // prettier-ignore
      for (const {id, policyId} of traps) {
        if (!harmless.includes(id)) continue
        found.add(id)
        const left = all.filter((one) => one.id !== policyId)
        for (const request of requests) {
          const possible = (rest: Policy[]) =>
            evaluate({application: {name: 'app', policies: rest}, groups: groupsById(groups), request})
              .possible
          const before = new Set(possible(all))
          // An Allow rule that no one meets asks for a login, where later rules would refuse.
          if (before.has('login')) for (const refusal of ['denied', 'blocked'] as const) before.add(refusal)
          // Less is unknown where a rule that cannot be evaluated is gone.
          expect([...possible(left)].filter((one) => !before.has(one))).toEqual([])
        }
      }
    })
    await untilCovered(
      () => fc.assert(holds, {numRuns: 1000}),
      () => harmless.filter((id) => !found.has(id)),
    )
  })
})
