import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {collect, readPages, type ListRequest} from '../../src/lib/api/paging.js'
import type {Answer, Request, Transport} from '../../src/lib/api/transport.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {ApiError} from '../../src/lib/core/errors.js'

interface Item extends JsonObject {
  id: string
}

const items = (count: number, from = 0): Item[] =>
  Array.from({length: count}, (_, at) => ({id: `id-${from + at}`}))
const idsOf = (list: readonly JsonObject[]): unknown[] => list.map(({id}) => id)

interface Asked {
  page: number
  perPage: number
}

/** A server that answers as the function says, and what it was asked. */
function server(answer: (asked: Asked) => Answer): Pick<Transport, 'send' | 'about'> & {asked: Asked[]} {
  const asked: Asked[] = []
  return {
    asked,
    send: ({query}: Request) => {
      const one = {page: Number(query?.['page']), perPage: Number(query?.['per_page'])}
      asked.push(one)
      return Promise.resolve(answer(one))
    },
    about: (request) => ({...request, apiUrl: 'https://api.example/', tokenFromEnvironment: false}),
  }
}

interface Habits {
  /** The most that it gives in a page, whatever was asked. */
  most?: number
  tells?: ('total_count' | 'total_pages')[]
  /** It says so many pages or objects instead of the truth. */
  says?: Partial<Record<'total_count' | 'total_pages', number>>
}

/** A list as the API gives it; called again for each page, so that it may change in between. */
const paged =
  (list: () => readonly Item[], {most = Infinity, tells = [], says = {}}: Habits = {}) =>
  ({page, perPage}: Asked): Answer => {
    const all = list()
    const size = Math.min(perPage, most)
    const truth = {total_count: all.length, total_pages: Math.ceil(all.length / size)}
    return {
      result: all.slice((page - 1) * size, page * size),
      info: {...Object.fromEntries(tells.map((name) => [name, truth[name]])), ...says},
    }
  }

const read = (
  from: Pick<Transport, 'send' | 'about'>,
  more: Partial<ListRequest> = {},
): Promise<JsonObject[]> => collect(readPages(from, {path: '/list', doing: 'list them', ...more}))

const tells = fc.subarray(['total_count', 'total_pages'] as ('total_count' | 'total_pages')[])

