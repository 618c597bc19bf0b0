import type {AccessApi, Application} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {AccountRules} from '../../policy/references.js'

/** How many applications are asked for their policies at a time. */
const AT_ONCE = 4

/**
 * Policies, Access groups and applications with their policies, of the account or the zone.
 *
 * @param how.allNeeded false: skips what the API token may not read, with a warning. Cloudflare itself deletes no token that
 *   something names
 * @param how.thorough true: asks each application for its policies, even if the list included them
 */
export async function readAccountRules(
  api: AccessApi,
  how: {allNeeded: boolean; thorough: boolean},
): Promise<{rules: AccountRules; warnings: string[]}> {
  const warnings: string[] = []
  const readable = async <T>(what: string, list: Promise<T[]>): Promise<T[]> => {
    try {
      return await list
    } catch (error) {
      if (how.allNeeded || !(error instanceof UserError) || error.kind !== 'permission') throw error
      warnings.push(`The API token may not read the ${what}, which may name the service token`)
      return []
    }
  }
  const [policies, groups, listed] = await Promise.all([
    // A zone has no policies to share.
    api.zoneId === undefined ? readable('policies', api.listPolicies()) : [],
    readable('Access groups', api.listGroups()),
    readable('applications', api.listApplications()),
  ])
  const applications: Application[] = []
  for (let from = 0; from < listed.length; from += AT_ONCE) {
    const some = listed.slice(from, from + AT_ONCE).map(async (application) => {
      if (!how.thorough && hasWholePolicies(application)) return application
      return {...application, policies: await api.listApplicationPolicies(application.id)}
    })
    applications.push(...(await Promise.all(some)))
  }
  return {rules: {policies, groups, applications}, warnings}
}

/** The list has policies as whole objects; if one is only a reference, they must be read separately. */
function hasWholePolicies({raw, policies}: Application): boolean {
  const given = raw['policies']
  return (
    Array.isArray(given) &&
    given.length === policies.length &&
    policies.every((policy) => policy.id !== '' && Array.isArray(policy.raw['include']))
  )
}
