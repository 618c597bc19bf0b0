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
  /** `{name}` stands for one segment. */
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