describe('a list', () => {
  it('is complete, in order and without duplicates, whatever pages the server makes and says about them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 0, max: 60}),
        fc.integer({min: 1, max: 20}),
        fc.option(fc.integer({min: 1, max: 20}), {nil: Infinity}),
        tells,
        async (count, size, most, told) => {
          const from = server(paged(() => items(count), {most, tells: told}))
          expect(idsOf(await read(from, {size}))).toEqual(idsOf(items(count)))
          // One more, where nothing tells which is the last.
          const least = Math.max(1, Math.ceil(count / Math.min(size, most)))
          expect(from.asked.length).toBeLessThanOrEqual(least + (told.length > 0 ? 0 : 1))
        },
      ),
    )
  })

  it('is read to its end where the server says too few or too many pages or objects', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 0, max: 40}),
        fc.constantFrom('total_count' as const, 'total_pages' as const),
        fc.integer({min: 0, max: 100}),
        async (count, lie, said) => {
          const from = server(
            paged(() => items(count), {tells: ['total_count', 'total_pages'], says: {[lie]: said}}),
          )
          expect(idsOf(await read(from, {size: 7}))).toEqual(idsOf(items(count)))
        },
      ),
    )
  })

  it('returns nothing twice, and loses none that stays, while others are added in front', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 1, max: 40}),
        fc.array(fc.integer({min: 0, max: 4}), {maxLength: 12}),
        tells,
        async (count, added, told) => {
          let list = items(count)
          let next = 1000
          const changes = [...added]
          const from = server((asked) => {
            const answer = paged(() => list, {tells: told})(asked)
            const more = changes.shift() ?? 0
            list = [...items(more, next), ...list]
            next += more
            return answer
          })
          const given = idsOf(await read(from, {size: 5}))
          expect(new Set(given).size).toBe(given.length)
          expect(given).toEqual(expect.arrayContaining(idsOf(items(count))))
        },
      ),
    )
  })

  it('returns nothing twice while others are removed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 1, max: 40}),
        fc.array(fc.nat({max: 39}), {maxLength: 12}),
        tells,
        async (count, removed, told) => {
          let list = items(count)
          const changes = [...removed]
          const from = server((asked) => {
            const answer = paged(() => list, {tells: told})(asked)
            const at = changes.shift()
            if (at !== undefined) list = list.filter((_, i) => i !== at)
            return answer
          })
          const given = idsOf(await read(from, {size: 5}))
          expect(new Set(given).size).toBe(given.length)
          // Each that goes may take one with it out of sight.
          const lost = idsOf(list).filter((id) => !given.includes(id))
          expect(lost.length).toBeLessThanOrEqual(Math.min(removed.length, from.asked.length))
        },
      ),
    )
  })

  it('with a limit gives so many and asks for no more than it needs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({min: 0, max: 40}),
        fc.integer({min: 1, max: 50}),
        fc.integer({min: 1, max: 10}),
        async (count, limit, size) => {
          const from = server(paged(() => items(count), {tells: ['total_count', 'total_pages']}))
          expect(idsOf(await read(from, {size, limit}))).toEqual(idsOf(items(count).slice(0, limit)))
          const perPage = Math.min(size, limit)
          expect(from.asked.every((one) => one.perPage === perPage)).toBe(true)
          expect(from.asked.length).toBeLessThanOrEqual(
            Math.max(1, Math.ceil(Math.min(count, limit) / perPage)),
          )
        },
      ),
    )
  })

  it('reads a page when it is asked for, and not before', async () => {
    const from = server(paged(() => items(30), {tells: ['total_count']}))
    const pages = readPages(from, {path: '/list', doing: 'list them', size: 10})
    expect(from.asked).toHaveLength(0)
    expect(await pages.next()).toMatchObject({value: {items: items(10), total: 30}})
    expect(from.asked).toHaveLength(1)
    await pages.return(undefined)
    expect(from.asked).toHaveLength(1)
  })

  it.each<[string, Answer['result']]>([
    ['an empty list', []],
    ['null', null],
  ])('ends at %s', async (_, result) => {
    const from = server(() => ({result, info: {}}))
    expect(await read(from)).toEqual([])
    expect(from.asked).toHaveLength(1)
  })

  it.each<[string, Answer['result']]>([
    ['no list', {}],
    ['a text', 'nothing'],
    ['a list of something else', [null]],
  ])('is not taken for empty where there is %s', async (_, result) => {
    await expect(read(server(() => ({result, info: {}})))).rejects.toMatchObject({code: 'BAD_ANSWER'})
  })

  it.each<[string, Item[]]>([
    ['fewer objects than a page holds', items(7)],
    ['more objects than a page holds', items(25)],
  ])('of a server that knows no pages is given once: %s', async (_, all) => {
    const from = server(() => ({result: all, info: {}}))
    expect(await read(from, {size: 10})).toEqual(all)
    expect(from.asked).toHaveLength(2)
  })

  it('whose last page comes again for every later one ends there', async () => {
    const from = server(({page}) => ({
      result: items(10, page === 1 ? 0 : 10),
      info: {total_pages: 2, total_count: 25},
    }))
    expect(await read(from, {size: 10})).toEqual(items(20))
  })
})

describe('a server that would be read for ever', () => {
  const rows: [string, (asked: Asked) => Answer, says: RegExp][] = [
    ['ignores the page', () => ({result: items(10), info: {}}), /repeats/],
    ['ignores the page, and counts more', () => ({result: items(10), info: {total_count: 30}}), /repeats/],
    ['ignores the page, and tells more', () => ({result: items(10), info: {total_pages: 9}}), /repeats/],
    [
      'gives the same objects without ids',
      () => ({result: Array.from({length: 10}, (_, at) => ({name: `n${at}`})), info: {}}),
      /repeats/,
    ],
    [
      'always has more',
      ({page}) => ({result: items(10, page * 10), info: {total_pages: page + 1}}),
      /no end/,
    ],
    ['always has more and tells nothing', ({page}) => ({result: items(10, page * 10), info: {}}), /no end/],
  ]
  it.each(rows)('and %s is refused', async (_, answer, says) => {
    const from = server(answer)
    const error = await read(from, {size: 10}).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({code: 'BAD_ANSWER', message: expect.stringContaining('list them') as string})
    expect((error as ApiError).why).toMatch(says)
    expect(from.asked.length).toBeLessThanOrEqual(1000)
  })
})
