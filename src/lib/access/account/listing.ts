import type {AccessApi, Page, Rule} from '../../api/types.js'
import {isJsonObject} from '../../core/json.js'
import {ApiError} from '../../core/errors.js'
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
 * Looks up the names of the service tokens and Access groups in rules. Each of the two lists is read when a rule first
 * needs it, and only names are kept; if the API token may not read a list, IDs stay IDs.
 */
export function ruleNaming(api: AccessApi): (rules: readonly Rule[]) => Promise<RuleNames> {
  const none: ReadonlyMap<string, string> = new Map()
  const once = (
    list: () => AsyncIterable<Page<{id: string; name: string}>>,
  ): (() => Promise<typeof none>) => {
    let names: Promise<typeof none> | undefined
    return () => (names ??= namesOf(list()))
  }
  const serviceTokens = once(() => api.serviceTokens())
  const groups = once(() => api.groups())
  return async (rules) => {
    const has = (selector: string): boolean => rules.some((rule) => isJsonObject(rule[selector]))
    const [tokenNames, groupNames] = await Promise.all([
      has('service_token') ? serviceTokens() : none,
      has('group') ? groups() : none,
    ])
    return {serviceToken: (id) => tokenNames.get(id), group: (id) => groupNames.get(id)}
  }
}

async function namesOf(pages: AsyncIterable<Page<{id: string; name: string}>>): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  try {
    for await (const {items} of pages) for (const {id, name} of items) names.set(id, name)
  } catch (error) {
    if (!(error instanceof ApiError && error.kind === 'permission')) throw error
  }
  return names
}
