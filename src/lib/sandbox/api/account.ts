import {randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {settingOf} from '../settings.js'
import {matches, notFound, page, Refused} from './answer.js'
import {fillRules} from './defaults.js'
import {replaceWith} from './policies.js'
import {checkRules} from './rules.js'
import {accountRoute, displace, inScope, PERMISSIONS, place, route, type Call, type Route} from './route.js'

const groups = '/accounts/{account}/access/groups'
const organization = '/accounts/{account}/access/organizations'
const {read, write} = PERMISSIONS.organization

/** Access groups, the organisation, accounts and zones. */
export const accountRoutes: Route[] = [
  route('GET', groups, read, (call) =>
    page(
      inScope(call, call.state.data.groups).filter(({name}) => matches({name}, call.query, true)),
      call.query,
    ),
  ),
  route('POST', groups, write, (call) => {
    const {state, now} = call
    const group: JsonObject = {id: randomUUID(), ...checkGroup(call), created_at: now, updated_at: now}
    state.data.groups.push(group)
    place(call, group)
    return {status: 201, result: group}
  }),
  route('GET', `${groups}/{id}`, read, (call) => ({result: findGroup(call)})),
  route('PUT', `${groups}/{id}`, write, (call) => {
    const group = findGroup(call)
    return {result: replaceWith(group, checkGroup(call, group), call.now)}
  }),
  route('DELETE', `${groups}/{id}`, write, (call) => {
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
  }),
  route('GET', organization, read, ({state}) => ({result: state.data.organization})),
  route('PUT', organization, write, changeOrganization),
  accountRoute('PATCH', organization, write, changeOrganization),
  route('GET', '/accounts', [], ({state, query}) => {
    if (settingOf(state.data.settings, 'hide_accounts')) throw new Refused(400, 1001, 'Invalid request')
    return page(state.data.accounts, query, 20, 50)
  }),
  route('GET', '/accounts/{account}', [], ({state, params}) => ({
    result: state.data.accounts.find(({id}) => id === params['account']),
  })),
  route('GET', '/zones', [], ({state, query}) => {
    const [name, account] = ['name', 'account.id'].map((field) => query.get(field))
    return page(
      state.data.zones
        .filter((zone) => name === null || zone['name'] === name)
        .filter((zone) => account === null || accountOf(zone) === account),
      query,
      20,
      50,
    )
  }),
  route('GET', '/zones/{id}', [], ({state, params}) => {
    const zone = state.data.zones.find(({id}) => id === params['id'])
    if (!zone) throw notFound(1001, 'zone_not_found')
    return {result: zone}
  }),
]

function changeOrganization({state, body, now}: Call) {
  return {result: Object.assign(state.data.organization, body, {updated_at: now})}
}

function accountOf(zone: JsonObject): unknown {
  return isJsonObject(zone['account']) ? zone['account']['id'] : undefined
}

function findGroup(call: Call): JsonObject {
  const group = inScope(call, call.state.data.groups).find(({id}) => id === call.params['id'])
  if (!group) throw notFound(12152, 'group_not_found')
  return group
}

function checkGroup({body, state}: Call, before?: JsonObject): JsonObject {
  const {id: _i, uid: _u, created_at: _c, updated_at: _d, ...rest} = body
  checkRules(rest, state.data, before)
  if (settingOf(state.data.settings, 'server_defaults')) fillRules(rest)
  return rest
}
