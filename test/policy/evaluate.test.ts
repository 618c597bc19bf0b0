import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Decision, Group, Policy, Rule} from '../../src/lib/api/types.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {wantsIdentity} from '../../src/lib/policy/selectors.js'
import type {AccessRequest} from '../../src/lib/policy/types.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  byGroup,
  byToken,
  everyone,
  group,
  input,
  machine,
  policy,
  staff,
  type Rules,
} from './fixtures.js'

const stranger: AccessRequest = {serviceTokenId: undefined, ip: undefined, country: undefined}

describe('the order of evaluation', () => {
  it('is C, D, A, B, E for the example in the documents', () => {
    const policies = [
      policy('A', 'allow', {precedence: 1}),
      policy('B', 'deny', {precedence: 2}),
      policy('C', 'non_identity', {precedence: 3}),
      policy('D', 'bypass', {precedence: 4}),
      policy('E', 'allow', {precedence: 5}),
    ]
    expect(evaluate(input(policies)).trace.map(({name}) => name)).toEqual(['C', 'D', 'A', 'B', 'E'])
  })

  it('ends at the first policy that decides, and the rest are not reached', () => {
    const result = evaluate(
      input([
        policy('machines', 'non_identity', {include: [byToken()]}),
        policy('open', 'bypass', {include: [everyone]}),
      ]),
    )
    expect(result.policy?.name).toBe('machines')
    expect(result.trace).toEqual([
      {
        ...{policyId: 'policy-machines', name: 'machines', decision: 'non_identity', outcome: 'matched'},
        why: 'It names this service token.',
      },
      {
        ...{policyId: 'policy-open', name: 'open', decision: 'bypass', outcome: 'not-reached'},
        why: '"machines" decided first.',
      },
    ])
  })
})

