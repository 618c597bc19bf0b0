import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {KEPT_DAYS, lastSeconds, readRecord, serverTime} from '../../../src/lib/access/activity/record.js'
import {readUsage} from '../../../src/lib/access/activity/usage.js'
import type {AccessApi} from '../../../src/lib/api/types.js'
import {ApiError, UserError} from '../../../src/lib/core/errors.js'
import {recordOf, type Happened, type RecordLimits} from '../../support/recorded-events.js'

const NOW = Date.parse('2026-11-28T02:43:00Z')
const DAY = 24 * 3600_000
const TOKENS = ['token-a', 'token-b', 'token-c']

function worldOf(happened: readonly Happened[], limits: Partial<RecordLimits> = {}) {
  const record = recordOf(happened, {now: NOW, ...limits})
  const api = record as unknown as AccessApi
  const steps: string[] = []
  const ctx = {
    clock: {now: () => NOW},
    progress: {step: (text: string) => steps.push(text)},
    api: () => Promise.resolve(api),
  } as unknown as AccessContext
  return {ctx, api, steps, queries: record.queries}
}

/** Requests of three tokens at two applications, up to 100 days ago. */
const happened = fc.array(
  fc.record({
    at: fc.integer({min: 0, max: 100 * DAY}).map((ago) => NOW - ago),
    tokenId: fc.constantFrom(...TOKENS),
    applicationId: fc.constantFrom('app-1', 'app-2'),
    policyId: fc.constantFrom('rule-1', undefined),
    allowed: fc.boolean(),
  }),
  {maxLength: 60},
)

/** The same counts without windows or groups. */
function countedFrom(
  events: readonly Happened[],
  since: number,
  tokenId?: string,
): Record<string, {count: number; last: string}> {
  const counts: Record<string, {count: number; last: string}> = {}
  for (const {at, ...one} of events) {
    if (at < since || (tokenId !== undefined && one.tokenId !== tokenId)) continue
    const key = [one.tokenId, one.applicationId, one.policyId, one.allowed].join(' ')
    const day = new Date(at).toISOString().slice(0, 10)
    const row = (counts[key] ??= {count: 0, last: day})
    row.count++
    if (day > row.last) row.last = day
  }
  return counts
}

