import type {AccessApi, Application, Policy} from '../../api/types.js'
import {UserError} from '../../core/errors.js'
import type {Progress} from '../../core/progress.js'
import {PARTS, type AccountRules} from '../../policy/references.js'
import {askEach} from './ask-each.js'

export interface HowToRead {
  /**
   * False: skips what the API token may not read, with a warning. Cloudflare itself deletes no token that something names.
   */
  allNeeded: boolean
  /** True: asks each application for its policies, even if the list included them. */
  thorough: boolean
  progress?: Progress | undefined
}

/**
 * Policies, Access groups and applications with their policies, of the account or the zone.
 */
export async function readAccountRules(
  api: AccessApi,
  how: HowToRead,
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
  // A zone has no policies to share.
  const shared = api.zoneId === undefined ? readable('policies', api.listPolicies()) : Promise.resolve([])
  const [policies, groups, applications] = await Promise.all([
    shared,
    readable('Access groups', api.listGroups()),
    readable('applications', readApplications(api, shared, how)),
  ])
  return {rules: {policies, groups, applications}, warnings}
}

const READING = 'Reading the rules of the account'
const OF_APPLICATIONS = 'Reading the policies of applications'

/** The applications with their policies. The list has them; if only as references, the account's policies are looked up. */
async function readApplications(
  api: AccessApi,
  shared: Promise<readonly Policy[]>,
  {thorough, progress}: HowToRead,
): Promise<Application[]> {
  const expect = api.expecting?.()
  const all: Application[] = []
  const toAsk: number[] = []
  try {
    progress?.step(READING)
    for await (const {items, total} of api.applications()) {
      const byId = new Map((thorough ? [] : await shared).map((policy) => [policy.id, policy]))
      for (const item of items) {
        for (const policy of item.policies) shareRules(policy, byId.get(policy.id))
        const whole = thorough ? undefined : withWholePolicies(item, byId)
        if (!whole) toAsk.push(all.length)
        all.push(whole ?? item)
      }
      // From the first page on, so that a long run is known to be long before it begins.
      expect?.(Math.round((toAsk.length / all.length) * Math.max(total ?? 0, all.length)))
      if (total !== undefined) progress?.step(READING, {done: all.length, of: total, unit: 'applications'})
    }
    await askEach(api, toAsk, {
      doing: OF_APPLICATIONS,
      ...{progress, expect},
      async ask(at) {
        const application = all[at]
        if (application)
          all[at] = {...application, policies: await api.listApplicationPolicies(application.id)}
      },
    })
    return all
  } finally {
    expect?.(0)
  }
}

/**
 * The application with its policies as whole objects: from the list, or those of the account to which the list refers by
 * their IDs. Undefined if one is neither.
 */
function withWholePolicies(
  application: Application,
  shared: ReadonlyMap<string, Policy>,
): Application | undefined {
  const {raw, policies} = application
  const given = raw['policies']
  if (!Array.isArray(given) || given.length !== policies.length) return undefined
  if (policies.every(isWhole)) return application
  const whole = policies.map((policy) => {
    if (isWhole(policy)) return policy
    const {precedence} = policy
    const found = shared.get(policy.id)
    return found && {...found, precedence}
  })
  return whole.every((policy) => policy !== undefined) ? {...application, policies: whole} : undefined
}

/** The list has a copy of an account's policy on each application: equal rules become the same objects, which take less memory. */
function shareRules(copy: Policy, one: Policy | undefined): void {
  for (const part of one ? PARTS : []) {
    const [own, shared] = [copy.raw[part], one?.raw[part]]
    if (!Array.isArray(own) || JSON.stringify(own) !== JSON.stringify(shared)) continue
    copy[part] = one?.[part] ?? []
    copy.raw[part] = shared
  }
}

function isWhole({id, raw}: Policy): boolean {
  return id !== '' && Array.isArray(raw['include'])
}
