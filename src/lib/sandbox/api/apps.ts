import {randomBytes, randomUUID} from 'node:crypto'
import {toApplication} from '../../api/convert.js'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {policiesOf, policyIndex, type StateData} from '../state.js'
import {invalid, matches, notFound, page, Refused} from './answer.js'
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
    const {state, now} = call
    const app: JsonObject = {id: randomUUID(), aud: randomBytes(32).toString('hex'), created_at: now}
    write_(call, app, [])
    state.data.apps.push(app)
    place(call, app)
    return {status: 201, result: shown(state.data, app)}
  }),
  route('GET', `${base}/{app}`, read, (call) => ({result: shown(call.state.data, find(call))})),
  route('PUT', `${base}/{app}`, write, (call) => {
    const app = find(call)
    const before = links(app)
    const kept: JsonObject = {id: app['id'], aud: app['aud'], created_at: app['created_at']}
    write_(call, kept, before)
    // PUT replaces: omitted fields are removed.
    for (const field of Object.keys(app)) delete app[field]
    Object.assign(app, kept)
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
  route('GET', policies, read, (call) => page(policiesOf(call.state.data, find(call)), call.query, 100)),
  route('POST', policies, write, (call) => {
    const {state, body, now, params} = call
    const app = find(call)
    const present = policiesOf(state.data, app)
    // A zone has only these; an account's new applications no longer accept them.
    if (params['zone'] === undefined && !present.some(({reusable}) => reusable === false)) {
      throw invalid('this application accepts only reusable policies')
    }
    const precedence =
      body['precedence'] ?? Math.max(0, ...links(app).map((link) => Number(link['precedence']))) + 1
    if (present.some((one) => one['precedence'] === precedence)) throw invalid('precedence must be unique')
    const policy = {id: randomUUID() as string, ...checkPolicy(body), created_at: now, updated_at: now}
    state.data.inlinePolicies.push(policy)
    app['policies'] = [...links(app), {id: policy.id, precedence}]
    return {status: 201, result: {...policy, precedence, reusable: false}}
  }),
  route('GET', `${policies}/{policy}`, read, (call) => ({result: findPolicy(call).shown})),
  route('PUT', `${policies}/{policy}`, write, (call) => {
    const {inline} = findPolicy(call)
    if (!inline) throw invalid('change a reusable policy at /access/policies')
    renumber(find(call), inline['id'], call.body['precedence'])
    replaceWith(inline, checkPolicy(call.body), call.now)
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
    app['policies'] = links(app).filter(({id}) => id !== inline['id'])
    dropOrphans(call.state.data)
    return {status: 202, result: {id: inline['id']}}
  }),
]

/** Checks an application's body and copies it into `app`. `policies` omitted: unchanged; null: all detached. */
function write_({state, body, now, params}: Call, app: JsonObject, before: JsonObject[]): void {
  const {id: _i, aud: _a, created_at: _c, policies: given, ...fields} = body
  if (typeof fields['type'] !== 'string') throw invalid('type is required')
  if (fields['type'] === 'self_hosted' && typeof fields['domain'] !== 'string')
    throw invalid('domain is required')
  const {domains} = toApplication({...fields, id: ''})
  // A seed may contain an application without its zone; host names that were there before are not checked again.
  const old = state.data.apps.find(({id}) => id === params['app'])
  const had = old ? toApplication(old).domains : []
  for (const domain of domains.filter((one) => !had.includes(one))) {
    const host = (domain.split('/')[0] ?? '').toLowerCase()
    const zones = state.data.zones
      .filter((zone) => params['zone'] === undefined || zone['id'] === params['zone'])
      .map((zone) => String(zone['name']))
    if (!zones.some((zone) => host === zone || host.endsWith(`.${zone}`)))
      throw invalid(`domain does not belong to zone: ${host}`)
    const taken = state.data.apps.some(
      (other) => other['id'] !== params['app'] && toApplication(other).domains.includes(domain),
    )
    if (taken) throw new Refused(409, 11010, 'access.api.error.application_already_exists')
  }
  // Policies that applications share belong to the account.
  const sharable = params['zone'] === undefined ? state.data.policies : []
  const linked = given === undefined ? before : readLinks(state.data, given, before, sharable)
  Object.assign(app, fields, {policies: linked, updated_at: now})
  const serviceAuth = policiesOf(state.data, app).some(({decision}) => decision === 'non_identity')
  if (app['service_auth_401_redirect'] === true && !serviceAuth) {
    throw invalid('service_auth_401_redirect needs a Service Auth policy')
  }
}

function readLinks(
  data: StateData,
  given: unknown,
  before: JsonObject[],
  sharable: JsonObject[],
): JsonObject[] {
  if (given === null) return []
  if (!Array.isArray(given)) throw invalid('policies must be a list')
  const linked = given.map((item: unknown, at): JsonObject => {
    const link = isJsonObject(item) ? item : {id: item}
    const shared = sharable.some(({id}) => id === link['id'])
    const own = before.some(({id}) => id === link['id'])
    if (!shared && !own) throw invalid('policies contains one that does not exist')
    return {id: link['id'], precedence: typeof link['precedence'] === 'number' ? link['precedence'] : at + 1}
  })
  if (new Set(linked.map(({precedence}) => precedence)).size < linked.length) {
    throw new Refused(400, 11018, 'access.api.error.invalid_policy_precedence')
  }
  const inline = linked.filter(({id}) => data.inlinePolicies.some((one) => one['id'] === id))
  if (inline.length > 0 && inline.length < linked.length)
    throw invalid('reusable and inline policies exclude each other')
  return linked
}

/** A policy's position on its application, which no other may have. Unchanged if omitted. */
function renumber(app: JsonObject, id: unknown, precedence: unknown): void {
  if (typeof precedence !== 'number') return
  if (links(app).some((link) => link['id'] !== id && link['precedence'] === precedence))
    throw new Refused(400, 11018, 'access.api.error.invalid_policy_precedence')
  app['policies'] = links(app).map((link) => (link['id'] === id ? {...link, precedence} : link))
}

/** An application's inline policy is deleted with its link. */
function dropOrphans(data: StateData): void {
  const linked = new Set(data.apps.flatMap((app) => links(app).map(({id}) => id)))
  data.inlinePolicies = data.inlinePolicies.filter(({id}) => linked.has(id))
}

function links(app: JsonObject): JsonObject[] {
  return Array.isArray(app['policies']) ? app['policies'].filter(isJsonObject) : []
}

function shown(data: StateData, app: JsonObject, index = policyIndex(data)): JsonObject {
  return {...app, policies: policiesOf(data, app, index)}
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
