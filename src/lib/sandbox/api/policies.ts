import {randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {settingOf} from '../settings.js'
import type {StateData} from '../state.js'
import {invalid, notFound, page, Refused} from './answer.js'
import {fillPolicy} from './defaults.js'
import {PERMISSIONS, accountRoute, type Call, type Route} from './route.js'
import {checkRules} from './rules.js'

const base = '/accounts/{account}/access/policies'
const {read, write} = PERMISSIONS.apps
const DECISIONS = new Set(['allow', 'deny', 'non_identity', 'bypass'])

/** The account's (reusable) policies. */
export const policyRoutes: Route[] = [
  accountRoute('GET', base, read, ({state, query}) => {
    const counts = useCounts(state.data)
    return page(state.data.policies, query, 100, 1000, (policy) => ({
      ...policy,
      reusable: true,
      app_count: counts.get(policy['id']) ?? 0,
    }))
  }),
  accountRoute('POST', base, write, ({state, body, now}) => {
    const {data} = state
    const id = randomUUID()
    const policy: JsonObject = {id, ...checkPolicy(body, data), created_at: now, updated_at: now}
    data.policies.push(policy)
    const lag = settingOf(data.settings, 'policy_lag')
    if (lag > 0) (data.newPolicies ??= {})[id] = lag
    return {status: 201, result: shown(state.data, policy)}
  }),
  accountRoute('GET', `${base}/{id}`, read, (call) => ({result: shown(call.state.data, find(call))})),
  accountRoute('PUT', `${base}/{id}`, write, (call) => {
    const policy = find(call)
    replaceWith(policy, checkPolicy(call.body, call.state.data, policy), call.now)
    return {result: shown(call.state.data, policy)}
  }),
  accountRoute('DELETE', `${base}/{id}`, write, (call) => {
    const {data} = call.state
    const policy = find(call)
    if (uses(data, policy['id']) > 0) throw new Refused(409, 12132, 'access.api.error.policy_in_use')
    data.policies = data.policies.filter((one) => one !== policy)
    return {status: 202, result: {id: policy['id']}}
  }),
]

/** PUT replaces: omitted fields are removed, except those that the server sets. */
export function replaceWith(object: JsonObject, body: JsonObject, now: string): JsonObject {
  const kept = {id: object['id'], created_at: object['created_at']}
  for (const field of Object.keys(object)) delete object[field]
  return Object.assign(object, body, kept, {updated_at: now})
}

/** Name, decision and Include are required; other fields are kept as sent. */
export function checkPolicy(body: JsonObject, data: StateData, before?: JsonObject): JsonObject {
  const {precedence: _p, reusable: _r, id: _i, app_count: _a, created_at: _c, updated_at: _u, ...rest} = body
  if (typeof rest['decision'] !== 'string' || !DECISIONS.has(rest['decision']))
    throw invalid('unknown decision')
  checkRules(rest, data, before)
  if (settingOf(data.settings, 'server_defaults')) fillPolicy(rest)
  return rest
}

function shown(data: StateData, policy: JsonObject): JsonObject {
  return {...policy, reusable: true, app_count: uses(data, policy['id'])}
}

function uses(data: StateData, id: unknown): number {
  return useCounts(data).get(id) ?? 0
}

/** How many applications have each policy, by its ID. */
function useCounts(data: StateData): Map<unknown, number> {
  const counts = new Map<unknown, number>()
  for (const {policies} of data.apps) {
    const links = Array.isArray(policies) ? policies.filter(isJsonObject) : []
    for (const id of new Set(links.map((link) => link['id']))) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

function find({state, params}: Call): JsonObject {
  const policy = state.data.policies.find(({id}) => id === params['id'])
  if (!policy) throw notFound(12130, 'policy_not_found')
  return policy
}
