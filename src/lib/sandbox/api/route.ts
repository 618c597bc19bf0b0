import type {JsonObject} from '../../core/json.js'
import type {SandboxState} from '../state.js'
import type {Result} from './answer.js'

export interface Call {
  state: SandboxState
  params: Record<string, string>
  query: URLSearchParams
  body: JsonObject
  /** ISO 8601. */
  now: string
}

/** One operation: its permission groups (any one is enough; none: any valid API token) and what it does. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `{name}` is one segment. */
  path: string
  permissions: string[]
  /** True: a zone's objects have no such operation. */
  accountOnly?: true
  handle: (call: Call) => Result
}

const both = (name: string): {read: string[]; write: string[]} => ({
  read: [`Access: ${name} Read`, `Access: ${name} Write`],
  write: [`Access: ${name} Write`],
})

export const PERMISSIONS = {
  tokens: both('Service Tokens'),
  apps: both('Apps and Policies'),
  organization: both('Organizations, Identity Providers, and Groups'),
}

export const route = (
  method: Route['method'],
  path: string,
  permissions: string[],
  handle: Route['handle'],
): Route => ({method, path, permissions, handle})

/** One that a zone does not have. */
export const accountRoute = (...facts: Parameters<typeof route>): Route => ({
  ...route(...facts),
  accountOnly: true,
})

/** Those of the objects that are in the account or zone of the request's path. */
export function inScope({state, params}: Call, objects: readonly JsonObject[]): readonly JsonObject[] {
  const {zoneOf = {}} = state.data
  return objects.filter(({id}) => zoneOf[String(id)] === params['zone'])
}

/** Puts a new object into the account or zone of the request's path. */
export function place({state, params}: Call, object: JsonObject): void {
  if (params['zone'] !== undefined) (state.data.zoneOf ??= {})[String(object['id'])] = params['zone']
}

/** Takes a removed object out of its zone. */
export function displace({state}: Call, object: JsonObject): void {
  if (state.data.zoneOf) delete state.data.zoneOf[String(object['id'])]
}

/** The same operation on a zone's objects, if the API has it. */
export function zoneTwin(one: Route): Route[] {
  if (one.accountOnly || !one.path.startsWith('/accounts/{account}/access/')) return []
  return [{...one, path: one.path.replace('/accounts/{account}/', '/zones/{zone}/')}]
}
