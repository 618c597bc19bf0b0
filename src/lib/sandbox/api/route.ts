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

/** One operation: its permission groups (any one suffices; none: any valid API token) and its handler. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `{name}` is one segment. */
  path: string
  permissions: string[]
  /** True: zones do not have this operation. */
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
  analytics: {read: ['Account Analytics Read']},
}

export const route = (
  method: Route['method'],
  path: string,
  permissions: string[],
  handle: Route['handle'],
): Route => ({method, path, permissions, handle})

/** An operation that zones do not have. */
export const accountRoute = (...facts: Parameters<typeof route>): Route => ({
  ...route(...facts),
  accountOnly: true,
})

/** The objects that belong to the account or zone in the request's path. */
export function inScope({state, params}: Call, objects: readonly JsonObject[]): readonly JsonObject[] {
  const {zoneOf = {}} = state.data
  return objects.filter(({id}) => zoneOf[String(id)] === params['zone'])
}

/** Adds a new object to the account or zone in the request's path. */
export function place({state, params}: Call, object: JsonObject): void {
  if (params['zone'] !== undefined) (state.data.zoneOf ??= {})[String(object['id'])] = params['zone']
}

/** Removes a deleted object from its zone. */
export function displace({state}: Call, object: JsonObject): void {
  if (state.data.zoneOf) delete state.data.zoneOf[String(object['id'])]
}

/** The same operation for a zone, if the API has it. */
export function zoneTwin(one: Route): Route[] {
  if (one.accountOnly || !one.path.startsWith('/accounts/{account}/access/')) return []
  return [{...one, path: one.path.replace('/accounts/{account}/', '/zones/{zone}/')}]
}
