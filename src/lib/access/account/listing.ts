import type {AccessApi, Page, Rule} from '../../api/types.js'
import {ApiError} from '../../core/errors.js'
import {tokenIn} from '../../policy/included.js'
import {groupIdOf} from '../../policy/references.js'
import type {RuleNames} from '../../policy/rule-words.js'
import type {AccessContext} from './context.js'

/**
 * The pages of a list, reporting progress before each is read.
 *
 * @param doing e.g. `Listing the applications`
 */
export async function* withProgress<T>(
  ctx: AccessContext,
  doing: string,
  pages: AsyncIterable<Page<T>>,
): AsyncGenerator<Page<T>> {
  ctx.progress.step(doing)
  let read = 0
  for await (const page of pages) {
    yield page
    read += page.items.length
    if (page.total === undefined) ctx.progress.step(`${doing} (${read})`)
    else ctx.progress.step(doing, {done: read, of: page.total})
  }
}

/**
 * Looks up the names of the service tokens and Access groups in rules. Of each of the two lists no more is read than the rules
 * need, so that the first rows of a long list come early, and only names are kept; if the API token may not read a list, IDs
 * stay IDs.
 */
export function ruleNaming(api: AccessApi): (rules: readonly Rule[]) => Promise<RuleNames> {
  const serviceTokens = new NamesRead(() => api.serviceTokens())
  const groups = new NamesRead(() => api.groups())
  return async (rules) => {
    await Promise.all([serviceTokens.read(rules.map(tokenIn)), groups.read(rules.map(groupIdOf))])
    return {serviceToken: (id) => serviceTokens.of(id), group: (id) => groups.of(id)}
  }
}

type NamedPages = AsyncIterable<Page<{id: string; name: string}>>

/** The names of a list, as far as it was read. */
class NamesRead {
  readonly #names = new Map<string, string>()
  readonly #list: () => NamedPages
  #pages: AsyncIterator<Page<{id: string; name: string}>> | undefined
  #ended = false

  constructor(list: () => NamedPages) {
    this.#list = list
  }

  of(id: string): string | undefined {
    return this.#names.get(id)
  }

  /** Reads on until it has these, or the list ends. */
  async read(ids: readonly (string | undefined)[]): Promise<void> {
    const missing = new Set(ids.filter((id) => id !== undefined && !this.#names.has(id)))
    while (missing.size > 0 && !this.#ended) {
      for (const {id, name} of await this.#next()) {
        this.#names.set(id, name)
        missing.delete(id)
      }
    }
  }

  async #next(): Promise<readonly {id: string; name: string}[]> {
    try {
      this.#pages ??= this.#list()[Symbol.asyncIterator]()
      const next = await this.#pages.next()
      if (next.done !== true) return next.value.items
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === 'permission')) throw error
    }
    this.#ended = true
    return []
  }
}
