import type {Application, Decision, Group, Policy, Rule, ServiceToken} from '../../../src/lib/api/types.js'
import {auditOf} from '../../../src/lib/access/audit/audit.js'
import type {FindingKind} from '../../../src/lib/access/audit/kinds.js'
import type {Audit, AuditFacts, Finding} from '../../../src/lib/access/audit/types.js'
import type {UsageRow} from '../../../src/lib/access/activity/usage.js'
import {tokenStatus} from '../../../src/lib/access/tokens/list.js'
import {rightsOf} from '../../../src/lib/policy/rights.js'
import {trapsOf} from '../../../src/lib/policy/traps.js'
import type {IndexEntry} from '../../../src/lib/secrets/index-files.js'

const NOW = Date.parse('2026-11-28T12:00:00Z')
const DAY = 24 * 3600_000

/** A time so many days before now; negative: after. */
export function ago(days: number): string {
  return new Date(NOW - days * DAY).toISOString()
}

/** In use, a year old, with another year to go. */
export function token(name: string, more: Partial<ServiceToken> = {}): ServiceToken {
  return {
    ...{id: `token-${name}`, clientId: `${name}.access`, name, duration: '8760h', enabled: true},
    ...{expiresAt: ago(-365), createdAt: ago(400), updatedAt: ago(400), lastSeenAt: ago(1), secretVersion: 1},
    ...more,
  }
}

export const named = (name: string): Rule => ({service_token: {token_id: `token-${name}`}})
export const inGroup = (name: string): Rule => ({group: {id: `group-${name}`}})
export const anyToken: Rule = {any_valid_service_token: {}}

interface RuleOptions {
  decision?: Decision
  require?: Rule[]
  exclude?: Rule[]
  createdAt?: string | undefined
  updatedAt?: string
  inline?: boolean
}

export function rule(name: string, include: Rule[], more: RuleOptions = {}): Policy {
  const {decision = 'non_identity', require = [], exclude = [], inline = false} = more
  const createdAt = 'createdAt' in more ? more.createdAt : ago(300)
  const id = `policy-${name}`
  return {
    ...{id, name, decision, include, require, exclude, precedence: undefined, reusable: !inline},
    raw: {id, created_at: createdAt, updated_at: more.updatedAt ?? createdAt},
  }
}

export function app(
  name: string,
  policies: Policy[],
  more: {createdAt?: string; answers401?: boolean; scim?: string} = {},
): Application {
  const domain = `${name.toLowerCase()}.widgetcorp.tech`
  const scim = more.scim === undefined ? {} : {scim_config: {authentication: {scheme: 'access_service_token', client_id: more.scim}}} // prettier-ignore
  return {
    ...{id: `app-${name}`, name, type: 'self_hosted', domain, domains: [domain], policies},
    serviceAuth401Redirect: more.answers401 ?? false,
    raw: {id: `app-${name}`, created_at: more.createdAt ?? ago(350), ...scim},
  }
}

export function group(
  name: string,
  include: Rule[],
  more: {exclude?: Rule[]; require?: Rule[]; createdAt?: string} = {},
): Group {
  const id = `group-${name}`
  const {exclude = [], require = [], createdAt = ago(300)} = more
  return {id, name, include, exclude, require, raw: {id, created_at: createdAt, updated_at: createdAt}}
}

export function stored(name: string, more: Partial<IndexEntry> = {}): IndexEntry {
  return {
    ...{tokenId: `token-${name}`, clientId: `${name}.access`, name, profile: 'default', accountId: 'account'},
    ...{store: 'vault', storedAt: ago(300), expiresAt: undefined},
    ...more,
  }
}

/** A token was let in by a rule so many days ago; without a rule, the record does not say by which. */
export function letIn(name: string, at: string, by: string | undefined, days = 2): UsageRow {
  return {
    ...{tokenId: `token-${name}`, applicationId: `app-${at}`, allowed: true, count: 7},
    policyId: by === undefined ? undefined : `policy-${by}`,
    last: ago(days).slice(0, 10),
  }
}

export interface World {
  tokens?: ServiceToken[]
  apps?: Application[]
  groups?: Group[]
  /** Of the account, on no application. */
  policies?: Policy[]
  uses?: UsageRow[]
  stored?: IndexEntry[]
  facts?: Partial<AuditFacts>
}

/** The facts of an account, with the rights and traps that its rules have. */
export function factsOf({
  tokens = [],
  apps = [],
  groups = [],
  policies = [],
  uses = [],
  ...world
}: World): AuditFacts {
  const shared = new Map([...policies, ...apps.flatMap((one) => one.policies)].map((one) => [one.id, one]))
  const account = {
    policies: [...shared.values()].filter(({reusable}) => reusable !== false),
    groups,
    applications: apps,
  }
  return {
    ...{
      now: NOW,
      accountId: 'account',
      expiringMs: 30 * DAY,
      unusedMs: 90 * DAY,
      account,
      tokens,
      unread: [],
      zones: {of: () => undefined, unread: []},
    },
    stored: world.stored ?? tokens.map(({name}) => stored(name)),
    gone: [],
    usage: {since: ago(90), until: ago(0), rows: uses, incomplete: undefined},
    rights: rightsOf(account, tokens),
    traps: trapsOf(
      account,
      tokens.map((one) => ({...one, status: tokenStatus(one, NOW)})),
    ),
    say: {profile: 'default', profileNamed: false},
    ...world.facts,
  }
}

export function audited(world: World): Audit {
  return auditOf(factsOf(world))
}

export function ofKind({findings}: Audit, kind: FindingKind): Finding[] {
  return findings.filter((one) => one.kind === kind)
}

/** Of an account in which all is well: each token has a rule and was let in by it. */
export const CLEAN: World = {
  tokens: [token('ci'), token('cd')],
  groups: [group('robots', [named('cd'), named('ci')])],
  apps: [app('GitLab', [rule('CI', [named('ci')])]), app('Build', [rule('Robots', [inGroup('robots')])])],
  uses: [letIn('ci', 'GitLab', 'CI'), letIn('cd', 'Build', 'Robots'), letIn('ci', 'Build', 'Robots')],
}
