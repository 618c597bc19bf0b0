import type {Application, Policy, ServiceToken} from '../../api/types.js'
import {isJsonObject} from '../../core/json.js'
import type {AccountRules} from '../../policy/references.js'
import type {Right, Rights} from '../../policy/rights.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../policy/rule-words.js'
import {
  REPORT_FORM,
  type Opening,
  type Report,
  type ReportApplication,
  type ReportFinding,
  type ReportToken,
} from '../../report/types.js'
import type {Usage, UsageRow} from '../activity/usage.js'
import {actionName} from '../rules/action-name.js'
import {tokenStatus} from '../tokens/list.js'

/** Everything that a report says something about. */
export interface ReportFacts {
  account: Report['account']
  rules: AccountRules
  tokens: readonly ServiceToken[]
  rights: Rights
  usage: Usage
  /** The most pressing first. */
  findings: readonly ReportFinding[]
  /** The server's time, in milliseconds. */
  now: number
  /** Of zt. */
  version: string
}

/** A token that ends within this time is counted as expiring. */
const SOON_MS = 30 * 86_400_000

/** The access review of an account. Its work grows with the rules and the record, not with tokens times applications. */
export function buildReport(facts: ReportFacts): Omit<Report, 'changes'> {
  const {tokens, rules, rights, usage, now} = facts
  const policies = policiesOf(rules)
  const words = wordsOf(facts)
  const use = useByToken(usage)
  const applications = new Map(rules.applications.map((one) => [one.id, newApplication(one)]))
  const every = new Map(rights.every.map((right) => [wayKey(right), right]))
  for (const right of rights.every) {
    const {applicationId, policyId, by, reach} = right
    if (by === 'named') continue
    applications
      .get(applicationId)
      ?.open.push({rule: policyId, by, reach, conditions: words.conditions(right)})
  }
  const since = Date.parse(usage.since)
  const isOlder = (time: string | undefined): boolean => time !== undefined && Date.parse(time) < since
  const ofTokens = tokens.map((token): ReportToken => {
    const record = use.get(token.id) ?? {allowed: new Map<string, UsageRow[]>(), refused: []}
    const old = isOlder(token.createdAt)
    const opening = (right: Right, rows: readonly UsageRow[], sure: boolean): Opening => {
      const uses = rows.length > 0 ? sum(rows) : sure ? 0 : null
      const unused = uses === 0 && old && isOlder(policies.get(right.policyId)?.createdAt)
      return {
        ...{application: right.applicationId, rule: right.policyId, by: right.by},
        ...{through: right.through.map(words.group), reach: right.reach, conditions: words.conditions(right)},
        ...{uses, last: latest(rows), unused},
      }
    }
    const named = widest(rights.named.get(token.id) ?? [])
    const opens = named.map((right) => {
      const rows = record.allowed.get(right.applicationId) ?? []
      const own = rows.filter(({policyId}) => policyId === right.policyId)
      // A use by a rule that the record does not name may be this one's.
      return opening(
        right,
        own,
        usage.incomplete === undefined && rows.every(({policyId}) => policyId !== undefined),
      )
    })
    const known = new Set(named.map(wayKey))
    const formerly: Opening[] = []
    for (const row of [...record.allowed.values()].flat()) {
      const key = `${row.applicationId} ${row.policyId ?? ''}`
      const right = every.get(key)
      if (known.has(key)) continue
      if (right) opens.push(opening(right, [row], true))
      else
        formerly.push({
          ...{application: row.applicationId, rule: row.policyId ?? null, by: 'unknown', through: []},
          ...{reach: 'yes', conditions: [], uses: row.count, last: row.last, unused: false},
        })
    }
    countFor(applications, opens, record)
    const allowed = [...record.allowed.values()].flat()
    return {
      ...{
        id: token.id,
        name: token.name,
        status: tokenStatus(token, now),
        createdAt: token.createdAt ?? null,
      },
      ...{expiresAt: token.expiresAt ?? null, lastSeenAt: token.lastSeenAt ?? null},
      ...{allowed: sum(allowed), refused: sum(record.refused), lastUse: latest(allowed), opens, formerly},
    }
  })
  const ends = (token: ReportToken): number =>
    token.expiresAt === null ? Infinity : Date.parse(token.expiresAt) - now
  const named = ofTokens.flatMap(({opens}) => opens).filter(({by}) => by === 'named')
  return {
    form: REPORT_FORM,
    generatedAt: new Date(now).toISOString(),
    zt: facts.version,
    account: facts.account,
    record: {since: usage.since, until: usage.until, incomplete: usage.incomplete ?? null},
    counts: {
      tokens: tokens.length,
      active: ofTokens.filter(({status}) => status === 'active').length,
      expiring: ofTokens.filter((one) => one.status === 'active' && ends(one) <= SOON_MS).length,
      applications: rules.applications.length,
      ways: named.length,
      unused: named.filter(({unused}) => unused).length,
      findings: facts.findings.length,
      action: facts.findings.filter(({severity}) => severity === 'action').length,
    },
    tokens: ofTokens.sort(byName),
    applications: [...applications.values()].sort(byName),
    rules: [...policies.values()].map(({id, name, action}) => ({id, name, action})).sort(byName),
    findings: [...facts.findings],
  }
}

