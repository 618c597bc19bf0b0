import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {changeOf, type Dependence} from '../../src/lib/policy/dependence.js'

const {dependence} = fc.letrec<{dependence: Dependence}>((tie) => ({
  dependence: fc.oneof(
    {depthSize: 'small'},
    fc.constantFrom<Dependence>('a', 'b', 'c', 'd'),
    fc.boolean(),
    fc.record({any: fc.array(tie('dependence'), {maxLength: 4})}),
    fc.record({all: fc.array(tie('dependence'), {maxLength: 4})}),
    fc.record({not: tie('dependence')}),
  ),
}))

describe('a change of what depends on many conditions', () => {
  it('misses no direction that trying every combination shows', () => {
    fc.assert(
      fc.property(dependence, dependence, (before, after) => {
        const tried = changeOf(before, after, 99)
        const byForm = changeOf(before, after, -1)
        expect([byForm.opens || !tried.opens, byForm.closes || !tried.closes]).toEqual([true, true])
      }),
      {numRuns: 5000},
    )
  })

  const many = Array.from({length: 40}, (_, at) => `address ${at}`)
  const [, ...fewer] = many

  it.each<[string, Dependence, Dependence, [boolean, boolean]]>([
    ['another address', {any: fewer}, {any: many}, [true, false]],
    ['an address less', {any: many}, {any: fewer}, [false, true]],
    ['another requirement', {all: ['DE', {any: many}]}, {any: many}, [true, false]],
    ['another exclusion', {any: many}, {all: [{any: many}, {not: 'DE'}]}, [false, true]],
    ['a wider exclusion', {not: {any: fewer}}, {not: {any: many}}, [false, true]],
    ['another rule', {any: fewer}, {any: ['DE', {any: fewer}]}, [true, false]],
    ['one for another', {any: ['a', ...fewer]}, {any: ['b', ...fewer]}, [true, true]],
  ])('is known by its form: %s', (_, before, after, [opens, closes]) => {
    expect(changeOf(before, after)).toEqual({opens, closes})
  })
})
