import {randomBytes, randomUUID} from 'node:crypto'
import {toApplication} from '../../api/convert.js'
import type {JsonObject} from '../../core/json.js'
import {settingOf} from '../settings.js'
import {policiesOf, policyIndex, type StateData} from '../state.js'
import {invalid, matches, notFound, page, Refused} from './answer.js'
import {checkFields, takeSecrets, withoutSecrets} from './application-fields.js'
import {fillApplication} from './defaults.js'
import {linksOf, mayHaveOwn, readLinks, sharedPrecedence} from './links.js'
import {checkPolicy, replaceWith} from './policies.js'
import {displace, inScope, PERMISSIONS, place, route, accountRoute, type Call, type Route} from './route.js'

const base = '/accounts/{account}/access/apps'
const policies = `${base}/{app}/policies`
const {read, write} = PERMISSIONS.apps

export const appRoutes: Route[] = [
  route('GET', base, read, (call) => {
    const {state, query} = call
    const exact = query.get('exact') === 'true'
    const found = inScope(call, state.data.apps).filter(({name, domain, aud}) =>
      matches({name, domain, aud}, query, exact),
    )
    const index = policyIndex(state.data)
    return page(found, query, 25, 1000, (app) => shown(state.data, app, index))
  }),
  route('POST', base, write, (call) => {
    const {data} = call.state
    const own = {id: randomUUID(), aud: randomBytes(32).toString('hex'), created_at: call.now}
    const app = applicationOf(call, own, undefined)
    data.apps.push(app)
    place(call, app)
    const {saas_app: made} = app
    // This answer alone shows the secret of an OIDC application.
    return {status: 201, result: {...shown(data, app), ...(made !== undefined && {saas_app: made})}}
  }),
  route('GET', `${base}/{app}`, read, (call) => ({result: shown(call.state.data, find(call))})),
  route('PUT', `${base}/{app}`, write, (call) => {
    const app = find(call)
    const own = {id: app['id'], aud: app['aud'], created_at: app['created_at']}
    const next = applicationOf(call, own, app)
    // PUT replaces: omitted fields are removed.
    for (const field of Object.keys(app)) delete app[field]
    Object.assign(app, next)
    dropOrphans(call.state.data)
    return {result: shown(call.state.data, app)}
  }),
  route('DELETE', `${base}/{app}`, write, (call) => {
    const app = find(call)
    call.state.data.apps = call.state.data.apps.filter((one) => one !== app)
    displace(call, app)
    dropOrphans(call.state.data)
    return {status: 202, result: {id: app['id']}}
  }),
  // Ends the sessions and not the service tokens (Cloudflare's documentation, "Application token": revocation).
  route('POST', `${base}/{app}/revoke_tokens`, [...write, 'Access: Apps and Policies Revoke'], (call) => {
    const {data, clock} = call.state
    data.sessionsEnded = {...data.sessionsEnded, [String(find(call)['id'])]: clock.now()}
    return {status: 202, result: null}
  }),
  route('GET', policies, read, (call) => page(policiesOf(call.state.data, find(call)), call.query, 100)),
  route('POST', policies, write, (call) => {
    const {state, body, now} = call
    const app = find(call)
    const present = policiesOf(state.data, app)
    mayHaveOwn(call, app, present)
    const precedence =
      body['precedence'] ?? Math.max(0, ...linksOf(app).map((link) => Number(link['precedence']))) + 1
    if (present.some((one) => one['precedence'] === precedence)) throw sharedPrecedence()
    const policy = {
      id: randomUUID() as string,
      ...checkPolicy(body, state.data),
      created_at: now,
      updated_at: now,
    }
    state.data.inlinePolicies.push(policy)
    app['policies'] = [...linksOf(app), {id: policy.id, precedence}]
    return {status: 201, result: {...policy, precedence, reusable: false}}
  }),
  route('GET', `${policies}/{policy}`, read, (call) => ({result: findPolicy(call).shown})),
  route('PUT', `${policies}/{policy}`, write, (call) => {
    const {inline} = findPolicy(call)
    if (!inline) throw invalid('change a reusable policy at /access/policies')
    renumber(find(call), inline['id'], call.body['precedence'])
    replaceWith(inline, checkPolicy(call.body, call.state.data, inline), call.now)
    return {result: findPolicy(call).shown}
  }),
  accountRoute('PUT', `${policies}/{policy}/make_reusable`, write, (call) => {
    const {data} = call.state
    const {inline} = findPolicy(call)
    if (!inline) throw invalid('the policy is already reusable')
    data.inlinePolicies = data.inlinePolicies.filter((one) => one !== inline)
    data.policies.push(inline)
    return {result: findPolicy(call).shown}
  }),
  route('DELETE', `${policies}/{policy}`, write, (call) => {
    const app = find(call)
    const {inline} = findPolicy(call)
    if (!inline) throw invalid('update the application to detach a reusable policy')
    app['policies'] = linksOf(app).filter(({id}) => id !== inline['id'])
    dropOrphans(call.state.data)
    return {status: 202, result: {id: inline['id']}}
  }),
]

