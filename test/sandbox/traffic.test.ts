import fs from 'node:fs/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {activityOf} from '../../src/lib/access/activity/activity.js'
import {auditTokens} from '../../src/lib/access/audit/read.js'
import {readUsage} from '../../src/lib/access/activity/usage.js'
import type {AccessContext} from '../../src/lib/access/account/context.js'
import {createAccessApi} from '../../src/lib/api/client.js'
import {Secret} from '../../src/lib/core/secret.js'
import {World} from '../support/access-world.js'
import {makeTraffic, POLICIES, UNUSED_POLICY, type Sent, type Traffic} from '../support/traffic.js'

const DAY = 24 * 3600_000
const REQUESTS = 10_000
const DAYS = 89

let traffic: Traffic
beforeAll(async () => {
  traffic = await makeTraffic({requests: REQUESTS, days: DAYS})
})
afterAll(async () => {
  await traffic.close()
  await fs.rm(traffic.directory, {recursive: true, force: true})
})

interface Group {
  count: number
  dimensions: Record<string, string | number>
}

const QUERY = (dimensions: readonly string[]): string => `
  query Groups($accountTag: string, $from: Time, $to: Time) {
    viewer {
      accounts(filter: {accountTag: $accountTag}) {
        accessLoginRequestsAdaptiveGroups(
          limit: 10000
          filter: {datetime_geq: $from, datetime_lt: $to, identityProvider: "nonidentity"}
        ) {
          count
          dimensions { ${dimensions.join(' ')} }
        }
      }
    }
  }`

async function groups(from: number, to: number, dimensions: readonly string[]): Promise<Group[]> {
  const {apiUrl, apiToken, accountId: accountTag} = traffic.info
  const [start, end] = [from, to].map((ms) => new Date(ms).toISOString())
  const answer = await fetch(`${apiUrl}/graphql`, {
    method: 'POST',
    headers: {authorization: `Bearer ${apiToken}`},
    body: JSON.stringify({query: QUERY(dimensions), variables: {accountTag, from: start, to: end}}),
  })
  const {data, errors} = (await answer.json()) as {
    data: {viewer: {accounts: {accessLoginRequestsAdaptiveGroups: Group[]}[]}}
    errors: unknown
  }
  expect(errors).toBeNull()
  return data.viewer.accounts[0]?.accessLoginRequestsAdaptiveGroups ?? []
}

/** From when to when each query asks: a week. */
function weeks(): [from: number, to: number][] {
  const all: [number, number][] = []
  for (let from = traffic.now - DAYS * DAY; from < traffic.now; from += 7 * DAY)
    all.push([from, Math.min(from + 7 * DAY, traffic.now)])
  return all
}

const FIELDS: Record<string, (sent: Sent) => string | number> = {
  serviceTokenId: ({tokenId}) => tokenId,
  appId: ({appId}) => appId,
  approvingPolicyId: ({policyId}) => policyId,
  country: ({country}) => country,
  date: ({at}) => new Date(at).toISOString().slice(0, 10),
  isSuccessfulLogin: ({admitted}) => (admitted ? 1 : 0),
}

function tallyOf(sent: readonly Sent[], names: readonly string[]): Record<string, number> {
  const tally: Record<string, number> = {}
  for (const one of sent) {
    const key = JSON.stringify(names.map((name) => FIELDS[name]?.(one)))
    tally[key] = (tally[key] ?? 0) + 1
  }
  return tally
}

async function tallyByQuery(names: readonly string[]): Promise<Record<string, number>> {
  const tally: Record<string, number> = {}
  for (const [from, to] of weeks())
    for (const {count, dimensions} of await groups(from, to, names)) {
      const key = JSON.stringify(names.map((name) => dimensions[name]))
      tally[key] = (tally[key] ?? 0) + count
    }
  return tally
}

describe('the record of 10,000 requests of 50 service tokens on 89 days', () => {
  it('is what was sent, by token, application, rule, country and day together', async () => {
    const attempts = traffic.sent.filter(({attempt}) => attempt)
    expect([traffic.sent.length, new Set(attempts.map(({tokenId}) => tokenId)).size]).toEqual([REQUESTS, 51])
    const names = Object.keys(FIELDS)
    expect(await tallyByQuery(names)).toEqual(tallyOf(attempts, names))
  })

  it.each(Object.keys(FIELDS))('is what was sent, by %s alone', async (name) => {
    expect(await tallyByQuery([name])).toEqual(
      tallyOf(
        traffic.sent.filter(({attempt}) => attempt),
        [name],
      ),
    )
  })

  it('has every rule but the one that no request could use', async () => {
    const rules = Object.keys(await tallyByQuery(['approvingPolicyId'])).map(
      (key) => JSON.parse(key) as string[],
    )
    const used = POLICIES.filter((id) => id !== UNUSED_POLICY && id !== 'people-staff')
    expect(rules.flat().sort()).toEqual(['', ...used].sort())
  })

  it('is, with a sample of one in ten, an estimate that is off by less than ten in each week', async () => {
    const exact = await Promise.all(weeks().map(([from, to]) => groups(from, to, ['identityProvider'])))
    await traffic.change({analytics_sampling: 10})
    const estimates = await Promise.all(weeks().map(([from, to]) => groups(from, to, ['identityProvider'])))
    await traffic.change({analytics_sampling: 1})
    const off = estimates.map(([one], i) => (one?.count ?? 0) - (exact[i]?.[0]?.count ?? 0))
    expect(off.filter((difference) => Math.abs(difference) >= 10)).toEqual([])
    expect(estimates.flat().every(({count}) => count % 10 === 0)).toBe(true)
  })
})