describe('one policy', () => {
  const outcomes: [string, Decision, Rules, AccessRequest, string, string][] = [
    [
      'Service Auth naming the token',
      'non_identity',
      {include: [byToken()]},
      machine,
      'service-auth',
      'matched',
    ],
    [
      'Service Auth naming another',
      'non_identity',
      {include: [byToken(OTHER_TOKEN)]},
      machine,
      'denied',
      'no-include',
    ],
    ['Service Auth for any token', 'non_identity', {include: [anyToken]}, machine, 'service-auth', 'matched'],
    [
      'Service Auth for any token, none sent',
      'non_identity',
      {include: [anyToken]},
      stranger,
      'denied',
      'no-include',
    ],
    [
      'Service Auth naming a token, none sent',
      'non_identity',
      {include: [byToken()]},
      stranger,
      'denied',
      'no-include',
    ],
    [
      'Service Auth by address, which is not known',
      'non_identity',
      {include: [{ip: {ip: '192.0.2.0/24'}}]},
      stranger,
      'unknown',
      'unknown',
    ],
    [
      'Service Auth by address, known',
      'non_identity',
      {include: [{ip: {ip: '192.0.2.0/24'}}]},
      machine,
      'service-auth',
      'matched',
    ],
    [
      'Service Auth with an identity selector',
      'non_identity',
      {include: [staff]},
      machine,
      'denied',
      'no-include',
    ],
    [
      'Service Auth with a certificate, which is not known',
      'non_identity',
      {include: [{certificate: {}}]},
      machine,
      'unknown',
      'unknown',
    ],
    [
      'Service Auth with a certificate, and none is sent',
      'non_identity',
      {include: [{common_name: {common_name: 'ci'}}]},
      {...machine, certificate: false},
      'denied',
      'no-include',
    ],
    [
      'Service Auth with a linked app token',
      'non_identity',
      {include: [{linked_app_token: {app_uid: 'x'}}]},
      machine,
      'denied',
      'no-include',
    ],
    ['Service Auth with no rule', 'non_identity', {}, machine, 'denied', 'no-include'],
    [
      'Service Auth excluding the token',
      'non_identity',
      {include: [anyToken], exclude: [byToken()]},
      machine,
      'denied',
      'excluded',
    ],
    [
      'Service Auth requiring an address',
      'non_identity',
      {include: [byToken()], require: [{ip: {ip: '10.0.0.0/8'}}]},
      machine,
      'denied',
      'require-failed',
    ],
    [
      'Service Auth requiring two that hold',
      'non_identity',
      {include: [byToken()], require: [{geo: {country_code: 'de'}}, {ip: {ip: '192.0.2.7'}}]},
      machine,
      'service-auth',
      'matched',
    ],
    [
      'Service Auth requiring two, one holds',
      'non_identity',
      {include: [byToken()], require: [{geo: {country_code: 'DE'}}, {geo: {country_code: 'US'}}]},
      machine,
      'denied',
      'require-failed',
    ],
    [
      'Service Auth with an IP list',
      'non_identity',
      {include: [{ip_list: {id: 'x'}}]},
      machine,
      'unknown',
      'unknown',
    ],
    [
      'Service Auth naming another, excluding everyone',
      'non_identity',
      {include: [byToken(OTHER_TOKEN)], exclude: [everyone]},
      machine,
      'denied',
      'no-include',
    ],
    [
      'Bypass for everyone requiring people',
      'bypass',
      {include: [everyone], require: [staff]},
      machine,
      'denied',
      'require-failed',
    ],
    ['Bypass for everyone', 'bypass', {include: [everyone]}, stranger, 'bypass', 'matched'],
    ['Bypass naming the token', 'bypass', {include: [byToken()]}, machine, 'denied', 'no-include'],
    ['Bypass for any token', 'bypass', {include: [anyToken]}, machine, 'denied', 'no-include'],
    ['Bypass with an identity selector', 'bypass', {include: [staff]}, machine, 'denied', 'no-include'],
    ['Allow naming the token (the trap)', 'allow', {include: [byToken()]}, machine, 'denied', 'no-include'],
    ['Allow for staff', 'allow', {include: [staff]}, machine, 'login', 'needs-identity'],
    ['Allow for everyone', 'allow', {include: [everyone]}, machine, 'login', 'needs-identity'],
    [
      'Allow excluding some people',
      'allow',
      {include: [everyone], exclude: [staff]},
      machine,
      'login',
      'needs-identity',
    ],
    [
      'Allow excluding this address',
      'allow',
      {include: [staff], exclude: [{ip: {ip: '192.0.2.0/24'}}]},
      machine,
      'denied',
      'excluded',
    ],
    [
      'Allow requiring a token',
      'allow',
      {include: [staff], require: [byToken()]},
      machine,
      'denied',
      'require-failed',
    ],
    ['Block for everyone', 'deny', {include: [everyone]}, machine, 'blocked', 'matched'],
    ['Block for some people', 'deny', {include: [staff]}, machine, 'denied', 'needs-identity'],
    [
      'Block for everyone but staff',
      'deny',
      {include: [everyone], exclude: [staff]},
      machine,
      'denied',
      'needs-identity',
    ],
    [
      'Block for everyone requiring a login method',
      'deny',
      {include: [everyone], require: [{login_method: {id: 'x'}}]},
      machine,
      'denied',
      'needs-identity',
    ],
    ['Block of the country', 'deny', {include: [{geo: {country_code: 'DE'}}]}, machine, 'blocked', 'matched'],
    ['an unknown selector', 'non_identity', {include: [{quantum_state: {}}]}, machine, 'unknown', 'unknown'],
    [
      'a rule with two selectors',
      'non_identity',
      {include: [{...byToken(), ...everyone}]},
      machine,
      'unknown',
      'unknown',
    ],
    [
      'an action that is not known',
      'isolate' as Decision,
      {include: [everyone]},
      machine,
      'unknown',
      'unknown',
    ],
  ]
  it.each(outcomes)('%s', (_name, decision, rules, request, outcome, traced) => {
    const result = evaluate(input([policy('P', decision, rules)], [], request))
    expect([result.outcome, result.trace[0]?.outcome]).toEqual([outcome, traced])
    expect(result.admitted).toBe(outcome === 'service-auth' || outcome === 'bypass')
    expect(result.policy?.name).toBe(outcome === 'denied' || outcome === 'unknown' ? undefined : 'P')
  })

  const sentences: [string, Decision, Rules, string][] = [
    ['a match', 'non_identity', {include: [byToken()]}, 'It names this service token.'],
    [
      'the Allow trap',
      'allow',
      {include: [byToken()]},
      'Service tokens count only under the action Service Auth.',
    ],
    ['a missing group', 'non_identity', {include: [byGroup('gone')]}, 'zt does not know its Access group.'],
    [
      'an unknown selector',
      'bypass',
      {include: [{quantum_state: {}}]},
      'zt does not know the selector "quantum_state".',
    ],
    [
      'an IP list',
      'non_identity',
      {include: [{ip_list: {id: 'x'}}]},
      'zt does not know the addresses of the IP list.',
    ],
    [
      'people',
      'allow',
      {include: [staff]},
      'It requires an email address of a domain, which a machine does not have.',
    ],
    [
      'an Exclude',
      'non_identity',
      {include: [anyToken], exclude: [byToken()]},
      'It excludes: it names this service token.',
    ],
    [
      'a Require',
      'non_identity',
      {include: [anyToken], require: [{geo: {country_code: 'US'}}]},
      'A requirement is not met: the country is not US.',
    ],
  ]
  const UNKNOWN: AccessRequest = {serviceTokenId: TOKEN, ip: undefined, country: undefined}
  it.each<[Decision, Rule, AccessRequest, string]>([
    ['bypass', everyone, stranger, 'Everyone is included.'],
    ['non_identity', byToken(OTHER_TOKEN), machine, 'It names another service token.'],
    ['non_identity', byToken(), stranger, 'No valid service token was sent.'],
    ['non_identity', {service_token: null}, machine, 'It names another service token.'],
    ['non_identity', anyToken, machine, 'It includes any valid service token.'],
    ['non_identity', anyToken, stranger, 'No valid service token was sent.'],
    ['bypass', anyToken, machine, 'Service tokens count only under the action Service Auth.'],
    ['bypass', byToken(), machine, 'Service tokens count only under the action Service Auth.'],
    [
      ...(['non_identity', {linked_app_token: {app_uid: 'x'}}, machine] as const),
      'It requires a token of another application.',
    ],
    ['bypass', {ip: {ip: '192.0.2.0/24'}}, machine, '192.0.2.7 is in 192.0.2.0/24.'],
    ['bypass', {ip: {ip: '10.0.0.0/8'}}, machine, '192.0.2.7 is not in 10.0.0.0/8.'],
    [
      ...(['bypass', {ip: {ip: '10.0.0.0/8'}}, UNKNOWN] as const),
      "It is for addresses in 10.0.0.0/8, and zt does not know the client's address.",
    ],
    ['bypass', {geo: {country_code: 'de'}}, machine, 'The country is de.'],
    ['bypass', {geo: {country_code: 'DE'}}, {...machine, country: 'de'}, 'The country is DE.'],
    ['bypass', {geo: {country_code: 'US'}}, machine, 'The country is not US.'],
    [
      ...(['bypass', {geo: {country_code: 'DE'}}, UNKNOWN] as const),
      "It is for the country DE, and zt does not know the client's country.",
    ],
    [
      ...(['non_identity', {...byToken(), ...everyone}, machine] as const),
      'One of its rules has several selectors, which zt cannot evaluate.',
    ],
    ['non_identity', {}, machine, 'zt does not know the selector "nothing".'],
    ['non_identity', {constructor: {}}, machine, 'zt does not know the selector "constructor".'],
    ['bypass', {['x'.repeat(41)]: {}}, machine, `zt does not know the selector "${'x'.repeat(40)}".`],
    ['bypass', staff, machine, 'It requires an email address of a domain, which a machine does not have.'],
  ])('says why: %s, %j for %j', (decision, rule, request, why) => {
    expect(evaluate(input([policy('P', decision, {include: [rule]})], [], request)).trace[0]?.why).toBe(why)
  })

  it.each<[string, Decision, Rules, string]>([
    ['no rule', 'allow', {}, 'It includes no one.'],
    [
      'the first of those that do not hold',
      'bypass',
      {include: [byToken(OTHER_TOKEN), staff]},
      'Service tokens count only under the action Service Auth.',
    ],
    ['the one that holds', 'bypass', {include: [byGroup('gone'), everyone]}, 'Everyone is included.'],
    [
      'what a login would show',
      'allow',
      {include: [byToken(OTHER_TOKEN), staff]},
      'It requires an email address of a domain, which a machine does not have.',
    ],
    [
      'a Require that needs a login',
      'deny',
      {include: [everyone], require: [everyone, staff]},
      'It requires an email address of a domain, which a machine does not have.',
    ],
    [
      'an Exclude that needs a login',
      'deny',
      {include: [everyone], exclude: [staff]},
      'It requires an email address of a domain, which a machine does not have.',
    ],
    [
      'an Include that needs a login',
      'allow',
      {include: [{okta: {}}], require: [staff], exclude: [staff]},
      'It requires an Okta group, which a machine does not have.',
    ],
    [
      'an action that is not known',
      'isolate' as Decision,
      {include: [everyone]},
      'zt does not know its action.',
    ],
  ])('says why: %s', (_name, decision, rules, why) => {
    expect(evaluate(input([policy('P', decision, rules)])).trace[0]?.why).toBe(why)
  })

  it.each(sentences)('says why in one sentence: %s', (_name, decision, rules, sentence) => {
    expect(evaluate(input([policy('P', decision, rules)])).trace[0]?.why).toBe(sentence)
  })
})