/**
 * The application that a body asks for: checked, with what the server adds. `policies` omitted: unchanged.
 *
 * @param old the application before; undefined if it is being created
 */
function applicationOf(call: Call, own: JsonObject, old: JsonObject | undefined): JsonObject {
  const {state, body, now} = call
  const {data} = state
  const {id: _i, uid: _u, aud: _a, created_at: _c, updated_at: _d, policies: _p, ...rest} = body
  const fields = structuredClone(rest)
  checkFields(fields)
  takeSecrets(fields, old, data.settings)
  checkHosts(call, fields, old)
  const {linked, made} = readLinks(call, fields, old && linksOf(old))
  const has = [...data.policies, ...data.inlinePolicies, ...made].filter(({id}) =>
    linked.some((link) => link['id'] === id),
  )
  if (fields['service_auth_401_redirect'] === true && !has.some(({decision}) => decision === 'non_identity'))
    throw invalid('service_auth_401_redirect needs a Service Auth policy')
  if (settingOf(data.settings, 'server_defaults')) fillApplication(fields)
  data.inlinePolicies.push(...made)
  return {...own, ...fields, policies: linked, updated_at: now}
}

/**
 * The hosts must be in the account's zones, and free. Those that the application had before are not checked again: a seed
 * may contain an application without its zone.
 */
function checkHosts({state, params}: Call, fields: JsonObject, old: JsonObject | undefined): void {
  const had = old ? toApplication(old).domains : []
  const zones = state.data.zones
    .filter((zone) => params['zone'] === undefined || zone['id'] === params['zone'])
    .map((zone) => String(zone['name']))
  for (const domain of toApplication({...fields, id: ''}).domains.filter((one) => !had.includes(one))) {
    const host = (domain.split('/')[0] ?? '').toLowerCase()
    if (!zones.some((zone) => host === zone || host.endsWith(`.${zone}`)))
      throw invalid('domain does not belong to zone')
    if (state.data.apps.some((other) => other !== old && toApplication(other).domains.includes(domain)))
      throw new Refused(409, 11010, 'access.api.error.application_already_exists')
  }
}

/** A policy's position on its application, which no other may have. Unchanged if omitted. */
function renumber(app: JsonObject, id: unknown, precedence: unknown): void {
  if (typeof precedence !== 'number') return
  if (linksOf(app).some((link) => link['id'] !== id && link['precedence'] === precedence))
    throw sharedPrecedence()
  app['policies'] = linksOf(app).map((link) => (link['id'] === id ? {...link, precedence} : link))
}

/** An application's inline policy is deleted with its link. */
function dropOrphans(data: StateData): void {
  const linked = new Set(data.apps.flatMap((app) => linksOf(app).map(({id}) => id)))
  data.inlinePolicies = data.inlinePolicies.filter(({id}) => linked.has(id))
}

function shown(data: StateData, app: JsonObject, index = policyIndex(data)): JsonObject {
  const {id} = app
  // `uid` repeats the ID (terraform-provider-cloudflare#5181).
  return {...withoutSecrets(app, data.settings), id, uid: id, policies: policiesOf(data, app, index)}
}

function find(call: Call): JsonObject {
  const app = inScope(call, call.state.data.apps).find(({id}) => id === call.params['app'])
  if (!app) throw notFound(12045, 'application_not_found')
  return app
}

function findPolicy(call: Call): {inline: JsonObject | undefined; shown: JsonObject} {
  const {data} = call.state
  const id = call.params['policy']
  const policy = policiesOf(data, find(call)).find((one) => one['id'] === id)
  if (!policy) throw notFound(12130, 'policy_not_found')
  return {inline: data.inlinePolicies.find((one) => one['id'] === id), shown: policy}
}