describe('the use of service tokens', () => {
  it('is counted exactly, however the record is cut into queries', async () => {
    await fc.assert(
      fc.asyncProperty(
        happened,
        fc.integer({min: 1, max: 89}),
        fc.option(fc.constantFrom(...TOKENS), {nil: undefined}),
        fc.integer({min: 6, max: 20}),
        fc.constantFrom(7 * DAY, 2 * DAY),
        async (events, days, tokenId, most, widest) => {
          const {ctx, queries} = worldOf(events, {most, widest})
          const usage = await readUsage(ctx, {seconds: (days * DAY) / 1000, tokenId})
          const rows = usage.rows.map((row): [string, object] => [
            [row.tokenId, row.applicationId, row.policyId, row.allowed].join(' '),
            {count: row.count, last: row.last},
          ])
          expect(Object.fromEntries(rows)).toEqual(countedFrom(events, NOW - days * DAY, tokenId))
          expect(new Set(rows.map(([key]) => key)).size).toBe(rows.length)
          expect(usage.incomplete).toBeUndefined()
          for (const {since, until} of queries) expect(until).toBeGreaterThan(since)
        },
      ),
      {numRuns: 200},
    )
  })

  it('is read a week at a time, the newest first, and says where it is', async () => {
    const {ctx, queries, steps} = worldOf([])
    await readUsage(ctx, {seconds: (90 * DAY) / 1000})
    expect(queries).toHaveLength(13)
    for (const [at, {since, until}] of queries.entries()) {
      expect(until - since).toBeLessThanOrEqual(7 * DAY)
      const newer = queries[at - 1]
      if (newer) expect(until).toBe(newer.since)
    }
    expect(queries[0]?.until).toBeGreaterThanOrEqual(NOW)
    expect(steps.slice(0, 2)).toEqual([
      "Reading Access's record since 2026-11-21",
      "Reading Access's record since 2026-11-14",
    ])
  })

  it.each<[string, number, Partial<RecordLimits>, string | undefined]>([
    ['90 days are whole', 90, {}, undefined],
    ['a year is too old', 365, {}, 'Cloudflare keeps the events of the last 90 days.'],
    ['an account that keeps less', 60, {keptDays: 31}, 'Cloudflare keeps the events of the last 31 days.'],
    [
      'an account that keeps less than a week',
      60,
      {keptDays: 3},
      'Cloudflare keeps the events of the last 3 days.',
    ],
    ['enough for what is asked', 2, {keptDays: 3}, undefined],
  ])('says what it goes back to: %s', async (_, days, limits, incomplete) => {
    const kept = Math.min(limits.keptDays ?? KEPT_DAYS, days)
    const old: Happened = {at: NOW - kept * DAY + 5 * 60_000, tokenId: 'token-a', applicationId: 'app-1'}
    const {ctx} = worldOf([old, {...old, at: NOW - 1000}], limits)
    const usage = await readUsage(ctx, {seconds: (days * DAY) / 1000})
    expect(usage).toMatchObject({incomplete, rows: [{count: 2}]})
    expect(Math.abs(Date.parse(usage.since) - (NOW - kept * DAY))).toBeLessThanOrEqual(60_000)
  })

  it('is read in parts as long as Cloudflare says that a query may be', async () => {
    const each = Array.from({length: 90 * 2}, (_, half): Happened => ({
      at: NOW - half * DAY * 0.5 - 1000,
      tokenId: 'token-a',
      applicationId: 'app-1',
    }))
    const {ctx, queries} = worldOf(each, {widest: DAY / 2, says: true})
    const usage = await readUsage(ctx, {seconds: (90 * DAY) / 1000})
    expect(usage).toMatchObject({incomplete: undefined, rows: [{count: 180}]})
    // One refusal for each week; halves would take more queries than zt sends.
    expect(queries).toHaveLength(13 + 2 * 90)
  })

  it('says that hours are missing which have more than a query returns', async () => {
    const many = Array.from({length: 9}, (_, at): Happened => ({
      at: NOW - 60_000,
      tokenId: `t${at}`,
      applicationId: 'a',
    }))
    const {ctx, queries} = worldOf(many, {most: 4})
    const usage = await readUsage(ctx, {seconds: (7 * DAY) / 1000})
    expect(usage.incomplete).toBe('Some hours have more events than one query returns.')
    expect(usage.rows).toHaveLength(4)
    expect(queries.length).toBeLessThan(30)
  })

  it('ends after so many queries, and says what it has', async () => {
    const each = Array.from({length: 90 * 24}, (_, hour) =>
      ['x', 'y'].map((tokenId): Happened => ({
        at: NOW - hour * 3600_000 - 1000,
        tokenId,
        applicationId: 'a',
      })),
    ).flat()
    const {ctx, queries} = worldOf(each, {most: 2})
    const usage = await readUsage(ctx, {seconds: (90 * DAY) / 1000})
    expect(queries).toHaveLength(200)
    expect(usage.incomplete).toMatch(/more events than 200 queries return/)
    const since = Date.parse(usage.since)
    expect(since).toBeGreaterThan(NOW - 90 * DAY)
    expect(usage.rows.reduce((sum, {count}) => sum + count, 0)).toBeGreaterThan(0)
  })

  const failing = (error: Error) => {
    const world = worldOf([{at: NOW - 1000, tokenId: 't', applicationId: 'a'}])
    const {accessEvents} = world.api
    let calls = 0
    world.api.accessEvents = (query) => (calls++ === 1 ? Promise.reject(error) : accessEvents(query))
    return readUsage(world.ctx, {seconds: (90 * DAY) / 1000})
  }
  const refused = (kind: 'permission' | 'api', code: string) =>
    new ApiError({
      kind,
      code,
      message: 'Cannot read it',
      status: 403,
      missingPermissions: ['Account Analytics Read'],
    })

  it.each([
    [
      refused('permission', 'PERMISSION_MISSING'),
      'The API token lacks the permission "Account Analytics Read".',
    ],
    [refused('api', 'ANALYTICS_NOT_AVAILABLE'), 'Cannot read it.'],
  ])('is empty where it may not be read, and says why', async (error, incomplete) => {
    expect(await failing(error)).toMatchObject({rows: [], incomplete})
  })

  it.each([
    new ApiError({kind: 'unreachable', code: 'RATE_LIMITED', message: 'x', status: 429}),
    refused('permission', 'PERMISSION_UNCERTAIN'),
    refused('api', 'ANALYTICS_RANGE'),
    new UserError({kind: 'auth', code: 'NOT_LOGGED_IN', message: 'x'}),
  ])('fails for any other reason: $code', async (error) => {
    const world = worldOf([])
    world.api.accessEvents = () => Promise.reject(error)
    await expect(readUsage(world.ctx, {seconds: 600})).rejects.toBe(error)
  })
})

describe("the server's time", () => {
  it('is asked for once, where the API has not answered yet', async () => {
    let asked = 0
    const api = {
      clockAhead: () => (asked > 0 ? 3 * DAY : undefined),
      verifyToken: () => Promise.resolve(asked++),
    } as unknown as AccessApi
    const ctx = {clock: {now: () => NOW}}
    expect([await serverTime(ctx, api), await serverTime(ctx, api), asked]).toEqual([
      NOW + 3 * DAY,
      NOW + 3 * DAY,
      1,
    ])
  })
})

it('stops at the first query that has enough', async () => {
  const {ctx, api, queries} = worldOf([
    {at: NOW - 10 * DAY, ray: 'r'},
    {at: NOW - 60 * DAY, ray: 'r'},
  ])
  const range = lastSeconds((90 * DAY) / 1000, NOW)
  const found: string[] = []
  await readRecord(ctx, api, {by: 'requests', range, ray: 'r'}, (events) => {
    found.push(...events.map(({at}) => at))
    return events.length > 0 ? 'enough' : 'more'
  })
  expect(found).toEqual([new Date(NOW - 10 * DAY).toISOString()])
  expect(queries).toHaveLength(2)
})
