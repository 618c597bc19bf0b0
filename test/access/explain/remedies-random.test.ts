import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {SandboxSeed} from '../../../src/lib/sandbox/types.js'
import {untilCovered} from '../../support/covering.js'
import {RefusalWorld} from '../../support/refusal-world.js'

// Random accounts: what is proposed is run as it is, and the edge is asked before and after.

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const TOKENS = ['ci', 'cd', 'off'] as const
/** In the office and in Germany, in the office alone, in Germany alone, elsewhere. */
const ADDRESSES = ['203.0.113.7', '203.0.113.200', '198.51.100.1', '198.51.100.200']
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
const accounts = fc.record({
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
type Account = typeof accounts extends fc.Arbitrary<infer T> ? T : never

const HOSTS = {Git: 'git.example.com', Api: 'git.example.com/api', Web: 'web.example.com'}

function seedOf({rules, inside, git, api, web, inline}: Account): SandboxSeed {
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

let world: RefusalWorld
beforeAll(async () => {
  world = await RefusalWorld.open()
})
afterAll(() => world.end())

/** Who comes in where: `ci Git 203.0.113.7`. */
function probe(): Set<string> {
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

const begin = (account: Account): Promise<void> => world.begin(seedOf(account), undefined, 'git.example.com')

async function asked(line: string): Promise<JsonObject> {
  const {stdout, stderr} = await world.run(`${line} --json`)
  return JSON.parse(stdout || stderr) as JsonObject
}

async function made(command: string): Promise<void> {
  const end = await world.run(command.startsWith('zt token ') ? command : `${command} --yes`)
  expect(end.exitCode, `${command}\n${end.stdout}${end.stderr}`).toBe(0)
}

interface ExplainedTrap {
  id: string
  applicationId: string
  policyId: string | null
  otherId: string | null
  tokenIds: string[]
  remedies: {what: string; command: string | null}[]
}
const trapsAt = async (name: string): Promise<ExplainedTrap[]> =>
  (await asked(`zt app explain ${name} --no-credentials`))['traps'] as ExplainedTrap[]
const alike = (one: ExplainedTrap, other: ExplainedTrap): boolean =>
  (['id', 'applicationId', 'policyId', 'otherId'] as const).every((field) => one[field] === other[field])

const opened = (before: Set<string>, after: Set<string>): string[] =>
  [...after].filter((one) => !before.has(one))
const closed = (before: Set<string>, after: Set<string>): string[] => opened(after, before)

/** The sentence before a command says what it does to requests. */
const SAYS = {
  nothing: /which opens and closes nothing$|closes nothing that is open now$/,
  opens: /^To let it in/,
  closes: /^To keep out|^To make it count|^To leave only|to close it for the others$/,
}

/** More by hand: each run takes about a fifth of a second. */
const RUNS = Number(process.env['RANDOM_RUNS'] ?? 12)

it('whatever an account is: each command against a trap runs, removes it, and changes only what it says', async () => {
  const met = new Map<string, number>()
  const property = fc.asyncProperty(accounts, fc.nat(), async (account, choice) => {
    await begin(account)
    const found = [...(await trapsAt('Git')), ...(await trapsAt('Api'))]
    const ways = found.flatMap((trap) =>
      trap.remedies.flatMap(({what, command}) => (command === null ? [] : [{trap, what, command}])),
    )
    // What was met least.
    const times = ({trap}: (typeof ways)[number]): number => met.get(trap.id) ?? 0
    const least = Math.min(...ways.map(times))
    const some = ways.filter((one) => times(one) === least)
    const way = some[choice % Math.max(1, some.length)]
    if (!way) return
    const {trap, what, command} = way
    met.set(trap.id, (met.get(trap.id) ?? 0) + 1)
    const before = probe()
    await made(command)
    const after = probe()
    const said = `${trap.id}: ${what}: ${command}`
    const kind = Object.entries(SAYS).find(([, words]) => words.test(what))?.[0]
    expect(kind, what).toBeDefined()
    const named = opened(before, after).filter((one) => !trap.tokenIds.includes(one.split(' ')[0] ?? ''))
    expect(kind === 'opens' ? named : opened(before, after), said).toEqual([])
    if (kind !== 'closes') expect(closed(before, after), said).toEqual([])
    const left = [...(await trapsAt('Git')), ...(await trapsAt('Api'))].filter((one) => alike(one, trap))
    // One command takes one of several tokens out; one that lets in leaves the name where it does not count.
    const fewer = left.every(({tokenIds}) => tokenIds.length < trap.tokenIds.length)
    expect(left.length === 0 || (trap.tokenIds.length > 1 && fewer), said).toBe(true)
  })
  const EVERY = ['token-under-allow', 'group-under-allow', 'empty-include', 'never-holds', 'idle-tokens', 'unreachable-rule', 'rule-after-everyone', 'condition-gone-past', 'block-too-late', 'any-valid-token', 'shadowed-by-path'] // prettier-ignore
  await untilCovered(
    () => fc.assert(property, {numRuns: RUNS, endOnFailure: true}),
    // Each trap has its row in traps.test.ts; a long run meets them all here too.
    () => (RUNS < 500 && met.size > 3 ? [] : EVERY.filter((id) => !met.has(id))),
  )
})

it('whatever an account is: the command for a token that is not admitted runs, admits it there, and opens nothing else', async () => {
  let tried = 0
  const property = fc.asyncProperty(accounts, fc.constantFrom(...TOKENS), async (account, name) => {
    await begin(account)
    const {causes} = (await asked(`zt app explain Git --token ${name}`)) as unknown as {
      causes: {id: string; certain: boolean; next: string[]}[]
    }
    const commands = causes.flatMap((cause) =>
      cause.next
        .filter((one) => /^zt (app add-rule|token (enable|refresh)) /.test(one))
        .map((line) => ({cause, line})),
    )
    const [first] = commands
    if (!first) return
    tried += 1
    const {cause, line} = first
    const before = probe()
    await made(line)
    const after = probe()
    const others = opened(before, after).filter((one) => !one.startsWith(`${name} `))
    expect(others, line).toEqual([])
    if (cause.id.startsWith('rule-')) {
      expect(
        opened(before, after).filter((one) => !one.startsWith(`${name} Git `)),
        line,
      ).toEqual([])
      if (name !== 'off') for (const from of ADDRESSES) expect(after, line).toContain(`${name} Git ${from}`)
    }
    const left = (await asked(`zt app explain Git --token ${name}`)) as unknown as {causes: {id: string}[]}
    expect(
      left.causes.map(({id}) => id),
      line,
    ).not.toContain(cause.id)
  })
  await untilCovered(
    () => fc.assert(property, {numRuns: RUNS, endOnFailure: true}),
    () => (tried > 0 ? [] : ['a command']),
  )
})

it('whatever an account is: token reach, app explain --all and the edge say the same of who gets in', async () => {
  const met = new Set<string>()
  const property = fc.asyncProperty(accounts, async (account) => {
    await begin(account)
    const inside = probe()
    const whole = new Map<
      string,
      {tokens: {name: string; admitted: string}[]; everyone: {admitted: string}}
    >()
    for (const app of Object.keys(HOSTS))
      whole.set(app, (await asked(`zt app explain ${app} --all`))['admission'] as never)
    for (const name of TOKENS) {
      const reach = (await asked(`zt token reach ${name}`)) as unknown as {
        opens: {application: {name: string}; reach: 'yes' | 'conditional'}[]
      }
      for (const [app, admission] of whole) {
        const ways = reach.opens.filter((one) => one.application.name === app)
        const byRules = ways.some((one) => one.reach === 'yes')
          ? 'yes'
          : ways.length > 0
            ? 'conditional'
            : 'no'
        const said = admission.tokens.find((one) => one.name === name)?.admitted
        // What a disabled token would open is said by its rules, and who gets in by its state.
        expect(said, `${name} ${app}`).toBe(name === 'off' ? admission.everyone.admitted : byRules)
        const from = ADDRESSES.filter((one) => inside.has(`${name} ${app} ${one}`))
        if (said === 'yes') expect(from, `${name} ${app}`).toEqual(ADDRESSES)
        if (said === 'no') expect(from, `${name} ${app}`).toEqual([])
        met.add(String(said))
      }
    }
  })
  await untilCovered(
    () => fc.assert(property, {numRuns: Math.ceil(RUNS / 4), endOnFailure: true}),
    () => ['yes', 'conditional', 'no'].filter((one) => !met.has(one)),
  )
})