describe('policies together', () => {
  it('sends to the login page when an Allow policy comes before a Block for everyone', () => {
    const policies = [
      policy('staff', 'allow', {include: [staff]}),
      policy('rest', 'deny', {include: [everyone]}),
    ]
    expect(evaluate(input(policies)).outcome).toBe('login')
    expect(evaluate(input(policies.toReversed())).outcome).toBe('blocked')
  })

  it("denies for the demo's case, an identity rule only, by way of the login page", () => {
    const result = evaluate(input([policy('Widgetcorp staff', 'allow', {include: [staff]})]))
    expect(result).toMatchObject({outcome: 'login', admitted: false})
  })
})

describe('an Access group', () => {
  const inGroup = (groups: Group[], decision: Decision = 'non_identity', id = 'g') =>
    evaluate(input([policy('P', decision, {include: [byGroup(id)]})], groups))

  it.each([
    ['holding the token', [group('g', {include: [byToken()]})], 'service-auth'],
    [
      'holding a group that holds it',
      [group('g', {include: [byGroup('h')]}), group('h', {include: [byToken()]})],
      'service-auth',
    ],
    ['excluding it', [group('g', {include: [anyToken], exclude: [byToken()]})], 'denied'],
    [
      'requiring what does not hold',
      [group('g', {include: [byToken()], require: [{geo: {country_code: 'US'}}]})],
      'denied',
    ],
    [
      'excluding by a group',
      [group('g', {include: [anyToken], exclude: [byGroup('h')]}), group('h', {include: [byToken()]})],
      'denied',
    ],
    ['of people', [group('g', {include: [staff]})], 'denied'],
    ['that is missing', [], 'unknown'],
    ['that contains itself', [group('g', {include: [byGroup('g')]})], 'unknown'],
    ['that contains itself and the token', [group('g', {include: [byGroup('g'), byToken()]})], 'unknown'],
  ] as [string, Group[], string][])('%s', (_name, groups, outcome) => {
    expect(inGroup(groups).outcome).toBe(outcome)
  })

  it('holding the token lets nothing in under Allow', () => {
    expect(inGroup([group('g', {include: [byToken()]})], 'allow').admitted).toBe(false)
  })

  it('turns AND into OR when it is required', () => {
    const either = group('g', {include: [{geo: {country_code: 'US'}}, {geo: {country_code: 'DE'}}]})
    const rules = {include: [byToken()], require: [byGroup('g')]}
    expect(evaluate(input([policy('P', 'non_identity', rules)], [either])).admitted).toBe(true)
  })

  it('that others share many times over is evaluated once', () => {
    const depth = 200
    const groups = Array.from({length: depth}, (_, i) =>
      group(`g${i}`, {
        include: i === depth - 1 ? [byToken()] : [byGroup(`g${i + 1}`), byGroup(`g${i + 1}`), staff],
      }),
    )
    expect(inGroup(groups, 'non_identity', 'g0').outcome).toBe('service-auth')
  })

  it('is followed through any number of levels, and says through which', () => {
    const through = (levels: number): string | undefined => {
      const groups = Array.from({length: levels}, (_, at) =>
        group(`g${at}`, {include: [at === levels - 1 ? byToken() : byGroup(`g${at + 1}`)]}),
      )
      const result = inGroup(groups, 'non_identity', 'g0')
      expect(result.outcome).toBe('service-auth')
      return result.trace[0]?.why
    }
    const ways = Array.from({length: 500}, (_, at) => `Access group "g${at} group": `)
    expect(through(500)).toBe(`${ways.join('')}it names this service token.`)
    // As many as are read.
    const long = through(5000) ?? ''
    expect(long.length).toBeLessThan(25_000)
    expect(long).toMatch(/^Access group "g0 group": Access group "g1 group": .*\.\.\.up": .* it names this service token\.$/)
  }) // prettier-ignore

  it.each([
    ['that includes a circle and the token', {include: [byGroup('a'), byToken()]}, 'service-auth'],
    ['that includes a circle', {include: [byGroup('a')]}, 'unknown'],
    ['that is required with a circle', {include: [anyToken], require: [byGroup('a')]}, 'unknown'],
    ['that a circle excludes', {include: [anyToken], exclude: [byGroup('b')]}, 'unknown'],
  ] as [string, Rules, string][])('%s is not in it', (_name, rules, outcome) => {
    const circle = [
      group('a', {include: [byGroup('b'), byToken()]}),
      group('b', {exclude: [byGroup('a')], include: [anyToken]}),
    ]
    expect(inGroup([...circle, group('g', rules)]).outcome).toBe(outcome)
    // Whatever was evaluated first.
    expect(inGroup([group('g', rules), ...circle.toReversed()]).outcome).toBe(outcome)
  })

  it('in a circle ends, and says so', () => {
    const circle = ['a', 'b', 'c'].map((id, i, all) =>
      group(id, {include: [byGroup(all[(i + 1) % 3] ?? '')]}),
    )
    const result = inGroup(circle, 'non_identity', 'a')
    expect(result.outcome).toBe('unknown')
    expect(result.trace[0]?.why).toBe('The Access group "a group" includes itself.')
  })
})

describe('a rule about an identity', () => {
  it.each<[Rule, boolean]>([
    [staff, true],
    [{certificate: {}}, false],
    [{everyone: {}, okta: {}}, true],
    [everyone, false],
    [byToken(), false],
    [{quantum_state: {}}, false],
    [{}, false],
  ])('%j: %s', (rule, wanted) => {
    expect(wantsIdentity(rule)).toBe(wanted)
  })
})

const decisions = fc.constantFrom<Decision>('allow', 'deny', 'non_identity', 'bypass')
const groupIds = fc.constantFrom('g0', 'g1', 'g2', 'gone')
const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom(byToken(), byToken(OTHER_TOKEN), anyToken, everyone, staff),
  groupIds.map(byGroup),
  fc.constantFrom('10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32').map((ip) => ({ip: {ip}})),
  fc.constantFrom('DE', 'US').map((code) => ({geo: {country_code: code}})),
)
const nonsense: fc.Arbitrary<Rule> = fc.oneof(
  fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('group', 'ip', 'geo', 'service_token', '__proto__', 'constructor')),
    fc.jsonValue() as fc.Arbitrary<unknown>,
  ),
  rule,
)
const ruleSets = (one: fc.Arbitrary<Rule>, most = 3) =>
  fc.record({
    include: fc.array(one, {maxLength: most}),
    exclude: fc.array(one, {maxLength: most}),
    require: fc.array(one, {maxLength: most}),
  })
