import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Pace} from '../../src/lib/api/pace.js'
import type {Pause, Plan} from '../../src/lib/api/types.js'

const PATIENCE = 60
const MINUTE = 60_000
const WINDOW = 5 * MINUTE

/** A pace whose time passes only while it sleeps, and what it said. */
class Run {
  time = 0
  readonly sent: number[] = []
  readonly plans: Plan[] = []
  readonly pauses: Pause[] = []
  readonly pace: Pace

  constructor(more: {limited?: boolean; patienceSeconds?: number} = {}) {
    this.pace = new Pace({
      limited: true,
      ...more,
      now: () => this.time,
      sleep: (milliseconds) => {
        this.time += milliseconds
        return Promise.resolve()
      },
      onPlan: (plan) => this.plans.push(plan),
      onWait: (pause) => this.pauses.push(pause),
    })
  }

  async send(count: number, heard?: () => Record<string, string>): Promise<void> {
    for (let at = 0; at < count; at++) {
      await this.pace.turn(PATIENCE)
      this.sent.push(this.time)
      if (heard) this.pace.heard(new Headers(heard()))
    }
  }

  /** The most requests in any five minutes. */
  get most(): number {
    let from = 0
    return this.sent.reduce((most, time, at) => {
      while ((this.sent[from] ?? time) <= time - WINDOW) from++
      return Math.max(most, at - from + 1)
    }, 0)
  }
}

const header = (left: number, seconds: number, of = 1200): Record<string, string> => ({
  ratelimit: `"default";r=${left};t=${seconds}`,
  'ratelimit-policy': `"default";q=${of};w=300`,
})

describe('a run that needs more requests than the limit', () => {
  it('says so before it goes on, and takes about as long as it said, with room for others in any five minutes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 1, max: 1000}),
        fc.integer({min: 1001, max: 12_000}),
        async (before, planned) => {
          const run = new Run()
          await run.send(before)
          const [expected, began] = [run.pace.expecting(), run.time]
          expected(planned)
          expect(run.plans).toHaveLength(1)
          for (let left = planned; left > 0; left--) {
            expected(left)
            await run.send(1)
          }
          expected(0)
          expect(run.most).toBeLessThanOrEqual(1000)
          const [said = 0, took] = [run.plans[0]?.seconds, (run.time - began) / 1000]
          expect(said).toBeLessThanOrEqual(took + 2)
          expect(took).toBeLessThanOrEqual(said + 2)
          expect(run.plans).toHaveLength(1)
        },
      ),
      {numRuns: 10},
    )
  })

  it.each([
    ['1,000 from the start', 0, 1000, undefined],
    ['one more than that', 0, 1001, 301],
    ['10,000', 0, 10_000, 3000],
    ['what the first requests left no room for', 900, 101, 301],
  ])('%s', async (_, before, planned, seconds) => {
    const run = new Run()
    await run.send(before)
    run.pace.expecting()(planned)
    expect(run.plans.map((plan) => plan.seconds)).toEqual(seconds === undefined ? [] : [seconds])
  })

  it('is the sum of its lists, and is announced again only if it grows to more than double', () => {
    const run = new Run()
    const [one, other] = [run.pace.expecting(), run.pace.expecting()]
    one(600)
    other(600)
    one(1800)
    expect(run.plans.map(({requests}) => requests)).toEqual([1200])
    one(1900)
    expect(run.plans.map(({requests}) => requests)).toEqual([1200, 2500])
  })

  it('announces no more than a bound, whatever the server counts', () => {
    const run = new Run()
    run.pace.expecting()(Number.MAX_SAFE_INTEGER)
    run.pace.expecting()(Infinity)
    expect(run.plans.map(({requests}) => requests)).toEqual([1_000_000])
  })

  it('does not wait if zt was set not to, and says that', async () => {
    const run = new Run({patienceSeconds: 0})
    run.pace.expecting()(5000)
    await run.send(1300)
    expect(run.plans[0]?.waits).toBe(false)
    expect(run.time).toBe(0)
  })

  it('shares one plan with every request of the same API token, also those that are sent at the same time', async () => {
    const run = new Run()
    run.pace.expecting()(2000)
    await Promise.all(Array.from({length: 4}, () => run.pace.turn(PATIENCE)))
    expect(run.time).toBeGreaterThanOrEqual(3 * 300)
  })
})

describe('what the server says of its limit', () => {
  it.each<[string, Record<string, string>, number]>([
    ['enough is left', header(201, 30), 0],
    ['the margin is reached', header(200, 30), 30_000],
    ['nothing is left', header(0, 12), 12_000],
    ['longer than zt waits', header(0, 290), 60_000],
    ['its own limit is small, and enough of it is left', header(11, 30, 60), 0],
    ['its own limit is small, and the margin is reached', header(10, 30, 60), 30_000],
    ['several limits, of which one is reached', {ratelimit: '"a";r=500;t=9, "b";r=1;t=20'}, 20_000],
    ['a time that is too long', header(0, 601), 0],
    ['no numbers', {ratelimit: '"default";r=-1;t=x', 'ratelimit-policy': 'default;q=0;w=0'}, 0],
    ['too long a header', {ratelimit: `"${'x'.repeat(1000)}";r=0;t=30`}, 0],
    ['more limits than there are', {ratelimit: `${'"x";r=500;t=1,'.repeat(10)}"y";r=0;t=30`}, 0],
  ])('%s: the next request waits so long', async (_, headers, waited) => {
    const run = new Run()
    await run.send(1, () => headers)
    await run.send(1)
    expect(run.time).toBe(waited)
    expect(run.pauses.filter(({left}) => left === 0)).toHaveLength(waited === 0 ? 0 : 1)
  })

  it('is not renewed by an answer that says nothing of it', async () => {
    const run = new Run()
    run.pace.heard(new Headers(header(0, 30)))
    run.pace.heard(new Headers({}))
    await run.send(1)
    expect(run.time).toBe(30_000)
  })

  it('is replaced by what the next answer says', async () => {
    const run = new Run()
    run.pace.heard(new Headers(header(0, 30)))
    run.pace.heard(new Headers(header(1000, 30)))
    await run.send(1)
    expect(run.time).toBe(0)
  })

  it.each([
    ['has room', 300, 100, undefined],
    // 100 of them at once, and 20 more when the limit is over.
    ['has too little room', 300, 120, 40 + 6],
    ['has none', 200, 20, 40 + 6],
  ])('%s for what is still to come: a run says so', (_, left, planned, seconds) => {
    const run = new Run()
    run.pace.heard(new Headers(header(left, 40)))
    run.pace.expecting()(planned)
    expect(run.plans.map((plan) => plan.seconds)).toEqual(seconds === undefined ? [] : [seconds])
  })

  it('limits a sandbox too, which has no limit otherwise', async () => {
    const free = new Run({limited: false})
    free.pace.expecting()(100_000)
    await free.send(3000)
    expect([free.time, free.plans]).toEqual([0, []])
    const limited = new Run({limited: false})
    await limited.send(1, () => header(1199, 300))
    limited.pace.expecting()(2000)
    expect(limited.plans).toHaveLength(1)
  })
})
