import {randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {invalid, matches, notFound, page, Refused} from './answer.js'
import {replaceWith} from './policies.js'
import {PERMISSIONS, type Call, type Route} from './route.js'
import {displace, inScope, place} from './scope.js'

const groups = '/accounts/{account}/access/groups'
const organization = '/accounts/{account}/access/organizations'
const {read, write} = PERMISSIONS.organization

/** Access groups, the organisation, accounts and zones. */
export const accountRoutes: Route[] = [
  {
    method: 'GET',
    path: groups,
    permissions: read,
    handle: (call) =>
      page(
        inScope(call, call.state.data.groups).filter(({name}) => matches({name}, call.query, true)),
        call.query,
      ),
  },
  {
    method: 'POST',
    path: groups,
    permissions: write,
    handle: (call) => {
      const {state, body, now} = call
      const group: JsonObject = {id: randomUUID(), ...checkGroup(body), created_at: now, updated_at: now}
      state.data.groups.push(group)
      place(call, group)
      return {status: 201, result: group}
    },
  },
  {method: 'GET', path: `${groups}/{id}`, permissions: read, handle: (call) => ({result: findGroup(call)})},
  {
    method: 'PUT',
    path: `${groups}/{id}`,
    permissions: write,
    handle: (call) => ({
      result: replaceWith(findGroup(call), checkGroup(call.body), call.now),
    }),
  },
  {
    method: 'DELETE',
    path: `${groups}/{id}`,
    permissions: write,
    handle: (call) => {
      const group = findGroup(call)
      const {data} = call.state
      const named = [...data.policies, ...data.inlinePolicies, ...data.groups].some((one) =>
        JSON.stringify([one['include'], one['require'], one['exclude']]).includes(
          `{"id":"${String(group['id'])}"}`,
        ),
      )
      if (named) throw new Refused(409, 12140, 'access.api.error.group_in_use')
      data.groups = data.groups.filter((one) => one !== group)
      displace(call, group)
      return {status: 202, result: {id: group['id']}}
    },
  },
  {
    method: 'GET',
    path: organization,
    permissions: read,
    handle: ({state}) => ({result: state.data.organization}),
  },
  ...(['PUT', 'PATCH'] as const).map((method): Route => ({
    method,
    path: organization,
    permissions: write,
    ...(method === 'PATCH' && {accountOnly: true as const}),
    handle: ({state, body, now}) => ({
      result: Object.assign(state.data.organization, body, {updated_at: now}),
    }),
  })),
  {
    method: 'GET',
    path: '/accounts',
    permissions: [],
    handle: ({state, query}) => {
      if (state.data.settings.hide_accounts) throw new Refused(400, 1001, 'Invalid request')
      return page(state.data.accounts, query, 20, 50)
    },
  },
  {
    method: 'GET',
    path: '/accounts/{account}',
    permissions: [],
    handle: ({state, params}) => ({result: state.data.accounts.find(({id}) => id === params['account'])}),
  },
  {
    method: 'GET',
    path: '/zones',
    permissions: [],
    handle: ({state, query}) => {
      const [name, account] = ['name', 'account.id'].map((field) => query.get(field))
      return page(
        state.data.zones
          .filter((zone) => name === null || zone['name'] === name)
          .filter((zone) => account === null || accountOf(zone) === account),
        query,
        20,
        50,
      )
    },
  },
  {
    method: 'GET',
    path: '/zones/{id}',
    permissions: [],
    handle: ({state, params}) => {
      const zone = state.data.zones.find(({id}) => id === params['id'])
      if (!zone) throw notFound(1001, 'zone_not_found')
      return {result: zone}
    },
  },
]

function accountOf(zone: JsonObject): unknown {
  return isJsonObject(zone['account']) ? zone['account']['id'] : undefined
}

function findGroup(call: Call): JsonObject {
  const group = inScope(call, call.state.data.groups).find(({id}) => id === call.params['id'])
  if (!group) throw notFound(12152, 'group_not_found')
  return group
}

function checkGroup(body: JsonObject): JsonObject {
  const {id: _, ...rest} = body
  if (typeof rest['name'] !== 'string' || rest['name'] === '') throw invalid('name is required')
  for (const part of ['include', 'require', 'exclude']) {
    const rules = (rest[part] ??= [])
    if (!Array.isArray(rules) || !rules.every(isJsonObject)) throw invalid(`${part} must be a list of rules`)
  }
  if ((rest['include'] as unknown[]).length === 0) throw invalid('include is required')
  return rest
}
