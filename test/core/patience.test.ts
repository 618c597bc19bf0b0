import fc from 'fast-check'
import {afterEach, describe, expect, it} from 'vitest'
import {bePatient, parsePatience, patient} from '../../src/lib/core/patience.js'
import {loadSettings} from '../../src/lib/config/settings.js'

afterEach(() => {
  bePatient('40')
})

describe('ZT_PATIENCE', () => {
  it.each([
    ['1', 1],
    ['2.5', 2.5],
    ['100', 100],
    ['0', undefined],
    ['0.5', undefined],
    ['101', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['Infinity', undefined],
    ['', undefined],
    ['٣', undefined],
  ])('%j is %j', (text, number) => {
    expect(parsePatience(text)).toBe(number)
  })

  it('makes limits longer, and never shorter or longer than a timer takes', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({min: 1, max: 2 ** 31 - 1}), (text, ms) => {
        bePatient(text)
        expect(patient(ms)).toBeGreaterThanOrEqual(ms)
        expect(patient(ms)).toBeLessThanOrEqual(2 ** 31 - 1)
      }),
    )
    bePatient('3')
    expect(patient(1500)).toBe(4500)
    bePatient(undefined)
    expect(patient(1500)).toBe(1500)
  })

  it('that is no such number is refused', async () => {
    const env = {ZT_PATIENCE: 'much', HOME: '/nowhere'}
    await expect(loadSettings({env, cwd: '/', flags: {}})).rejects.toMatchObject({
      kind: 'usage',
      code: 'BAD_PATIENCE',
    })
  })
})
