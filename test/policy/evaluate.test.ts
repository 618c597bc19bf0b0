import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {toGroup, toPolicy} from '../../src/lib/api/convert.js'
import type {Decision, Rule} from '../../src/lib/api/types.js'
import {evaluate} from '../../src/lib/policy/evaluate.js'
import {serviceAuthPoliciesNaming} from '../../src/lib/policy/references.js'

const TOKEN = '3f9c6f0e-0000-4000-8000-000000000001'
const OTHER = '3f9c6f0e-0000-4000-8000-000000000002'
const token = (id = TOKEN): Rule => ({service_token: {token_id: id}})
const email: Rule = {email_domain: {domain: 'widgetcorp.tech'}}
const everyone: Rule = {everyone: {}}
const inGroup = (id: string): Rule => ({group: {id}})

interface Parts {
  include?: Rule[]
  require?: Rule[]
  exclude?: Rule[]
}

let serial = 0
const policy = (decision: Decision, parts: Parts) =>
  toPolicy({
    id: `p${++serial}`,
    name: `policy ${serial}`,
    decision,
    include: [],
    require: [],
    exclude: [],
    ...parts,
  })

const group = (id: string, parts: Parts) =>
  toGroup({id, name: `group ${id}`, include: [], require: [], exclude: [], ...parts})
const groups = new Map(
  [
    group('machines', {include: [token()]}),
    group('outer', {include: [inGroup('machines')]}),
    group('loop', {include: [inGroup('loop')]}),
    group('a', {include: [inGroup('b')]}),
    group('b', {include: [inGroup('a')]}),
    group('not-here', {include: [everyone], exclude: [{ip: {ip: '10.0.0.0/8'}}]}),
  ].map((one) => [one.id, one]),
)

const request = {serviceTokenId: TOKEN, ip: '192.0.2.7', country: 'DE'}
const run = (
  policies: ReturnType<typeof policy>[],
  over: Partial<typeof request> | {serviceTokenId: undefined} = {},
) => evaluate({application: {name: 'GitLab', policies}, groups, request: {...request, ...over}})

