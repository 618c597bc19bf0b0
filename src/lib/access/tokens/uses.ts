import type {ServiceToken} from '../../api/types.js'
import {tokenReferences, type Reference} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import type {AccessContext} from '../account/context.js'

/** What names a service token, as far as the API token may read it. */
export interface TokenUses {
  references: Reference[]
  /** What could not be read: sentences without full stop. */
  warnings: string[]
}

/** Every policy, Access group and SCIM configuration that names a service token, also through groups. */
export async function usesOfToken(
  ctx: AccessContext,
  token: Pick<ServiceToken, 'id' | 'clientId'>,
): Promise<TokenUses> {
  const api = await ctx.api()
  ctx.progress.step('Looking for what names it')
  const {rules, warnings} = await readAccountRules(api, {allNeeded: false, thorough: false})
  return {references: tokenReferences(token, rules), warnings}
}