describe('zt on that record', () => {
  let world: World
  let ctx: AccessContext
  beforeAll(async () => {
    world = await World.open()
    const {apiUrl, apiToken, accountId} = traffic.info
    const api = createAccessApi({apiUrl, apiToken: new Secret(apiToken), accountId, userAgent: 'zt-test'})
    ctx = {...world.ctx, apiUrl, accountId, clock: {now: () => traffic.now}, api: () => Promise.resolve(api)}
  })
  afterAll(() => world.end())

  const SECONDS = (DAYS * DAY) / 1000
  const ofTokens = (): Sent[] => traffic.sent.filter(({tokenId}) => tokenId !== '')
  const count = (sent: readonly Sent[], admitted: boolean): number =>
    sent.filter((one) => one.admitted === admitted).length

  it('counts what each service token sent, by application and rule', async () => {
    const {rows, incomplete} = await readUsage(ctx, {seconds: SECONDS})
    expect(incomplete).toBeUndefined()
    const found = rows.map(({tokenId, applicationId, policyId = '', allowed, count: times}) => [
      JSON.stringify([tokenId, applicationId, policyId, allowed ? 1 : 0]),
      times,
    ])
    const names = ['serviceTokenId', 'appId', 'approvingPolicyId', 'isSuccessfulLogin']
    expect(Object.fromEntries(found)).toEqual(tallyOf(ofTokens(), names))
  })

  it('shows the activity of one, by place and day too', async () => {
    const sent = ofTokens().filter(({tokenId}) => tokenId === 'token-3')
    const {total, days, places, rules} = await activityOf(ctx, 'machine-3', SECONDS)
    expect(total).toMatchObject({allowed: count(sent, true), refused: count(sent, false)})
    const perDay = days.filter(({allowed, refused}) => allowed + refused > 0)
    expect(
      Object.fromEntries(perDay.map(({day, allowed, refused}) => [JSON.stringify([day]), allowed + refused])),
    ).toEqual(tallyOf(sent, ['date']))
    expect(
      Object.fromEntries(
        places.map(({country, allowed, refused}) => [JSON.stringify([country]), allowed + refused]),
      ),
    ).toEqual(tallyOf(sent, ['country']))
    expect(
      rules
        .map(({rule}) => rule?.name)
        .filter(Boolean)
        .sort(),
    ).toEqual([...new Set(sent.map(({policyId}) => policyId))].filter(Boolean).sort())
  })

  it('proposes to remove the rule that was not used, and none that was', async () => {
    const {findings, notChecked} = await auditTokens(ctx, {expiringSeconds: 0, unusedSeconds: SECONDS})
    const proposed = findings.filter(({kind}) => kind.startsWith('unused'))
    expect(proposed.map(({kind, subject, closes}) => [kind, subject.rule?.id, closes.length])).toEqual([
      ['unused-rule', UNUSED_POLICY, 10],
    ])
    expect(proposed[0]?.next).toEqual([`zt app remove-rule named ${UNUSED_POLICY}`])
    for (const {token, application} of proposed.flatMap(({closes}) => closes))
      expect(
        traffic.sent.filter((one) => one.tokenId === token?.id && one.appId === application.id),
        'it closes what was used',
      ).toEqual([])
    expect(notChecked.flatMap(({kinds}) => kinds).filter((kind) => kind.startsWith('unused'))).toEqual([])
  })

  it('proposes no rule that may have been used where the record does not name the rules, and says so', async () => {
    await traffic.change({recorded_policy: false})
    const {findings, notChecked} = await auditTokens(ctx, {expiringSeconds: 0, unusedSeconds: SECONDS})
    await traffic.change({recorded_policy: true})
    // None of its tokens was let in to that application by any rule.
    const proposed = findings.filter(({kind}) => kind.startsWith('unused'))
    expect(new Set(proposed.map(({kind, subject}) => `${kind} ${subject.rule?.id ?? ''}`))).toEqual(
      new Set([`unused-in-rule ${UNUSED_POLICY}`]),
    )
    expect(JSON.stringify(findings)).not.toContain('it let none in')
    expect(notChecked.map(({why}) => why)).toContain(
      'Service tokens were let into any, grouped, named by rules that were removed since, or that the record does not name.',
    )
  })
})
