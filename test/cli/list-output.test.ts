import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {JsonList} from '../../src/lib/cli/list-output.js'
import {bare} from '../../src/lib/cli/styled.js'
import {shortened, TableStream, type Column} from '../../src/lib/cli/table.js'

/** A list cut into pages at random, empty ones included. */
function split<T>(items: readonly T[], cuts: readonly number[]): T[][] {
  const at = [0, ...cuts.map((cut) => cut % (items.length + 1)).sort((a, b) => a - b), items.length]
  return at.slice(1).map((end, i) => items.slice(at[i], end))
}

const cuts = fc.array(fc.nat({max: 100}), {maxLength: 6})

describe('a JSON list that is written page by page', () => {
  const item = fc.dictionary(fc.string(), fc.jsonValue())

  it('is the document that would have been written at once, however it falls into pages', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(item, {maxLength: 20}),
        cuts,
        fc.dictionary(fc.string({minLength: 1}), fc.jsonValue(), {maxKeys: 3}),
        (key, items, at, rest) => {
          fc.pre(!(key in rest) && ![key, ...Object.keys(rest)].some((name) => /^\d+$/.test(name)))
          const list = new JsonList(key)
          const text =
            split(items, at)
              .map((page) => list.add(page))
              .join('') + list.end(rest)
          expect(text).toBe(JSON.stringify({[key]: items, ...rest}, null, 2))
        },
      ),
    )
  })
})

describe('a table that is written page by page', () => {
  interface Row {
    name: string
    kind: string
    id: string
  }
  const columns: Column<Row>[] = [
    {title: 'NAME', value: ({name}) => name},
    {title: 'KIND', value: ({kind}) => kind},
    {title: 'ID', value: ({id}) => id, optional: true},
  ]
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,59}$/)
  const rows = fc.array(fc.record({name: word, kind: word, id: word}), {minLength: 1, maxLength: 20})
  const lines = (all: readonly Row[], at: readonly number[], width: number, more: boolean): string[] => {
    const table = new TableStream(columns, width)
    return split(all, at)
      .filter((page) => page.length > 0)
      .flatMap((page) => table.add(page, more))
      .map(bare)
  }

  it('has its titles once and a line for each row, in order', () => {
    fc.assert(
      fc.property(
        rows,
        cuts,
        fc.constantFrom(60, 80, 200, Infinity),
        fc.boolean(),
        (all, at, width, more) => {
          const [titles, ...body] = lines(all, at, width, more)
          expect(titles).toMatch(/^NAME +KIND/)
          expect(body).toHaveLength(all.length)
          body.forEach((line, i) => {
            expect(line[0]).toBe(all[i]?.name[0])
          })
        },
      ),
    )
  })

  it('where it is piped, shortens nothing', () => {
    fc.assert(
      fc.property(rows, cuts, fc.boolean(), (all, at, more) => {
        const [, ...body] = lines(all, at, Infinity, more)
        expect(body.map((line) => line.split(/ +/))).toEqual(all.map(({name, kind, id}) => [name, kind, id]))
      }),
    )
  })

  it('on a terminal keeps the columns of its first page, and is no wider than its titles say', () => {
    const short = {name: 'a', kind: 'ssh', id: '1'}
    const long = {name: 'b'.repeat(60), kind: 'c'.repeat(60), id: 'd'.repeat(60)}
    fc.assert(
      fc.property(fc.integer({min: 40, max: 200}), fc.boolean(), (width, more) => {
        const [titles = '', first = '', second = ''] = lines([short, long], [1], width, more)
        expect(second.length).toBeLessThanOrEqual(width)
        expect(first.indexOf('ssh')).toBe(titles.indexOf('KIND'))
        expect(second.slice(titles.indexOf('KIND'))).toMatch(/^c/)
        expect(second).toContain('…')
      }),
    )
  })

  it('gives names that come later the room that the terminal has', () => {
    const name = 'a-name-of-twenty-five-cha'
    const [, , second] = lines(
      [
        {name: 'a', kind: 'ssh', id: '1'},
        {name, kind: 'ssh', id: '2'},
      ],
      [1],
      80,
      true,
    )
    expect(second).toContain(name)
  })
})

describe('a list in one cell', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b', 'c'], 'a, b, c'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
  ])('%j is shown as "%s"', (items, text) => {
    expect(shortened(items, 3)).toBe(text)
  })
})
