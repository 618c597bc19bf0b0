import fc from 'fast-check'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import type {RefusalWorld} from './refusal-world.js'

// Random accounts, for tests that run what is proposed and ask the edge before and after.

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
export const TOKENS = ['ci', 'cd', 'off'] as const
/** In the office and in Germany, in the office alone, in Germany alone, elsewhere. */
export const ADDRESSES = ['203.0.113.7', '203.0.113.200', '198.51.100.1', '198.51.100.200']
const COUNTRIES = {'203.0.113.0/25': 'DE', '198.51.100.0/25': 'DE'}
const secretOf = (name: string): string => `cfast_${name.padEnd(48, 'x')}`

interface Rule {
  decision: string
  include: object[]
  require: object[]
  exclude: object[]
}

const token = fc.constantFrom(...TOKENS).map((id) => ({service_token: {token_id: id}}))
const place = fc.constantFrom<object>({ip: {ip: '203.0.113.0/24'}}, {geo: {country_code: 'DE'}})
const wide = fc.constantFrom<object>({everyone: {}}, {any_valid_service_token: {}})
const staff = fc.constant<object>({email_domain: {domain: 'example.com'}})
const group = fc.constantFrom('a', 'b').map((id) => ({group: {id}}))
const rule: fc.Arbitrary<Rule> = fc.record({
  decision: fc.constantFrom('allow', 'deny', 'non_identity', 'non_identity', 'bypass'),
  include: fc.array(
    fc.oneof(
      {arbitrary: token, weight: 5},
      {arbitrary: group, weight: 2},
      {arbitrary: place, weight: 1},
      {arbitrary: wide, weight: 1},
      {arbitrary: staff, weight: 2},
    ),
    {minLength: 1, maxLength: 3},
  ),
  require: fc.array(fc.oneof(place, place, token, group), {maxLength: 1}),
  exclude: fc.array(fc.oneof(place, token), {maxLength: 1}),
})

/** An account with two or three applications: one is at a path of another, and they may share rules. */
export const accounts = fc.record({
  rules: fc.array(rule, {minLength: 2, maxLength: 4}),
  inside: fc.record({
    a: fc.array(fc.oneof(token, token, place, staff), {minLength: 1, maxLength: 2}),
    b: fc.array(fc.oneof(token, fc.constant({group: {id: 'a'}})), {minLength: 1, maxLength: 2}),
  }),
  git: fc.shuffledSubarray([0, 1, 2, 3], {minLength: 1}),
  api: fc.shuffledSubarray([0, 1, 2, 3], {minLength: 1}),
  web: fc.shuffledSubarray([0, 1, 2, 3]),
  inline: fc.boolean(),
})
export type Account = typeof accounts extends fc.Arbitrary<infer T> ? T : never

export const HOSTS = {Git: 'git.example.com', Api: 'git.example.com/api', Web: 'web.example.com'}

export function seedOf({rules, inside, git, api, web, inline}: Account): SandboxSeed {
  const linksOf = {Git: git, Api: api, Web: web}
  const policies = rules.map((one, at) => ({id: `policy-${at}`, name: `P${at}`, ...one}))
  return {
    accounts: [{id: ACCOUNT, name: 'Example', type: 'standard'}],
    service_tokens: TOKENS.map((name) => ({
      ...{id: name, name, client_id: `${name}.access`, client_secret: secretOf(name)},
      enabled: name !== 'off',
    })),
    groups: Object.entries(inside).map(([name, include]) => ({id: name, name, include})),
    policies: inline ? [] : policies,
    settings: {country_of: COUNTRIES},
    apps: Object.entries(linksOf).map(([name, links]) => ({
      ...{id: `app-${name}`, name, type: 'self_hosted', domain: HOSTS[name as keyof typeof HOSTS]},
      policies: links
        .filter((at) => at < rules.length)
        .map((at, index) =>
          inline
            ? {...policies[at], id: `own-${name}-${at}`, precedence: index + 1}
            : {id: `policy-${at}`, precedence: index + 1},
        ),
    })),
  }
}

/** Who comes in where: `ci Git 203.0.113.7`. */
export function probe(world: RefusalWorld): Set<string> {
  const inside = new Set<string>()
  for (const [name, address] of Object.entries(HOSTS))
    for (const who of [...TOKENS, 'no one'])
      for (const from of ADDRESSES) {
        const pair = who === 'no one' ? {} : {clientId: `${who}.access`, secret: secretOf(who)}
        const [host = '', ...path] = address.split('/')
        if (!world.ask({host, path: `/${path.join('/')}`, from, ...pair}))
          inside.add(`${who} ${name} ${from}`)
      }
  return inside
}

/** Those that get in afterwards and did not before. */
export const opened = (before: Set<string>, after: Set<string>): string[] =>
  [...after].filter((one) => !before.has(one))
