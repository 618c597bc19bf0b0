import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Application, Decision, Group, Rule} from '../../src/lib/api/types.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {reachOf, type Reach} from '../../src/lib/policy/reach.js'
import {groupsById, type AccountRules} from '../../src/lib/policy/references.js'
import {byApplication, rightsOf, rightsOfToken, type Right} from '../../src/lib/policy/rights.js'
import {bigAccount} from '../support/big-account.js'
import {OTHER_TOKEN, TOKEN, anyToken, application, byGroup, byToken, everyone, group, policy, staff, type Rules} from './fixtures.js' // prettier-ignore

const THIRD = 'aaaaaaaa-0000-4000-8000-000000000003'
const tokens = [TOKEN, OTHER_TOKEN, THIRD].map((id) => ({id}))
const office: Rule = {ip: {ip: '10.0.0.0/8'}}
const germany: Rule = {geo: {country_code: 'DE'}}

const accountOf = (groups: Group[], ...applications: Application[]): AccountRules => ({
  policies: [],
  groups,
  applications,
})

/** `by through reach conditions`. */
const inWords = ({by, through, reach, conditions}: Right): string =>
  [by, ...through, reach, ...conditions.map(({part, rule}) => `${part} ${Object.keys(rule).join('+')}`)].join(
    ' ',
  )

/** Of one policy: the token's own right, and the general one. */
function rightsBy(decision: Decision, rules: Rules, groups: Group[] = []) {
  const account = accountOf(groups, application('app', ['a.example.com'], [policy('P', decision, rules)]))
  const rights = rightsOf(account, tokens)
  return {
    own: (rights.named.get(TOKEN) ?? []).map(inWords),
    every: rights.every.map(inWords),
    all: rightsOfToken(rights, TOKEN).map(inWords),
  }
}

describe('the rights of a service token by one policy', () => {
  it.each<[string, Decision, Rules, Group[], {own?: string[]; every?: string[]}]>([
    ['its name', 'non_identity', {include: [byToken()]}, [], {own: ['named yes']}],
    ['another name', 'non_identity', {include: [byToken(OTHER_TOKEN)]}, [], {}],
    ['its name under Allow', 'allow', {include: [byToken()]}, [], {}],
    ['its name under Bypass', 'bypass', {include: [byToken()]}, [], {}],
    ['its name under Block', 'deny', {include: [byToken()]}, [], {}],
    ['any token', 'non_identity', {include: [anyToken]}, [], {every: ['any-token yes']}],
    ['everyone', 'non_identity', {include: [everyone]}, [], {every: ['everyone yes']}],
    ['Bypass', 'bypass', {include: [everyone]}, [], {every: ['everyone yes']}],
    ['an address under Bypass', 'bypass', {include: [office]}, [], {every: ['everyone conditional require ip']}],
    ['everyone with any token required', 'non_identity', {include: [everyone], require: [anyToken]}, [], {every: ['any-token yes']}],
    ['everyone with this token required', 'non_identity', {include: [everyone], require: [byToken()]}, [], {own: ['named yes']}],
    ['its name and any token', 'non_identity', {include: [anyToken, byToken()]}, [], {own: ['named yes'], every: ['any-token yes']}],
    ['under conditions', 'non_identity', {include: [byToken()], require: [office], exclude: [germany]}, [], {own: ['named conditional exclude geo require ip']}],
    ['through groups', 'non_identity', {include: [byGroup('o')]}, [group('o', {include: [byGroup('g')]}), group('g', {include: [byToken()]})], {own: ['named o g yes']}],
    ['through a group with conditions', 'non_identity', {include: [byGroup('g')], exclude: [germany]}, [group('g', {include: [byToken()], require: [office]})], {own: ['named g conditional exclude geo require ip']}],
    ['directly and through a group under a condition', 'non_identity', {include: [byGroup('g'), byToken()]}, [group('g', {include: [byToken()], require: [office]})], {own: ['named yes']}],
    ['excluded from any token', 'non_identity', {include: [anyToken], exclude: [byToken()]}, [], {every: ['any-token yes']}],
    ['excluded through a group', 'non_identity', {include: [anyToken], exclude: [byGroup('g')]}, [group('g', {include: [byToken()]})], {every: ['any-token yes']}],
    ['excluded by name under Bypass, where tokens do not count', 'bypass', {include: [everyone], exclude: [byToken()]}, [], {every: ['everyone yes']}],
    ['perhaps excluded', 'non_identity', {include: [anyToken], exclude: [byGroup('g')]}, [group('g', {include: [byToken()], require: [office]})], {own: ['any-token conditional exclude group'], every: ['any-token yes']}],
    ['a group that does not exist', 'non_identity', {include: [byGroup('gone')]}, [], {every: ['everyone conditional require group']}],
    ['a selector that zt does not know', 'non_identity', {include: [{future: {}}]}, [], {every: ['everyone conditional require future']}],
    ['an action that zt does not know', 'future' as Decision, {include: [byToken()]}, [], {every: ['everyone conditional']}],
    ['a login', 'non_identity', {include: [staff, byToken()], require: [staff]}, [], {}],
    ['a group that includes itself and the token', 'non_identity', {include: [byGroup('g')]}, [group('g', {include: [byGroup('g'), byToken()]})], {every: ['everyone conditional require group']}],
  ])('%s', (_, decision, rules, groups, {own = [], every = []}) => {
    const found = rightsBy(decision, rules, groups)
    expect({own: found.own, every: found.every}).toEqual({own, every})
  }) // prettier-ignore

  it.each<[string, Rules, Group[], string[]]>([
    ['excludes it', {include: [anyToken], exclude: [byToken()]}, [], []],
    ['names it too', {include: [anyToken, byToken()]}, [], ['named yes']],
    ['may exclude it', {include: [anyToken], exclude: [byGroup('g')]}, [group('g', {include: [byToken()], require: [office]})], ['any-token conditional exclude group']],
    ['excludes another', {include: [anyToken], exclude: [byToken(OTHER_TOKEN)]}, [], ['any-token yes']],
  ])('where a policy for any token %s, the general right is not listed twice', (_, rules, groups, all) => {
    expect(rightsBy('non_identity', rules, groups).all).toEqual(all)
  }) // prettier-ignore

  it('is only of the tokens that were asked for', () => {
    const app = application(
      'app',
      [],
      [policy('P', 'non_identity', {include: [byToken(), byToken(OTHER_TOKEN)]})],
    )
    expect([...rightsOf(accountOf([], app), [{id: OTHER_TOKEN}]).named.keys()]).toEqual([OTHER_TOKEN])
  })
})

