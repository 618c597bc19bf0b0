import type {Page, Policy} from '../../api/types.js'
import {ruleInWords} from '../../policy/rule-words.js'
import type {AccessContext} from '../account/context.js'
import {ruleNaming, withProgress} from '../account/listing.js'

/** An account's policy as a list shows it. */
export interface ListedPolicy {
  policy: Policy
  /** Its Include rules in words. */
  includes: string[]
  /** How many applications have it; undefined if the API does not say. */
  applications: number | undefined
}

/** The account's policies, page by page in the API's order. The API cannot search them, so a search reads them all. */
export async function* streamPolicies(
  ctx: AccessContext,
  {search, limit = Infinity}: {search?: string | undefined; limit?: number | undefined} = {},
): AsyncGenerator<Page<ListedPolicy>> {
  const api = await ctx.api()
  const naming = ruleNaming(api)
  const wanted = search?.toLowerCase()
  const pages = api.policies(wanted === undefined ? {limit} : {})
  let left = limit
  for await (const {items, total} of withProgress(ctx, 'Listing the policies', pages)) {
    const found = items
      .filter(({name}) => wanted === undefined || name.toLowerCase().includes(wanted))
      .slice(0, left)
    const names = await naming(found.flatMap(({include}) => include))
    const listed = found.map((policy) => {
      const count = policy.raw['app_count']
      return {
        policy,
        includes: policy.include.map((rule) => ruleInWords(rule, names)),
        applications: typeof count === 'number' ? count : undefined,
      }
    })
    left -= listed.length
    if (listed.length > 0) yield {items: listed, total: wanted === undefined ? total : undefined}
    if (left <= 0) return
  }
}
