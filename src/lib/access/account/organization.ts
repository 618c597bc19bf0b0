import type {AccessApi} from '../../api/types.js'
import {UserError} from '../../core/errors.js'

/**
 * Whether the organisation has strict service token authentication. Undefined: not known, because the API token may not
 * read the organisation's settings or there are none.
 */
export async function isStrict(api: AccessApi): Promise<boolean | undefined> {
  try {
    const {strict_service_token_auth: strict} = await api.getOrganization()
    return strict === true
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}
