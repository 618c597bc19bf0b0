import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {endPrevious} from '../../../src/lib/access/tokens/previous-secret.js'
import type {AccessApi, ServiceToken} from '../../../src/lib/api/types.js'
import {UserError} from '../../../src/lib/core/errors.js'

const START = Date.UTC(2026, 9, 1)
const SECOND = 1000

interface World {
  /** How far Cloudflare's clock is ahead of this machine's, in milliseconds. */
  ahead: number
  /** When the token was last changed, before this command reads it. */
  phase: number
  since: number
  /** How long each request and each answer takes. */
  way: number
  /** The times that the API shows: in whole seconds, or not. */
  fractions: boolean
  /** Cloudflare confirms the change and does not make it. */
  ignores: boolean
  /** The API's answers have no Date header. */
  dateless: boolean
}

/** Ends the previous secret of a token at an API with a clock of its own; time passes only in it and in sleep. */
async function end(world: World): Promise<{error: unknown; slept: number[]; sent: number[]}> {
  const {ahead, phase, since, way, fractions, ignores, dateless} = world
  let now = START + phase + since - ahead
  const server = (): number => now + ahead
  const shown = (time: number): string =>
    new Date(fractions ? time : Math.floor(time / SECOND) * SECOND).toISOString()
  const token = {id: 'ci', clientId: 'ci.access', name: 'ci', updatedAt: shown(START + phase)} as ServiceToken
  let clockAhead: number | undefined
  const slept: number[] = []
  const sent: number[] = []
  const asked = async <T>(answer: () => T): Promise<T> => {
    await Promise.resolve()
    now += way
    const result = answer()
    const date = Math.floor(server() / SECOND) * SECOND
    now += way
    clockAhead = dateless ? undefined : date - now
    return result
  }
  const api = {
    clockAhead: () => clockAhead,
    getServiceToken: () => asked(() => ({...token})),
    updateServiceToken: () =>
      asked(() => {
        sent.push(server())
        if (!ignores) token.updatedAt = shown(server())
        return {...token}
      }),
  } as unknown as AccessApi
  const ctx = {
    profile: 'default',
    profileNamed: false,
    clock: {now: () => now},
    sleep: (milliseconds: number) => {
      slept.push(milliseconds)
      now += milliseconds
      return Promise.resolve()
    },
  } as unknown as AccessContext
  const before = await api.getServiceToken('ci')
  const error = await endPrevious(ctx, api, before).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return {error, slept, sent}
}

const worlds = fc.record({
  ahead: fc.integer({min: -100_000, max: 100_000}),
  phase: fc.integer({min: 0, max: 999}),
  since: fc.oneof(fc.integer({min: 0, max: 4000}), fc.integer({min: 0, max: 1_000_000})),
  way: fc.integer({min: 0, max: 1000}),
  fractions: fc.boolean(),
})
const NEAR = {ahead: 0, phase: 200, since: 0, way: 1, fractions: false, ignores: false, dateless: false}

describe('the end of a previous secret', () => {
  it('is moved once the change will show, and confirmed, whatever the clocks say', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const {error, sent, slept} = await end({...world, ignores: false, dateless: false})
        expect(error).toBeUndefined()
        expect(sent).toHaveLength(1)
        if (world.fractions && world.phase > 0) expect(slept).toEqual([])
        // In another second than the previous change.
        else expect(sent[0]).toBeGreaterThanOrEqual(START + SECOND)
      }),
    )
  })

  it('is never taken for moved where Cloudflare confirms it and does nothing', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const {error} = await end({...world, ignores: true, dateless: false})
        expect(error).toMatchObject({code: 'CHANGE_NOT_SEEN'})
        expect(error).toBeInstanceOf(UserError)
      }),
    )
  })

  it('waits less than two seconds after a change of a moment ago, and not at all after an older one', async () => {
    const {slept} = await end(NEAR)
    expect(slept).toHaveLength(1)
    expect(slept[0]).toBeLessThan(2 * SECOND)
    expect((await end({...NEAR, since: 5 * SECOND})).slept).toEqual([])
  })

  it('waits longer if the API does not say what time it is', async () => {
    const {slept, error} = await end({...NEAR, dateless: true})
    expect([slept.length, error]).toEqual([1, undefined])
    expect(slept[0]).toBeGreaterThan(2 * SECOND)
  })
})
