import type {Application, Group} from '../api/types.js'
import {evaluate} from './evaluate.js'
import {groupsById, type AccountRules} from './references.js'

/** Whether a service token gets into an application; `conditional`: depending on where the request comes from. */
export type Reach = 'yes' | 'conditional' | 'no'

export interface ReachedApplication {
  application: Application
  /** After the change. */
  reach: Reach
}

export interface ReachChange {
  /** Applications that will admit the token, or will do so under fewer conditions. */
  opens: ReachedApplication[]
  /** Applications that will no longer admit the token, or only under conditions. */
  closes: ReachedApplication[]
}

/** What a change of an account's rules means for a service token. */
export function reachChange(tokenId: string, before: AccountRules, after: AccountRules): ReachChange {
  const [had, has] = [groupsById(before.groups), groupsById(after.groups)]
  const was = new Map(before.applications.map((app) => [app.id, reachOf(tokenId, app, had)]))
  const opens: ReachedApplication[] = []
  const closes: ReachedApplication[] = []
  for (const application of after.applications) {
    const reach = reachOf(tokenId, application, has)
    const difference = RANK[reach] - RANK[was.get(application.id) ?? 'no']
    if (difference > 0) opens.push({application, reach})
    if (difference < 0) closes.push({application, reach})
  }
  return {opens, closes}
}

const RANK: Record<Reach, number> = {no: 0, conditional: 1, yes: 2}

/** Whether a valid service token gets into an application. */
export function reachOf(
  tokenId: string,
  application: Pick<Application, 'name' | 'policies'>,
  groups: ReadonlyMap<string, Group>,
): Reach {
  const request = {serviceTokenId: tokenId, ip: undefined, country: undefined}
  const {admitted, mayAdmit} = evaluate({application, groups, request})
  return admitted ? 'yes' : mayAdmit ? 'conditional' : 'no'
}