describe('a service token', () => {
  it.each<[string, [Decision, Parts][], string]>([
    ['without any policy is denied', [], 'denied'],
    ['is let in by a Service Auth policy that names it', [['non_identity', {include: [token()]}]], 'service-auth'],
    ['is not let in by one that names another', [['non_identity', {include: [token(OTHER)]}]], 'denied'],
    ['is let in by "any valid service token"', [['non_identity', {include: [{any_valid_service_token: {}}]}]], 'service-auth'],
    ['is not let in by an Allow policy that names it', [['allow', {include: [token()]}]], 'denied'],
    ['is sent to the login by an identity rule', [['allow', {include: [email]}]], 'login'],
    ['is sent to the login by Allow Everyone', [['allow', {include: [everyone]}]], 'login'],
    ['is let in by its group', [['non_identity', {include: [inGroup('machines')]}]], 'service-auth'],
    ['is let in by a group in a group', [['non_identity', {include: [inGroup('outer')]}]], 'service-auth'],
    ['is not let in by a group under Allow', [['allow', {include: [inGroup('machines')]}]], 'denied'],
    ['is not let in by a group that includes itself', [['non_identity', {include: [inGroup('loop')]}]], 'denied'],
    ['is not let in by groups in a circle', [['non_identity', {include: [inGroup('a')]}]], 'denied'],
    ['is not let in by a group that is gone', [['non_identity', {include: [inGroup('gone')]}]], 'denied'],
    ['is let in by any of several includes', [['non_identity', {include: [email, token(OTHER), token()]}]], 'service-auth'],
    ['is kept out by a Require that fails', [['non_identity', {include: [token()], require: [{geo: {country_code: 'US'}}]}]], 'denied'],
    ['is let in when all Requires hold', [['non_identity', {include: [token()], require: [{geo: {country_code: 'DE'}}, {ip: {ip: '192.0.2.0/24'}}]}]], 'service-auth'],
    ['is kept out by an Exclude', [['non_identity', {include: [token()], exclude: [{ip: {ip: '192.0.2.7'}}]}]], 'denied'],
    ['is kept out by a Require on identity', [['non_identity', {include: [token()], require: [email]}]], 'denied'],
    ['is blocked by Block Everyone', [['deny', {include: [everyone]}]], 'blocked'],
    ['is not blocked by a Block on identity', [['deny', {include: [email]}]], 'denied'],
    ['is let in by Service Auth although a Block stands before it', [['deny', {include: [everyone]}], ['non_identity', {include: [token()]}]], 'service-auth'],
    ['passes by Bypass Everyone', [['allow', {include: [email]}], ['bypass', {include: [everyone]}]], 'bypass'],
    ['does not pass by a Bypass on identity', [['bypass', {include: [email]}]], 'denied'],
    ['is sent to the login by the first Allow, before a Block', [['allow', {include: [email]}], ['deny', {include: [everyone]}]], 'login'],
    ['is not let in by a selector that zt does not know', [['non_identity', {include: [{quantum_state: {}}]}]], 'denied'],
    ['is not let in by a selector named like a method of objects', [['non_identity', {include: [{constructor: {}}]}]], 'denied'],
    ['is let in by a group with an Exclude that does not hold', [['non_identity', {include: [inGroup('not-here')]}]], 'service-auth'],
  ])('%s', (_name, parts, outcome) => {
    const result = run(parts.map(([decision, rules]) => policy(decision, rules)))
    expect(result.outcome).toBe(outcome)
    expect(result.admitted).toBe(outcome === 'service-auth' || outcome === 'bypass')
    expect(result.trace).toHaveLength(parts.length)
    for (const {why} of result.trace) expect(why).toMatch(/^[A-Z"].*\.$/)
  }) // prettier-ignore

  it('that is invalid opens nothing that names a token', () => {
    expect(
      run([policy('non_identity', {include: [token(), {any_valid_service_token: {}}]})], {
        serviceTokenId: undefined,
      }).admitted,
    ).toBe(false)
  })
})

it("Cloudflare's own example runs in the order C, D, A, B, E", () => {
  const nobody = {include: [token(OTHER)]}
  const policies = (['allow', 'deny', 'non_identity', 'bypass', 'allow'] as const).map((decision, i) =>
    toPolicy({id: 'ABCDE'[i], name: 'ABCDE'[i], decision, ...nobody}),
  )
  expect(
    run(policies)
      .trace.map(({name}) => name)
      .join(''),
  ).toBe('CDABE')
})

it.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['10.1.2.3', 'nonsense', false],
  ['10.1.2.3', '10.0.0.0/99', false],
  ['10.1.2.3', '2001:db8::/32', false],
])('%s in %s: %s', (ip, range, expected) => {
  expect(run([policy('non_identity', {include: [{ip: {ip: range}}]})], {ip}).admitted).toBe(expected)
})

it('no Allow or Block policy ever lets a machine in, whatever its rules', () => {
  const rule = fc.constantFrom<Rule>(
    token(),
    token(OTHER),
    email,
    everyone,
    inGroup('machines'),
    inGroup('gone'),
    {
      ip: {ip: '192.0.2.0/24'},
    },
  )
  const rules = fc.array(rule, {maxLength: 3})
  const parts = fc.record({include: rules, require: rules, exclude: rules})
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom<Decision>('allow', 'deny'), parts), {maxLength: 5}),
      (list) => {
        expect(run(list.map(([decision, one]) => policy(decision, one))).admitted).toBe(false)
      },
    ),
  )
})

it('finds the Service Auth policies that name a token, and whether they are narrowed', () => {
  const plain = policy('non_identity', {include: [token()]})
  const narrowed = policy('non_identity', {include: [token()], require: [{ip: {ip: '192.0.2.0/24'}}]})
  const found = serviceAuthPoliciesNaming(TOKEN, [
    policy('allow', {include: [token()]}),
    policy('non_identity', {include: [token(OTHER), inGroup('machines')]}),
    narrowed,
    plain,
  ])
  expect(found).toEqual([
    {policy: narrowed, narrowed: true},
    {policy: plain, narrowed: false},
  ])
})
