import {describe, expect, it} from 'vitest'
import {
  isUnrotated,
  rotationOutcome,
  type SecretState,
} from '../../../src/lib/access/tokens/rotation-outcome.js'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const state = (secretVersion?: number, second?: number): SecretState => ({
  secretVersion,
  updatedAt: second === undefined ? undefined : at(second),
})

describe('what a rotation came to', () => {
  it.each<[string, SecretState, SecretState, SecretState, string]>([
    ['counted, once', state(1, 0), state(2, 5), state(2, 5), 'once'],
    ['counted, and renamed since', state(1, 0), state(2, 5), state(2, 9), 'once'],
    ['delivered twice, and the first answer', state(1, 0), state(2, 5), state(3, 6), 'overtaken'],
    ['delivered twice, and the second answer', state(1, 0), state(3, 6), state(3, 6), 'again'],
    ['delivered three times, and the first answer', state(1, 0), state(2, 5), state(4, 7), 'lost'],
    ['not shown yet', state(1, 0), state(2, 5), state(1, 0), 'unseen'],
    ['an answer from before', state(2, 0), state(2, 0), state(3, 5), 'unseen'],
    ['shown by a server that is behind', state(1, 0), state(3, 6), state(2, 5), 'unseen'],
    ['an answer that does not count, once', state(1, 0), state(undefined, 5), state(2, 5), 'once'],
    ['an answer that does not count, the second', state(1, 0), state(undefined, 6), state(3, 6), 'again'],
    ['an answer that does not count, the first', state(1, 0), state(undefined, 5), state(3, 6), 'changed'],
    ['an answer that tells nothing, once', state(1), state(), state(2), 'once'],
    ['not counted, once', state(undefined, 0), state(undefined, 5), state(undefined, 5), 'once'],
    [
      'not counted, and changed since',
      state(undefined, 0),
      state(undefined, 5),
      state(undefined, 6),
      'changed',
    ],
    ['not counted, not shown yet', state(undefined, 0), state(undefined, 5), state(undefined, 0), 'unseen'],
    ['Cloudflare does not say', state(), state(), state(), 'once'],
  ])('%s', (_, before, made, now, outcome) => {
    expect(rotationOutcome(before, made, now)).toBe(outcome)
  })

  it.each<[SecretState, SecretState, boolean | undefined]>([
    [state(1, 0), state(1, 9), true],
    [state(1, 0), state(2, 0), false],
    [state(undefined, 0), state(undefined, 0), true],
    [state(undefined, 0), state(undefined, 1), false],
    [state(), state(), undefined],
  ])('whether it was not made: %j, %j', (before, now, unrotated) => {
    expect(isUnrotated(before, now)).toBe(unrotated)
  })
})
