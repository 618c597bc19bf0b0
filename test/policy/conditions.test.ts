import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Group, Rule} from '../../src/lib/api/types.js'
import {restrictionsPast, waysTo} from '../../src/lib/policy/conditions.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {groupsById} from '../../src/lib/policy/references.js'
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
} from './fixtures.js'

const office: Rule = {ip: {ip: '10.0.0.0/8'}}
const germany: Rule = {geo: {country_code: 'DE'}}

const ways = (rules: Rules, groups: Group[] = []) => {
  const {ways: found, more} = waysTo(TOKEN, policy('P', 'non_identity', rules), groupsById(groups))
  const words = found.map((way) => way.map(({part, rule}) => `${part} ${Object.keys(rule).join()}`).sort())
  return {ways: words.sort(), more}
}

describe('the ways by which a rule includes a token', () => {
  it.each<[string, Rules, Group[], string[][], boolean]>([
    ['its name', {include: [byToken()]}, [], [[]], false],
    ['any token', {include: [anyToken]}, [], [[]], false],
    ['everyone', {include: [everyone]}, [], [[]], false],
    ['another token, people, an address', {include: [byToken(OTHER_TOKEN), staff, office]}, [], [], false],
    ['under conditions', {include: [byToken()], require: [office], exclude: [germany]}, [], [['exclude geo', 'require ip']], false],
    ['a group under a condition', {include: [byGroup('g')]}, [group('g', {include: [byToken()], require: [office]})], [['require ip']], false],
    ['a nested group, with conditions at both levels', {include: [byGroup('o')], exclude: [germany]}, [group('o', {include: [byGroup('g')]}), group('g', {include: [byToken()], require: [office]})], [['exclude geo', 'require ip']], false],
    ['its name, and a group under a condition', {include: [byToken(), byGroup('g')]}, [group('g', {include: [byToken()], require: [office]})], [[], ['require ip']], false],
    ['an address, and it is required', {include: [office], require: [byToken()]}, [], [['require ip']], false],
    ['an address in a group, and any token is required', {include: [byGroup('o')], require: [anyToken]}, [group('o', {include: [office]})], [['require group']], false],
    ['an address, and a group of it is required', {include: [office], require: [byGroup('g')]}, [group('g', {include: [byToken()]})], [['require group', 'require ip']], false],
    ['inside a group: an address, and it is required', {include: [byGroup('g')]}, [group('g', {include: [office], require: [byToken()]})], [['require ip']], false],
    ['any token, and it is required', {include: [anyToken], require: [byToken(), everyone]}, [], [[]], false],
    ['any token, and another is required', {include: [anyToken], require: [byToken(OTHER_TOKEN)]}, [], [['require service_token']], false],
    ['an address, and everyone is required', {include: [office], require: [everyone]}, [], [], false],
    ['another token, and it is required', {include: [byToken(OTHER_TOKEN)], require: [byToken()]}, [], [], false],
    ['an address, and a group that is not known is required', {include: [office], require: [byGroup('gone')]}, [], [], true],
    ['a selector that is not known', {include: [{future: {id: '1'}}]}, [], [], true],
    ['several selectors in one rule', {include: [{...byToken(), ...office}]}, [], [], true],
    ['a group that is not known', {include: [byGroup('gone')]}, [], [], true],
    ['a group that includes itself', {include: [byGroup('g')]}, [group('g', {include: [byGroup('g'), byToken()]})], [], true],
  ])('%s', (_, rules, groups, expected, more) => {
    expect(ways(rules, groups)).toEqual({ways: expected, more})
  }) // prettier-ignore

  it('are found through groups that share each other many times over', () => {
    const depth = 200
    const groups = Array.from({length: depth}, (_, at) =>
      group(`g${at}`, {
        include: at === depth - 1 ? [byToken()] : [byGroup(`g${at + 1}`), byGroup(`g${at + 1}`)],
        require: at % 50 === 0 ? [office] : [],
      }),
    )
    expect(ways({include: [byGroup('g0')]}, groups)).toEqual({
      ways: [Array(4).fill('require ip')],
      more: false,
    })
  })

  it.each([
    [500, false],
    [501, true],
  ])('through %i levels: not known %s', (levels, more) => {
    const groups = Array.from({length: levels}, (_, at) =>
      group(`g${at}`, {include: [at === levels - 1 ? byToken() : byGroup(`g${at + 1}`)]}),
    )
    expect(ways({include: [byGroup('g0')]}, groups).more).toBe(more)
  })

  it('beyond what anyone makes are not known', () => {
    const groups = Array.from({length: 70}, (_, at) =>
      group(`g${at}`, {include: [byToken()], require: [{ip: {ip: `10.0.${at}.0/24`}}]}),
    )
    const {ways: found, more} = ways({include: groups.map(({id}) => byGroup(id))}, groups)
    expect([found.length, more]).toEqual([64, true])
  })
})

const condition = fc.constantFrom<Rule>(office, germany)
const narrowed = (include: fc.Arbitrary<Rule>) =>
  fc.record({
    include: fc.array(include, {maxLength: 2}),
    require: fc.array(fc.oneof(condition, fc.constantFrom<Rule>(byToken(), anyToken)), {maxLength: 2}),
    exclude: fc.array(condition, {maxLength: 1}),
  })
const include = fc.constantFrom<Rule>(byToken(), byToken(OTHER_TOKEN), anyToken, byGroup('g0'), byGroup('g1'))
const PLACES = ['10.1.2.3', '192.0.2.1'].flatMap((ip) => ['DE', 'US'].map((country) => ({ip, country})))

describe('restrictions that a new rule goes past', () => {
  it('are named whenever it admits the token from where a conditional rule kept it out', () => {
    const groupsOf = fc.array(narrowed(fc.oneof(include, fc.constant(byGroup('g1')))), {
      minLength: 2,
      maxLength: 2,
    })
    fc.assert(
      fc.property(
        fc.array(narrowed(fc.oneof(include, fc.constant(office))), {maxLength: 3}),
        narrowed(include),
        groupsOf,
        (old, added, sets) => {
          const groups = groupsById(sets.map((rules, at) => group(`g${at}`, rules)))
          const policies = old.map((rules, at) => policy(`P${at}`, 'non_identity', rules))
          const admitted = (list: typeof policies, place: (typeof PLACES)[0]): boolean =>
            evaluate({
              application: {name: 'A', policies: list},
              groups,
              request: {serviceTokenId: TOKEN, ...place},
            }).admitted
          const newRule = policy('new', 'non_identity', added)
          const opens = PLACES.some(
            (place) => !admitted(policies, place) && admitted([...policies, newRule], place),
          )
          const conditional = policies.some((one) => waysTo(TOKEN, one, groups).ways.length > 0)
          if (opens && conditional) expect(restrictionsPast(TOKEN, newRule, policies, groups)).not.toEqual([])
        },
      ),
      {numRuns: 1000},
    )
  })
})
