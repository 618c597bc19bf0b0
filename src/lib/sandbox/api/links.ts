import {randomUUID} from 'node:crypto'
import {isJsonObject, type JsonObject} from '../../core/json.js'
import {settingOf} from '../settings.js'
import type {StateData} from '../state.js'
import {invalid} from './answer.js'
import {checkPolicy} from './policies.js'
import type {Call} from './route.js'

/** An application's links to its policies, with the new ones of its own among these. */
interface Links {
  linked: JsonObject[]
  made: JsonObject[]
}

export function linksOf(app: JsonObject): JsonObject[] {
  return Array.isArray(app['policies']) ? app['policies'].filter(isJsonObject) : []
}

/**
 * Reads `policies` of an application's body: IDs, links and whole policies of its own.
 *
 * @param app the application as it will be, with `type`
 * @param before its links until now; undefined if it is being created
 */
export function readLinks(call: Call, app: JsonObject, before: JsonObject[] | undefined): Links {
  const {data} = call.state
  const given = givenPolicies(call, before)
  if (given === undefined) return {linked: before ?? [], made: []}
  const made: JsonObject[] = []
  const linked: JsonObject[] = []
  for (const item of given) {
    const link = isJsonObject(item) ? item : {id: item}
    const known = (before ?? []).some(({id}) => id === link['id']) || isSharable(call, link['id'])
    if (!known && link['decision'] === undefined) throw unknownPolicy(link['id'])
    const policy = known ? {id: link['id']} : ownPolicy(call, app, before, link)
    if (!known) made.push(policy)
    else notYetKnown(data, policy.id)
    // In a list without precedences, each follows the one before (Terraform provider, plan_modifiers.go).
    const last = Number(linked.at(-1)?.['precedence'] ?? 0)
    const precedence = typeof link['precedence'] === 'number' ? link['precedence'] : last + 1
    linked.push({id: policy.id, precedence})
  }
  checkTogether(call, app, linked)
  return {linked, made}
}

/** The list in the body; undefined: the policies stay as they are. */
function givenPolicies({body, state}: Call, before: JsonObject[] | undefined): unknown[] | undefined {
  const {policies: given} = body
  if (given === undefined) return undefined
  if (Array.isArray(given)) return given as unknown[]
  const nothing = before === undefined ? 'detach' : settingOf(state.data.settings, 'null_policies')
  if (given !== null || nothing === 'refuse') throw invalid('policies must be a list')
  return nothing === 'detach' ? [] : undefined
}

/** A policy of the account, which applications share. A zone's applications have none. */
function isSharable({state, params}: Call, id: unknown): boolean {
  return params['zone'] === undefined && state.data.policies.some((one) => one['id'] === id)
}

function ownPolicy(
  call: Call,
  app: JsonObject,
  before: JsonObject[] | undefined,
  {precedence: _, ...body}: JsonObject,
): JsonObject & {id: string} {
  mayHaveOwn(call, app, before ?? [])
  const {state, now} = call
  return {id: randomUUID(), ...checkPolicy(body, state.data), created_at: now, updated_at: now}
}

/**
 * Whether an application may be given a policy of its own: always in a zone and if its type takes no other, otherwise as
 * the setting says.
 *
 * @throws Refused if it may not
 */
export function mayHaveOwn({state, params}: Call, {type}: JsonObject, present: readonly JsonObject[]): void {
  const {settings, inlinePolicies} = state.data
  if (params['zone'] !== undefined || type === 'infrastructure') return
  if (settingOf(settings, 'inline_at_creation') === 'accept') return
  if (!present.some(({id}) => inlinePolicies.some((one) => one['id'] === id)))
    throw invalid('this application accepts only reusable policies')
}

function checkTogether({state}: Call, {type}: JsonObject, linked: readonly JsonObject[]): void {
  const {policies, settings} = state.data
  if (new Set(linked.map(({precedence}) => precedence)).size < linked.length) throw sharedPrecedence()
  const shared = linked.filter(({id}) => policies.some((one) => one['id'] === id))
  // The API reference: the policies of an infrastructure application have no link, only a body.
  if (type === 'infrastructure' && shared.length > 0)
    throw invalid('infrastructure applications do not accept reusable policies')
  const mixed = shared.length > 0 && shared.length < linked.length
  if (mixed && settingOf(settings, 'mixed_policies') === 'refuse')
    throw invalid('reusable and inline policies exclude each other')
}

/** A new policy may be unknown to writes of applications for some time. */
function notYetKnown({newPolicies = {}}: StateData, id: unknown): void {
  const name = String(id)
  const left = newPolicies[name]
  if (left === undefined) return
  if (left > 1) newPolicies[name] = left - 1
  else Reflect.deleteProperty(newPolicies, name)
  throw unknownPolicy(id)
}

const unknownPolicy = (id: unknown) => invalid(`policy ${String(id)} not found`)
/** Reported word for word by two clients; another reports 11018. */
export const sharedPrecedence = () => invalid('policy precedences must be unique')
