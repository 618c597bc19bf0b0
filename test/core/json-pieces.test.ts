import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {jsonPieces} from '../../src/lib/core/json-pieces.js'
import {Secret} from '../../src/lib/core/secret.js'

const joined = (document: object, least?: number): string => [...jsonPieces(document, least)].join('')

describe('the text of a document in pieces', () => {
  // What JSON says in a way of its own.
  const odd = fc.constantFrom(
    ...[
      undefined,
      null,
      NaN,
      -0,
      'a\nb',
      new Date(0),
      new Secret('x'),
      () => 1,
      Symbol('s'),
      new Map([[1, 2]]),
    ],
    ...[new String('boxed'), {toJSON: () => undefined}, Object.assign(Object.create(null), {a: 1}) as object],
  )
  const {value} = fc.letrec<{value: unknown}>((tie) => ({
    value: fc.oneof(
      {maxDepth: 3},
      fc.jsonValue(),
      odd,
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value')),
      fc.constantFrom(99, 100).map((length) => Array.from({length}, () => ({a: [1]}))),
    ),
  }))

  it('is what JSON.stringify makes of it, however long the pieces are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.nat(200), (document, least) => {
        expect(joined(document, least)).toBe(JSON.stringify(document, null, 2))
      }),
      {numRuns: 60},
    )
  })

  it('of a long list is no piece much longer than one of its members', () => {
    const list = Array.from({length: 10_000}, (_, at) => ({at, text: 'x'.repeat(100)}))
    const pieces = [...jsonPieces({runs: [{results: list}]})]
    expect(pieces.join('') === JSON.stringify({runs: [{results: list}]}, null, 2)).toBe(true)
    expect(Math.max(...pieces.map(({length}) => length))).toBeLessThan(66 * 1024)
  })
})
