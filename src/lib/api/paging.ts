import {isJsonObject, type JsonObject} from '../core/json.js'
import {badAnswer} from './errors.js'
import type {Request, Transport} from './transport.js'
import type {Page} from './types.js'

/** The API tells no maximum for most lists; this many it takes. */
const PAGE_SIZE = 100
/** Far more than any account has: a list that goes on longer has no end. */
const MOST_PAGES = 1000
const MOST_OBJECTS = MOST_PAGES * PAGE_SIZE

export interface ListRequest {
  path: string
  /** For people: `list the applications`. */
  doing: string
  /** What is undefined is not sent. */
  query?: Record<string, string | undefined>
  /** Objects in a page. */
  size?: number
  /** At most so many objects in all. */
  limit?: number | undefined
}

/**
 * The pages of a list, each read when it is asked for. Objects may be made meanwhile, so that one comes twice: it is given
 * once. One that is removed may move another out of the page that comes next; no list with page numbers can tell. What is
 * kept of earlier pages is ids.
 *
 * What the server says of its pages is believed only where both its counts agree; otherwise an empty page is the end.
 *
 * @throws ApiError `api` / `BAD_ANSWER` for a server that ignores `page`, or whose list has no end
 */
export async function* readPages(
  {send, about}: Pick<Transport, 'send' | 'about'>,
  {path, doing, query = {}, size = PAGE_SIZE, limit = Infinity}: ListRequest,
): AsyncGenerator<Page<JsonObject>> {
  const perPage = Math.min(size, limit)
  const seen = new Set<string>()
  const said = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  let received = 0
  let left = limit
  let unpaged = false
  /** The keys of the page before. */
  let before = ''
  for (let page = 1; left > 0; page++) {
    const request: Request = {method: 'GET', path, doing, query: {...said, page, per_page: perPage}}
    const refuse = (what: string): Error => badAnswer(about(request), what, undefined, 200)
    if (page > MOST_PAGES) throw refuse('The list has no end.')
    const {result, info} = await send(request)
    // An empty list may come as null. Anything else that is no list would mean that nothing is there.
    const items: unknown = result ?? []
    if (!Array.isArray(items) || !items.every(isJsonObject)) throw refuse('It holds no list.')
    if (items.length === 0) return
    const keys = items.map((item) => (typeof item['id'] === 'string' ? item['id'] : JSON.stringify(item)))
    const fresh = items.filter((_, at) => seen.size < seen.add(keys[at] ?? '').size)
    const same = keys.join('\n') === before
    before = keys.join('\n')
    received += items.length
    if (received > MOST_OBJECTS) throw refuse('The list has no end.')
    const pages = count(info['total_pages'])
    const total = count(info['total_count'])
    if (page === 1) unpaged = pages === undefined && total === undefined && items.length !== perPage
    if (same) {
      // A server without pages gives all of its list whatever is asked for; one that has a last page may repeat that.
      const beyond = pages !== undefined && page > pages
      const all = total !== undefined && seen.size >= total
      if (beyond || all || (unpaged && page === 2)) return
      throw refuse(`Page ${page} of the list repeats what came before.`)
    }
    const given = fresh.slice(0, left)
    left -= given.length
    if (given.length > 0) yield {items: given, total}
    const told = pages !== undefined || total !== undefined
    if (told && page >= (pages ?? 0) && received >= (total ?? 0)) return
  }
}

/** The same pages with their items made into something else. */
export async function* mapPages<From, To>(
  pages: AsyncIterable<Page<From>>,
  convert: (item: From) => To,
): AsyncGenerator<Page<To>> {
  for await (const {items, total} of pages) yield {items: items.map(convert), total}
}

/** All of a list. */
export async function collect<T>(pages: AsyncIterable<Page<T>>): Promise<T[]> {
  const all: T[] = []
  // One by one: a page has as many items as the server likes, a call only so many arguments.
  for await (const {items} of pages) for (const item of items) all.push(item)
  return all
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}