const policiesOf = (one: fc.Arbitrary<Rule>, most = 5): fc.Arbitrary<Policy[]> =>
  fc
    .array(fc.tuple(decisions, ruleSets(one)), {maxLength: most})
    .map((list) => list.map(([decision, rules], i) => policy(`P${i}`, decision, rules)))
const groupsOf = (one: fc.Arbitrary<Rule>): fc.Arbitrary<Group[]> =>
  fc.array(ruleSets(one), {maxLength: 3}).map((list) => list.map((rules, i) => group(`g${i}`, rules)))
const requests: fc.Arbitrary<AccessRequest> = fc.record({
  serviceTokenId: fc.constantFrom(undefined, TOKEN, OTHER_TOKEN),
  ip: fc.constantFrom(undefined, '10.1.2.3', '192.0.2.1', '2001:db8::1'),
  country: fc.constantFrom(undefined, 'DE', 'US'),
})
/** Rules that depend on where a request comes from come often, so that a part of the answer is unknown. */
const conditional: fc.Arbitrary<Rule> = fc.oneof(
  fc.constantFrom<Rule>(byToken(), anyToken, everyone, staff),
  fc.constantFrom('10.0.0.0/8', '192.0.2.0/24').map((ip) => ({ip: {ip}})),
  fc.constantFrom('DE', 'US').map((code) => ({geo: {country_code: code}})),
  fc.constantFrom('g0', 'g1', 'g2').map(byGroup),
)
const early = ({decision}: Policy): boolean => decision === 'non_identity' || decision === 'bypass'

