import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {untilCovered} from '../../support/covering.js'
import {accounts, ADDRESSES, HOSTS, opened, probe, seedOf, TOKENS} from '../../support/random-account.js'
import {RefusalWorld} from '../../support/refusal-world.js'

// Random accounts with a record of their use: what the audit proposes is run, and the edge is asked before and after.

const ago = (days: number): string => new Date(Date.now() - days * 24 * 3600_000).toISOString()

let world: RefusalWorld
beforeAll(async () => {
  world = await RefusalWorld.open()
})
afterAll(() => world.end())

/** What the record and the tokens say of use: days ago. */
const uses = fc.record({
  events: fc.array(
    fc.record({
      name: fc.constantFrom(...TOKENS),
      app: fc.constantFrom(...(Object.keys(HOSTS) as (keyof typeof HOSTS)[])),
      rule: fc.nat(3),
      days: fc.constantFrom(1, 20, 60),
    }),
    {maxLength: 5},
  ),
  seen: fc.tuple(...TOKENS.map(() => fc.option(fc.constantFrom(1, 200), {nil: undefined}))),
  age: fc.constantFrom(300, 300, 300, 10),
  ends: fc.tuple(...TOKENS.map(() => fc.constantFrom(undefined, undefined, undefined, -5, 5))),
})
type Uses = typeof uses extends fc.Arbitrary<infer T> ? T : never

function use({events, seen, age, ends}: Uses): void {
  const {data} = world.state
  const objects: JsonObject[] = [...data.apps, ...data.policies, ...data.inlinePolicies, ...data.groups]
  for (const one of [...objects, ...data.serviceTokens.map(({object}) => object)])
    Object.assign(one, {created_at: ago(age), updated_at: ago(age)})
  for (const [at, name] of TOKENS.entries()) {
    const token = data.serviceTokens.find(({object}) => object['id'] === name)
    const [last, end] = [seen[at], ends[at]]
    if (last !== undefined) Object.assign(token?.object ?? {}, {last_seen_at: ago(last)})
    if (end !== undefined) Object.assign(token?.object ?? {}, {expires_at: ago(-end)})
  }
  for (const {name, app, rule, days} of events) {
    const own = data.inlinePolicies.some(({id}) => id === `own-${app}-${rule}`)
    world.state.recordEvent({
      ...{at: Date.now() - days * 24 * 3600_000, ray: '8f1e2d3c4b5a6978', appId: `app-${app}`},
      ...{policyId: own ? `own-${app}-${rule}` : `policy-${rule}`, tokenId: name, admitted: true, session: false},
      ...{kind: 'attempt', ip: ADDRESSES[0] ?? '', country: 'DE'},
    })
  }
} // prettier-ignore

interface Found {
  kind: string
  token: {id: string} | null
  rule: {id: string} | null
  application: {id: string} | null
  group: {id: string} | null
  trap: string | null
  why: string
  next: string[]
  closes: {token: {name: string} | null; application: {name: string}}[]
}

async function audited(): Promise<Found[]> {
  const {stdout, stderr} = await world.run('zt token audit --json')
  return (JSON.parse(stdout || stderr) as {findings: Found[]}).findings
}

const alike = (one: Found, other: Found): boolean =>
  one.kind === other.kind &&
  (['token', 'rule', 'application', 'group'] as const).every((part) => one[part]?.id === other[part]?.id)

/** More by hand: each run takes about a tenth of a second. */
const RUNS = Number(process.env['RANDOM_RUNS'] ?? 12)
/** Commands that only show something, and one that needs a secret. */
const SHOWS = /^zt (app explain|token import) /

/** Commands that ask first. */
const ASKS = /^zt (app|policy|group|token revoke) /

it('whatever an account is and was used for: what the audit proposes runs, removes the finding, opens nothing, and closes what it says', async () => {
  const met = new Map<string, number>()
  const property = fc.asyncProperty(accounts, uses, fc.nat(), async (account, used, choice) => {
    await world.begin(seedOf(account), undefined, 'git.example.com')
    use(used)
    await world.enforce()
    const found = (await audited()).filter(({next}) => next.length > 0 && !next.some((one) => SHOWS.test(one)))
    const times = ({kind}: Found): number => met.get(kind) ?? 0
    const least = Math.min(...found.map(times))
    const some = found.filter((one) => times(one) === least)
    const one = some[choice % Math.max(1, some.length)]
    if (!one) return
    met.set(one.kind, times(one) + 1)
    const said = `${one.kind}: ${one.why}\n${one.next.join('\n')}`
    const before = probe(world)
    for (const line of one.next) {
      const {exitCode, stdout, stderr} = await world.run(ASKS.test(line) ? `${line} --yes` : line)
      expect(exitCode, `${said}\n${stdout}${stderr}`).toBe(0)
    }
    const after = probe(world)
    // A token that has ended counts as none: it is not excluded either.
    const ofToken = one.next.some((line) => line.startsWith('zt token '))
    expect(
      opened(before, after).filter((who) => !ofToken || !who.startsWith(`${one.token?.id ?? ''} `)),
      said,
    ).toEqual([])
    const isSaid = (who: string): boolean => {
      const [name, app] = who.split(' ')
      if (ofToken) return name === one.token?.id
      return one.closes.some(
        ({token, application}) =>
          application.name === app && (token ? token.name === name : name !== 'no one'),
      )
    }
    expect(opened(after, before).filter((who) => !isSaid(who)), said).toEqual([])
    expect((await audited()).filter((left) => alike(left, one)), said).toEqual([])
  }) // prettier-ignore
  const EVERY = ['expired', 'expiring', 'unused', 'referenced-never-used', 'never-used', 'disabled', 'unreferenced', 'unused-rule', 'unused-in-rule', 'unused-in-group'] // prettier-ignore
  await untilCovered(
    () => fc.assert(property, {numRuns: RUNS, endOnFailure: true}),
    () => (RUNS < 500 && met.size > 3 ? [] : EVERY.filter((kind) => !met.has(kind))),
  )
})
