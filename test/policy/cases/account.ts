import type {JsonObject} from '../../../src/lib/core/json.js'
import type {EdgeRequest, EdgeVerdict, Presentation, SentSecret} from '../../../src/lib/policy/edge.js'
import type {Person, UnknownFact} from '../../../src/lib/policy/types.js'

/** What a page of Cloudflare's documentation says of one request. */
export interface Case {
  section: string
  /** In our words. */
  says: string
  /** Of the application at app.example.com, which answers unless there are `apps`; in their order. */
  policies?: JsonObject[]
  /** More fields of that application. */
  app?: JsonObject
  /** All applications, in its place. */
  apps?: JsonObject[]
  groups?: Record<string, Rules>
  organization?: JsonObject
  url?: string
  token?: SentToken
  person?: Person
  from?: Partial<EdgeRequest['client']>
  http?: Partial<Pick<EdgeRequest, 'session' | 'browser' | 'xhr' | 'options' | 'preflight'>>
  verdict: EdgeVerdict
  /** The HTTP status; without it, the case is not about it. */
  status?: number
  /** The name of the policy or the application that decides. */
  by?: string
  /** What would decide it, where that is not known. */
  undecided?: UnknownFact['fact'][]
}

/** A service token as a client sends it: its name, unless it is none of the account. */
export interface SentToken {
  name?: string
  secret?: SentSecret
  as?: Presentation
  enabled?: boolean
  expiresAt?: string
  previousUntil?: string
}

export interface Rules {
  include?: JsonObject[]
  require?: JsonObject[]
  exclude?: JsonObject[]
}

/** When every request is made. */
export const NOW = '2026-11-28T00:00:00Z'

/** Pages by their title. */
export type Pages = Record<string, Case[]>

const policy =
  (decision: string) =>
  (include: JsonObject[], more: JsonObject = {}): JsonObject => ({decision, include, ...more})

export const allow = policy('allow')
export const block = policy('deny')
export const bypass = policy('bypass')
export const serviceAuth = policy('non_identity')

export const everyone = {everyone: {}}
export const anyToken = {any_valid_service_token: {}}
export const certificate = {certificate: {}}
export const named = (name = 'ci'): JsonObject => ({service_token: {token_id: name}})
export const group = (id: string): JsonObject => ({group: {id}})
export const ip = (range: string): JsonObject => ({ip: {ip: range}})
export const country = (code: string): JsonObject => ({geo: {country_code: code}})
export const email = (address: string): JsonObject => ({email: {email: address}})
export const domain = (name: string): JsonObject => ({email_domain: {domain: name}})
export const login = (id: string): JsonObject => ({login_method: {id}})
export const posture = (id: string): JsonObject => ({device_posture: {integration_uid: id}})
export const okta = (name: string, provider = 'okta'): JsonObject => ({
  okta: {name, identity_provider_id: provider},
})

export const ci: SentToken = {name: 'ci'}
export const ann: Person = {email: 'ann@example.com'}
