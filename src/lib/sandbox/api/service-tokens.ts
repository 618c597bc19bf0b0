import {randomBytes, randomUUID} from 'node:crypto'
import type {JsonObject} from '../../core/json.js'
import {goDurationSeconds} from '../../core/duration.js'
import {settingOf} from '../settings.js'
import {expiry, hashSecret, newSecret, timestamp, type StoredToken} from '../state.js'
import {provisionsWith} from './application-fields.js'
import {invalid, matches, notFound, page, Refused} from './answer.js'
import {displace, inScope, PERMISSIONS, place, route, accountRoute, type Call, type Route} from './route.js'

const NAME_LIMIT = 350
const YEAR_MS = 365 * 24 * 3600 * 1000
const base = '/accounts/{account}/access/service_tokens'
const {read, write} = PERMISSIONS.tokens

export const serviceTokenRoutes: Route[] = [
  route('GET', base, read, (call) => {
    const objects = call.state.data.serviceTokens.map(({object}) => object)
    return page(
      inScope(call, objects).filter(({name}) => matches({name}, call.query, true)),
      call.query,
    )
  }),
  route('POST', base, write, create),
  route('GET', `${base}/{id}`, read, (call) => ({result: find(call).object})),
  route('PUT', `${base}/{id}`, write, update),
  route('DELETE', `${base}/{id}`, write, remove),
  accountRoute('POST', `${base}/{id}/rotate`, write, rotate),
  accountRoute('POST', `${base}/{id}/refresh`, write, (call) => {
    const token = find(call)
    const from = Math.max(call.state.clock.now(), Date.parse(String(token.object['expires_at'])) || 0)
    if (token.object['duration'] !== 'forever') token.object['expires_at'] = timestamp(from + YEAR_MS)
    return {result: token.object}
  }),
]

/** Names need not be unique (reported from a live account). */
function create(call: Call) {
  const {state, body, now} = call
  const duration = checkDuration(body['duration'] ?? '8760h')
  const secret = newSecret()
  const object: JsonObject = {
    id: randomUUID(),
    name: checkName(body['name']),
    client_id: `${randomBytes(16).toString('hex')}.access`,
    client_secret_version: 1,
    duration,
    enabled: body['enabled'] !== false || settingOf(state.data.settings, 'create_disabled') === 'ignored',
    ...expires(duration, state.clock.now()),
    created_at: now,
    updated_at: now,
  }
  state.data.serviceTokens.push({object, secretHash: hashSecret(secret)})
  place(call, object)
  return {status: 201, result: {...object, client_secret: secret}}
}

/** A partial update; a new duration counts from now. */
function update(call: Call) {
  const {state, body, now} = call
  const token = find(call)
  const change: JsonObject = {}
  if (body['name'] !== undefined) change['name'] = checkName(body['name'])
  if (typeof body['enabled'] === 'boolean') change['enabled'] = body['enabled']
  if (body['duration'] !== undefined) {
    const duration = checkDuration(body['duration'])
    delete token.object['expires_at']
    Object.assign(change, {duration, ...expires(duration, state.clock.now())})
  }
  const until = body['previous_client_secret_expires_at']
  if (until !== undefined) {
    const date = checkDate(until)
    if (token.previous) token.previous = {...token.previous, until: date}
  }
  Object.assign(token.object, change, {updated_at: now})
  return {result: token.object}
}

/** Without a date, the old secret ends at once. */
function rotate(call: Call) {
  const {body, now} = call
  const token = find(call)
  const until = checkDate(body['previous_client_secret_expires_at'] ?? now)
  const secret = newSecret()
  token.previous = {secretHash: token.secretHash, until}
  token.secretHash = hashSecret(secret)
  token.object['client_secret_version'] = Number(token.object['client_secret_version'] ?? 1) + 1
  token.object['updated_at'] = now
  return {result: {...token.object, client_secret: secret}}
}

function remove(call: Call) {
  const {state} = call
  const token = find(call)
  const id = token.object['id']
  const {policies, inlinePolicies, groups, apps} = state.data
  const named =
    apps.some((app) => provisionsWith(app, token.object['client_id'])) ||
    [...policies, ...inlinePolicies, ...groups].some((one) =>
      JSON.stringify([one['include'], one['require'], one['exclude']]).includes(`"token_id":"${String(id)}"`),
    )
  if (named) throw inUse()
  state.data.serviceTokens = state.data.serviceTokens.filter((one) => one !== token)
  displace(call, token.object)
  return {result: token.object}
}

/** Reported word for word, with status 400. */
const inUse = () =>
  new Refused(
    400,
    12139,
    'access.api.error.service_token_in_use: cannot delete service token because it is used by a policy, group, or app SCIM configuration.',
  )

function find(call: Call): StoredToken {
  const token = call.state.data.serviceTokens.find(({object}) => object['id'] === call.params['id'])
  if (!token || inScope(call, [token.object]).length === 0) throw notFound(12135, 'service_token_not_found')
  return token
}

function expires(duration: string, now: number): JsonObject {
  const at = expiry(duration, now)
  return at === undefined ? {} : {expires_at: at}
}

function checkName(name: unknown): string {
  if (typeof name !== 'string' || name === '') throw invalid('name is required')
  if (name.length > NAME_LIMIT) throw invalid(`name must have at most ${NAME_LIMIT} characters`)
  return name
}

function checkDate(date: unknown): string {
  if (typeof date === 'string' && !Number.isNaN(Date.parse(date))) return date
  throw invalid('previous_client_secret_expires_at must be a date')
}

function checkDuration(duration: unknown): string {
  if (duration === 'forever') return duration
  if (typeof duration === 'string' && goDurationSeconds(duration) !== undefined) return duration
  throw invalid('duration must be a Go duration or "forever"')
}