describe('for all policies', () => {
  it('a Service Auth policy naming the token lets it in, at any place among Allow and Block', () => {
    fc.assert(
      fc.property(policiesOf(rule), groupsOf(rule), fc.nat(5), (policies, groups, at) => {
        const added = policies.toSpliced(at, 0, policy('new', 'non_identity', {include: [byToken()]}))
        expect(evaluate(input(added, groups)).admitted).toBe(true)
      }),
    )
  })

  it('an Exclude that matches keeps the policy from applying', () => {
    fc.assert(
      fc.property(decisions, ruleSets(rule), groupsOf(rule), requests, (decision, rules, groups, request) => {
        const excluding = policy('P', decision, {...rules, exclude: [...rules.exclude, everyone]})
        const result = evaluate(input([excluding], groups, request))
        expect(result.outcome).toBe('denied')
        expect(['excluded', 'no-include']).toContain(result.trace[0]?.outcome)
      }),
    )
  })

  it('what Allow and Block come to does not depend on where Service Auth and Bypass stand between them', () => {
    const shuffled = policiesOf(rule).chain((policies) =>
      fc.tuple(fc.constant(policies), fc.shuffledSubarray(policies, {minLength: policies.length})),
    )
    fc.assert(
      fc.property(shuffled, groupsOf(rule), requests, ([policies, order], groups, request) => {
        // The same order within each class, interleaved otherwise.
        const first = policies.filter(early)
        const second = policies.filter((p) => !early(p))
        const mixed = order
          .map((p) => (early(p) ? first.shift() : second.shift()))
          .filter((p) => p !== undefined)
        expect(evaluate(input(mixed, groups, request))).toEqual(evaluate(input(policies, groups, request)))
      }),
    )
  })

  it('the order within Service Auth and Bypass never changes whether the request gets in', () => {
    fc.assert(
      fc.property(policiesOf(rule), groupsOf(rule), requests, (policies, groups, request) => {
        const there = evaluate(input(policies, groups, request)).admitted
        expect(evaluate(input(policies.toReversed(), groups, request)).admitted).toBe(there)
      }),
    )
  })

  it('no request gets in by Allow, nor without a Service Auth or Bypass policy', () => {
    fc.assert(
      fc.property(policiesOf(rule), groupsOf(rule), requests, (policies, groups, request) => {
        const result = evaluate(
          input(
            policies.filter((p) => !early(p)),
            groups,
            request,
          ),
        )
        expect(result.admitted).toBe(false)
      }),
    )
  })

  it('each is traced once, with one sentence, and at most one decides', () => {
    fc.assert(
      fc.property(policiesOf(rule), groupsOf(rule), requests, (policies, groups, request) => {
        const {trace} = evaluate(input(policies, groups, request))
        expect(trace.map(({policyId}) => policyId).sort()).toEqual(policies.map(({id}) => id).sort())
        expect(trace.filter(({outcome}) => outcome === 'matched').length).toBeLessThanOrEqual(1)
        expect(trace.every(({why}) => /^([A-Z0-9"]|zt ).*\.$/s.test(why))).toBe(true)
      }),
    )
  })

  it('evaluation ends without an error whatever the rules and groups are, and lets nothing unknown in', () => {
    fc.assert(
      fc.property(policiesOf(nonsense), groupsOf(nonsense), requests, (policies, groups, request) => {
        const result = evaluate(input(policies, groups, request))
        expect(result.trace).toHaveLength(policies.length)
        if (result.admitted) expect(policies.some(({include}) => include.length > 0)).toBe(true)
      }),
    )
  })

  it('a certain outcome stays the same whatever the unknown facts are', () => {
    fc.assert(
      fc.property(
        policiesOf(conditional),
        groupsOf(conditional),
        requests,
        requests,
        (policies, groups, request, facts) => {
          const known = {...request, ip: request.ip ?? facts.ip, country: request.country ?? facts.country}
          const before = evaluate(input(policies, groups, request))
          const after = evaluate(input(policies, groups, known))
          expect([...before.possible]).toEqual(expect.arrayContaining([...after.possible]))
          if (before.outcome !== 'unknown') expect(after.outcome).toBe(before.outcome)
        },
      ),
      {numRuns: 500},
    )
  })

  it('what is possible has an end: some facts lead to each possible outcome of one policy by address', () => {
    for (const decision of ['allow', 'deny', 'non_identity', 'bypass'] as const) {
      const policies = [policy('P', decision, {include: [{ip: {ip: '10.0.0.0/8'}}]})]
      const verdict = (ip: string | undefined) => evaluate(input(policies, [], {...machine, ip}))
      const filled = ['10.1.2.3', '192.0.2.1'].map((ip) => verdict(ip).outcome)
      expect([...verdict(undefined).possible].sort()).toEqual(filled.sort())
    }
  })
})
