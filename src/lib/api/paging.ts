import {isJsonObject, type JsonObject} from '../core/json.js'
import {badAnswer} from './errors.js'
import type {Request, Transport} from './transport.js'
import type {Page} from './types.js'

/** The API documents no maximum for most lists; it accepts this many. */
const PAGE_SIZE = 100
/** Far more than any account has: a longer list would never end. */
const MOST_PAGES = 1000
const MOST_OBJECTS = MOST_PAGES * PAGE_SIZE

export interface ListRequest {
  path: string
  /** As shown in errors: `list the applications`. */
  doing: string
  /** Undefined values are not sent. */
  query?: Record<string, string | undefined>
  /** Objects per page. */
  size?: number
  /** The most objects to return. */
  limit?: number | undefined
}

/**
 * The pages of a list as {@link pagesOf} reads them. After each, the requests for the others are announced, as far as the
 * server counts them.
 */
export async function* readPages(
  transport: PagesTransport,
  request: ListRequest,
): AsyncGenerator<Page<JsonObject>> {
  const expect = transport.pace?.expecting() ?? (() => undefined)
  const {limit = Infinity} = request
  let read = 0
  try {
    for await (const page of pagesOf(transport, request)) {
      read += page.items.length
      const left = Math.min(page.total ?? 0, limit, MOST_OBJECTS) - read
      // The server may give fewer objects in a page than zt asked for.
      expect(Math.max(0, Math.ceil(left / page.items.length)))
      yield page
    }
  } finally {
    expect(0)
  }
}

type PagesTransport = Pick<Transport, 'send' | 'about'> & Partial<Pick<Transport, 'pace'>>

/**
 * The pages of a list, each fetched on demand. An object that appears twice, because others were created meanwhile, is
 * returned once. If one is removed meanwhile, another may move out of the next page; a list with page numbers cannot
 * detect that. Only the IDs of earlier pages are kept.
 *
 * The server's page counts are used only if they agree with each other; otherwise an empty page is the end.
 *
 * @throws ApiError `api` / `BAD_ANSWER` if the server ignores `page`, or the list never ends
 */
async function* pagesOf(
  {send, about}: PagesTransport,
  {path, doing, query = {}, size = PAGE_SIZE, limit = Infinity}: ListRequest,
): AsyncGenerator<Page<JsonObject>> {
  const perPage = Math.min(size, limit)
  const seen = new Set<string>()
  const said = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  let received = 0
  let left = limit
  let unpaged = false
  /** The keys of the previous page. */
  let before = ''
  for (let page = 1; left > 0; page++) {
    const request: Request = {method: 'GET', path, doing, query: {...said, page, per_page: perPage}}
    const refuse = (what: string): Error => badAnswer(about(request), what, undefined, 200)
    if (page > MOST_PAGES) throw refuse('The list has no end.')
    const {result, info} = await send(request)
    // An empty list may be null. Anything else that is not a list must not pass as an empty one.
    const items: unknown = result ?? []
    if (!Array.isArray(items) || !items.every(isJsonObject)) throw refuse('It contains no list.')
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
      // A server without pages always returns the whole list; another may repeat its last page.
      const beyond = pages !== undefined && page > pages
      const all = total !== undefined && seen.size >= total
      if (beyond || all || (unpaged && page === 2)) return
      throw refuse(`Page ${page} of the list repeats an earlier page.`)
    }
    const given = fresh.slice(0, left)
    left -= given.length
    if (given.length > 0) yield {items: given, total}
    const counted = pages !== undefined || total !== undefined
    if (counted && page >= (pages ?? 0) && received >= (total ?? 0)) return
  }
}

/** The same pages with their items converted. */
export async function* mapPages<From, To>(
  pages: AsyncIterable<Page<From>>,
  convert: (item: From) => To,
): AsyncGenerator<Page<To>> {
  for await (const {items, total} of pages) yield {items: items.map(convert), total}
}

/** The whole list. */
export async function collect<T>(pages: AsyncIterable<Page<T>>): Promise<T[]> {
  const all: T[] = []
  // One by one: a page may have more items than a call can have arguments.
  for await (const {items} of pages) for (const item of items) all.push(item)
  return all
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}
