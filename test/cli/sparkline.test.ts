import fc from 'fast-check'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {sparkline} from '../../src/lib/cli/sparkline.js'

const BARS = [...'12345678']

describe('a sparkline', () => {
  it.each<[number[], number, string, number, number]>([
    [[], 10, '', 1, 0],
    [[0, 0], 10, '  ', 1, 0],
    [[0, 1, 8, 4], 10, ' 184', 1, 8],
    [[1, 1, 1], 10, '888', 1, 1],
    [[1, 1000], 10, '18', 1, 1000],
    // The newest bar is a whole one.
    [[8, 1, 1, 2, 2], 3, '824', 2, 8],
    [[1, 2, 3], 0, '8', 3, 6],
  ])('of %j in %i columns is "%s"', (numbers, columns, line, each, most) => {
    expect(sparkline(numbers, columns, BARS)).toEqual({line, each, most})
  })

  it('has as many bars as fit, the highest for the largest, and a space only for nothing', () => {
    const numbers = fc.array(fc.nat(10_000), {maxLength: 200})
    fc.assert(
      fc.property(numbers, fc.integer({min: 1, max: 100}), (given, columns) => {
        const {line, each, most} = sparkline(given, columns, BARS)
        expect(line.length).toBe(Math.ceil(given.length / each))
        expect(line.length).toBeLessThanOrEqual(columns)
        expect(line.includes('8')).toBe(most > 0)
        if (each === 1) expect([...line].map((bar) => bar === ' ')).toEqual(given.map((one) => one === 0))
      }),
    )
  })

  afterEach(() => {
    vi.unstubAllEnvs()
  })
  it.each<[Record<string, string>, string]>([
    [{}, '▄█'],
    [{LANG: 'C'}, '=@'],
    [{LC_ALL: 'POSIX', LANG: 'de_DE.UTF-8'}, '=@'],
    [{LC_ALL: 'C.UTF-8', LANG: 'C'}, '▄█'],
    [{LC_ALL: '', LC_CTYPE: 'en_US.UTF-8', LANG: 'C'}, '▄█'],
  ])('is ASCII where the locale %j asks for it', (env, line) => {
    for (const name of ['LC_ALL', 'LC_CTYPE', 'LANG']) vi.stubEnv(name, env[name])
    expect(sparkline([4, 8], 10).line).toBe(line)
  })
})