const byName = (a: {name: string; id: string}, b: {name: string; id: string}): number =>
  compare(a.name.toLowerCase(), b.name.toLowerCase()) || compare(a.id, b.id)
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const wayKey = ({applicationId, policyId}: Pick<Right, 'applicationId' | 'policyId'>): string =>
  `${applicationId} ${policyId}`

const sum = (rows: readonly UsageRow[]): number => rows.reduce((total, {count}) => total + count, 0)
const latest = (rows: readonly UsageRow[]): string | null =>
  rows.reduce<string | null>((last, row) => (last === null || row.last > last ? row.last : last), null)

/** One way for each rule and application: the shortest and widest, where a token gets in by a rule in several. */
function widest(rights: readonly Right[]): Right[] {
  const best = new Map<string, Right>()
  const rank = ({reach, conditions, through}: Right): number =>
    (reach === 'yes' ? 0 : 1_000_000) + conditions.length * 1000 + through.length
  for (const right of rights) {
    const other = best.get(wayKey(right))
    if (!other || rank(right) < rank(other)) best.set(wayKey(right), right)
  }
  return [...best.values()]
}

interface TokenUse {
  /** By application. */
  allowed: Map<string, UsageRow[]>
  refused: UsageRow[]
}

function useByToken({rows}: Usage): Map<string, TokenUse> {
  const all = new Map<string, TokenUse>()
  for (const row of rows) {
    const use = all.get(row.tokenId) ?? {allowed: new Map<string, UsageRow[]>(), refused: []}
    all.set(row.tokenId, use)
    if (!row.allowed) use.refused.push(row)
    else {
      const others = use.allowed.get(row.applicationId)
      if (others) others.push(row)
      else use.allowed.set(row.applicationId, [row])
    }
  }
  return all
}

function newApplication({id, name, type, domains}: Application): ReportApplication {
  return {id, name, type, addresses: domains, open: [], tokens: 0, used: 0, allowed: 0, refused: 0}
}

/** Adds what one token opens, and how it used it, to the applications. */
function countFor(
  applications: ReadonlyMap<string, ReportApplication>,
  opens: readonly Opening[],
  {allowed, refused}: TokenUse,
): void {
  const named = new Set(opens.filter(({by}) => by === 'named').map(({application}) => application))
  for (const id of named) {
    const application = applications.get(id)
    if (!application) continue
    application.tokens++
    if (allowed.has(id)) application.used++
  }
  for (const [id, rows] of allowed) {
    const application = applications.get(id)
    if (application) application.allowed += sum(rows)
  }
  for (const {applicationId, count} of refused) {
    const application = applications.get(applicationId)
    if (application) application.refused += count
  }
}

interface KnownPolicy {
  id: string
  name: string
  action: string
  createdAt: string | undefined
}

/** Every policy of the account and of its applications, by ID. */
function policiesOf({policies, applications}: AccountRules): Map<string, KnownPolicy> {
  const all = new Map<string, KnownPolicy>()
  const add = ({id, name, decision, raw}: Policy): void => {
    const createdAt = raw['created_at']
    all.set(id, {
      ...{id, name, action: actionName(decision)},
      createdAt:
        typeof createdAt === 'string' && !Number.isNaN(Date.parse(createdAt)) ? createdAt : undefined,
    })
  }
  for (const application of applications) for (const policy of application.policies) add(policy)
  for (const policy of policies) add(policy)
  return all
}

/** Conditions and Access groups in words; each condition is worded once. */
function wordsOf({rules, tokens}: ReportFacts): {
  conditions: (right: Right) => string[]
  group: (id: string) => string
} {
  const groups = nameLookup([...rules.groups])
  const names: RuleNames = {serviceToken: nameLookup([...tokens]), group: groups}
  const said = new WeakMap<object, string>()
  const condition = ({part, rule}: Right['conditions'][number]): string => {
    const known = isJsonObject(rule) ? said.get(rule) : undefined
    const words = known ?? ruleInWords(rule, names)
    said.set(rule, words)
    return `${part} ${words}`
  }
  return {
    conditions: ({conditions}) => conditions.map(condition),
    group: (id) => groups(id) ?? id,
  }
}