describe('who gets into an application', () => {
  it('are the tokens that it names, and those that every rule lets in', () => {
    const apps = [
      application('named', [], [policy('N', 'non_identity', {include: [byToken(), byToken(THIRD)]})]),
      application('any', [], [policy('A', 'non_identity', {include: [anyToken]})]),
      application('closed', [], [policy('C', 'allow', {include: [byToken()]})]),
    ]
    const admitted = byApplication(rightsOf(accountOf([], ...apps), tokens))
    expect(admitted.get('named')?.named.map(({tokenId}) => tokenId)).toEqual([TOKEN, THIRD])
    expect(admitted.get('any')?.every.map(({policyId}) => policyId)).toEqual(['policy-A'])
    expect(admitted.has('closed')).toBe(false)
  })
})

const RANK: readonly Reach[] = ['no', 'conditional', 'yes']
const GROUPS = ['g0', 'g1', 'g2', 'g3']
const rule = fc.constantFrom<Rule>(
  ...tokens.map(({id}) => byToken(id)),
  ...GROUPS.map(byGroup),
  ...[anyToken, everyone, office, germany, staff, byGroup('gone'), {future: {}}, {...byToken(), ...office}],
)
const rules = fc.record({
  include: fc.array(rule, {maxLength: 3}),
  require: fc.oneof({weight: 2, arbitrary: fc.constant<Rule[]>([])}, fc.array(rule, {maxLength: 2})),
  exclude: fc.oneof({weight: 2, arbitrary: fc.constant<Rule[]>([])}, fc.array(rule, {maxLength: 2})),
})
const decision = fc.constantFrom<Decision>('non_identity', 'non_identity', 'bypass', 'allow', 'deny', 'future' as Decision) // prettier-ignore
const account = fc
  .record({
    groups: fc.array(rules, {minLength: GROUPS.length, maxLength: GROUPS.length}),
    apps: fc.array(fc.array(fc.tuple(decision, rules), {maxLength: 4}), {minLength: 1, maxLength: 3}),
  })
  .map(({groups, apps}) =>
    accountOf(
      groups.map((one, at) => group(GROUPS[at] ?? '', one)),
      ...apps.map((policies, app) =>
        application(`app${app}`, [], policies.map(([action, one], at) => policy(`${app}.${at}`, action, one))),
      ),
    ),
  ) // prettier-ignore

