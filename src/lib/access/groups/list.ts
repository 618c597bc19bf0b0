import type {Group, ListQuery, Page} from '../../api/types.js'
import {ruleInWords} from '../../policy/rule-words.js'
import type {AccessContext} from '../account/context.js'
import {ruleNaming, withProgress} from '../account/listing.js'

/** An Access group as a list shows it. */
export interface ListedGroup {
  group: Group
  /** Its Include rules in words. */
  includes: string[]
  /** How many service tokens it includes directly. */
  serviceTokens: number
}

/** The Access groups of the account or zone, page by page in the API's order. */
export async function* streamGroups(
  ctx: AccessContext,
  query: ListQuery = {},
): AsyncGenerator<Page<ListedGroup>> {
  const api = await ctx.api()
  const naming = ruleNaming(api)
  for await (const {items, total} of withProgress(ctx, 'Listing the Access groups', api.groups(query))) {
    const names = await naming(items.flatMap(({include}) => include))
    yield {
      items: items.map((group) => ({
        group,
        includes: group.include.map((rule) => ruleInWords(rule, names)),
        serviceTokens: group.include.filter((rule) => 'service_token' in rule).length,
      })),
      total,
    }
  }
}
