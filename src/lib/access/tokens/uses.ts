import type {ServiceToken} from '../../api/types.js'
import {ApiError} from '../../core/errors.js'
import {tokenReferences, type Reference} from '../../policy/references.js'
import {readAccountRules} from '../account/account-rules.js'
import type {AccessContext} from '../account/context.js'

/** What names a service token, as far as the API token may read it. */
export interface TokenUses {
  references: Reference[]
  /** What could not be read: sentences without full stop. */
  warnings: string[]
}

/**
 * Every policy, Access group and SCIM configuration that names a service token, also through groups. A failure of the API
 * becomes a warning, since the token itself is known.
 */
export async function usesOfToken(
  ctx: AccessContext,
  token: Pick<ServiceToken, 'id' | 'clientId'>,
): Promise<TokenUses> {
  const api = await ctx.api()
  ctx.progress.step('Looking for what names it')
  try {
    const {rules, warnings} = await readAccountRules(api, {
      allNeeded: false,
      thorough: false,
      progress: ctx.progress,
    })
    return {references: tokenReferences(token, rules), warnings}
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return {references: [], warnings: [`zt could not find out what names it (${error.message})`]}
  }
}