describe('rights in any account', () => {
  it('reach exactly the applications that the evaluation of each pair reaches', () => {
    fc.assert(
      fc.property(account, (one) => {
        const rights = rightsOf(one, tokens)
        for (const {id} of [...tokens, {id: 'named nowhere'}])
          for (const app of one.applications) {
            const found = rightsOfToken(rights, id).filter(({applicationId}) => applicationId === app.id)
            const reach = Math.max(0, ...found.map((right) => RANK.indexOf(right.reach)))
            expect(RANK[reach], `${id} into ${app.id}`).toBe(reachOf(id, app, groupsById(one.groups)))
          }
      }),
      {numRuns: 1000},
    )
  })

  it('admit from wherever their conditions hold', () => {
    fc.assert(
      fc.property(account, (one) => {
        const groups = groupsById(one.groups)
        const rights = rightsOf(one, tokens)
        for (const {id} of tokens)
          for (const right of rightsOfToken(rights, id)) {
            const app = one.applications.find((each) => each.id === right.applicationId)
            const by = app?.policies.find((each) => each.id === right.policyId)
            if (!by || (right.reach === 'conditional' && right.conditions.length === 0)) continue
            for (const ip of ['10.1.2.3', '192.0.2.1'])
              for (const country of ['DE', 'US']) {
                const outcome = (of: Pick<Group, 'include'> & Partial<Group>) =>
                  evaluate({application: {name: '', policies: [policy('one', by.decision, {...of, precedence: 0})]}, groups, request: {serviceTokenId: id, ip, country}}) // prettier-ignore
                const met = right.conditions.every(({part, rule: wanted}) => {
                  const {admitted, mayAdmit} = outcome({include: [wanted]})
                  return part === 'require' ? admitted : !mayAdmit
                })
                if (met) expect(outcome(by).admitted, `${id} by ${right.policyId}`).toBe(true)
              }
          }
      }),
      {numRuns: 200},
    )
  })

  // An Exclude may name a group from which every token is excluded: then it keeps out only who has none.
  it('say `everyone` only where a client without credentials gets in too, if no Exclude names a group', () => {
    fc.assert(
      fc.property(account, (one) => {
        const groups = groupsById(one.groups)
        for (const {applicationId, policyId, by, reach} of rightsOf(one, tokens).every) {
          const found = one.applications.find(({id}) => id === applicationId)?.policies.find(({id}) => id === policyId) // prettier-ignore
          if (!found || by !== 'everyone' || reach !== 'yes') continue
          if ([found, ...one.groups].some(({exclude}) => exclude.some((each) => 'group' in each))) continue
          const request = {serviceTokenId: undefined, ip: undefined, country: undefined}
          expect(evaluate({application: {name: '', policies: [found]}, groups, request}).mayAdmit).toBe(true)
        }
      }),
      {numRuns: 200},
    )
  })
})

describe('rights through groups nested', () => {
  it('thousands of levels deep agree with the evaluation', () => {
    const levels = 3000
    const groups = Array.from({length: levels}, (_, at) =>
      group(`g${at}`, {include: [at === levels - 1 ? byToken() : byGroup(`g${at + 1}`)]}),
    )
    const app = application('app', [], [policy('P', 'non_identity', {include: [byGroup('g0')]})])
    const [right] = rightsOfToken(rightsOf(accountOf(groups, app), tokens), TOKEN)
    expect(right?.reach).toBe(reachOf(TOKEN, app, groupsById(groups)))
  })

  it('many times over are read once', () => {
    const depth = 200
    const groups = Array.from({length: depth}, (_, at) =>
      group(`g${at}`, {
        include: at === depth - 1 ? [byToken()] : [byGroup(`g${at + 1}`), byGroup(`g${at + 1}`)],
      }),
    )
    const app = application('app', [], [policy('P', 'non_identity', {include: [byGroup('g0')]})])
    expect(
      rightsOf(accountOf(groups, app), tokens)
        .named.get(TOKEN)
        ?.map(({reach}) => reach),
    ).toEqual(['yes'])
  })
})

describe('the rights of a large account', () => {
  it('agree with the evaluation of a sample of its pairs', () => {
    const one = bigAccount({applications: 60, policies: 80, groups: 40, tokens: 30})
    const groups = groupsById(one.groups)
    const rights = rightsOf(one, one.tokens)
    for (const {id} of one.tokens) {
      const found = new Map<string, number>()
      for (const {applicationId, reach} of rightsOfToken(rights, id))
        found.set(applicationId, Math.max(found.get(applicationId) ?? 0, RANK.indexOf(reach)))
      for (const app of one.applications)
        expect(RANK[found.get(app.id) ?? 0], `${id} into ${app.id}`).toBe(reachOf(id, app, groups))
    }
  })
})
