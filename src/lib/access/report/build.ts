import type {Application} from '../../api/types.js'
import type {Part} from '../../core/progress.js'
import type {Right} from '../../policy/rights.js'
import {nameLookup, ruleInWords, type RuleNames} from '../../policy/rule-words.js'
import {
  REPORT_FORM,
  type Opening,
  type Report,
  type ReportApplication,
  type ReportFinding,
  type ReportToken,
} from '../../report/types.js'
import type {UsageRow} from '../activity/usage.js'
import {auditOf, mainOf} from '../audit/audit.js'
import {policiesOf} from '../audit/naming.js'
import {RightUses} from '../audit/right-uses.js'
import type {AuditFacts, Finding} from '../audit/types.js'
import {UseRecord} from '../audit/use-record.js'
import {actionName} from '../rules/action-name.js'
import {tokenStatus} from '../tokens/list.js'

/** How many service tokens there are from one to the next. */
const AT_ONCE = 250

/**
 * The access review of an account. The audit judges what is unused and what needs attention, so that both say the same.
 * The work grows with the rules, the rights and the record, and not with tokens times applications. It says now and then
 * how much is done.
 *
 * @param zt version of zt
 */
export function* buildReport(
  facts: AuditFacts,
  {account, zt}: Pick<Report, 'account' | 'zt'>,
): Generator<Part, Omit<Report, 'changes'>, void> {
  const {tokens, rights, usage, now} = facts
  const part = (done: number): Part => ({done, of: tokens.length, unit: 'service tokens'})
  yield part(0)
  const record = new UseRecord(facts)
  const uses = new RightUses(facts, record)
  const audit = auditOf(facts, record, uses)
  const applications = new Map(
    facts.account.applications.map((one) => [one.id, reportApplication(one, facts.zones.of(one.id))]),
  )
  const words = wordsOf(facts)
  const openingOf = openings(facts, {words, record, uses})
  for (const {applicationId, policyId, by, reach, ...right} of rights.every)
    if (by !== 'named')
      applications
        .get(applicationId)
        ?.open.push({rule: policyId, by, reach, conditions: words.conditions(right)})
  const every = new Map<string, Map<string, Right>>()
  for (const right of rights.every) mapIn(every, right.applicationId).set(right.policyId, right)
  const use = useByToken(usage?.rows ?? [])
  const ofTokens: ReportToken[] = []
  for (const [at, token] of tokens.entries()) {
    if (at % AT_ONCE === 0) yield part(at)
    const {allowed = [], refused = []} = use.get(token.id) ?? {}
    const rows = new Map<string, Map<string | undefined, UsageRow>>()
    for (const row of allowed) mapIn(rows, row.applicationId).set(row.policyId, row)
    const except = rights.except.get(token.id)
    const byItsOwn = new Set<UsageRow>()
    const opens = (rights.named.get(token.id) ?? []).map((right) => {
      const row = rows.get(right.applicationId)?.get(right.policyId)
      if (row) byItsOwn.add(row)
      return openingOf(token.id, right, row)
    })
    const formerly: Opening[] = []
    for (const [applicationId, ofRules] of rows)
      for (const [policyId = '', row] of ofRules) {
        if (byItsOwn.has(row)) continue
        const right = except?.has(policyId) === true ? undefined : every.get(applicationId)?.get(policyId)
        if (right) opens.push(openingOf(token.id, right, row))
        else formerly.push(noLongerOpen(row))
      }
    addTo(applications, opens, allowed, refused)
    ofTokens.push({
      ...{
        id: token.id,
        name: token.name,
        zone: facts.zones.of(token.id) ?? null,
        status: tokenStatus(token, now),
        createdAt: token.createdAt ?? null,
      },
      ...{expiresAt: token.expiresAt ?? null, lastSeenAt: token.lastSeenAt ?? null},
      ...{allowed: sum(allowed), refused: sum(refused), lastUse: latest(allowed), opens, formerly},
    })
  }
  const findings = audit.findings.map(reportFinding).sort((a, b) => rank(a) - rank(b))
  const named = ofTokens.flatMap(({opens}) => opens).filter(({by}) => by === 'named')
  const active = ofTokens.filter(({status}) => status === 'active')
  return {
    form: REPORT_FORM,
    generatedAt: new Date(now).toISOString(),
    zt,
    account,
    record: {
      since: usage?.since ?? new Date(now).toISOString(),
      until: usage?.until ?? new Date(now).toISOString(),
      incomplete: record.incomplete ?? null,
    },
    counts: {
      tokens: tokens.length,
      active: active.length,
      expiring: active.filter(
        ({expiresAt}) => expiresAt !== null && Date.parse(expiresAt) - now <= facts.expiringMs,
      ).length,
      applications: applications.size,
      ways: named.length,
      unused: named.filter(({unused}) => unused).length,
      findings: findings.length,
      action: findings.filter(({severity}) => severity === 'action').length,
    },
    tokens: ofTokens.sort(byName),
    applications: [...applications.values()].sort(byName),
    rules: policiesOf(facts.account)
      .map(({id, name, decision}) => ({id, name, action: actionName(decision)}))
      .sort(byName),
    findings,
    notChecked: [...new Set(audit.notChecked.map(({kinds, why}) => `${kinds.join(', ')}: ${why}`))],
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
const byName = (a: {name: string; id: string}, b: {name: string; id: string}): number =>
  compare(a.name.toLowerCase(), b.name.toLowerCase()) || compare(a.id, b.id)
const rank = ({severity}: ReportFinding): number => (severity === 'action' ? 0 : 1)

function mapIn<K, V>(maps: Map<string, Map<K, V>>, key: string): Map<K, V> {
  const known = maps.get(key)
  if (known) return known
  const made = new Map<K, V>()
  maps.set(key, made)
  return made
}

const sum = (rows: readonly UsageRow[]): number => rows.reduce((total, {count}) => total + count, 0)
const latest = (rows: readonly UsageRow[]): string | null =>
  rows.reduce<string | null>((last, row) => (last === null || row.last > last ? row.last : last), null)

function useByToken(rows: readonly UsageRow[]): Map<string, {allowed: UsageRow[]; refused: UsageRow[]}> {
  const all = new Map<string, {allowed: UsageRow[]; refused: UsageRow[]}>()
  for (const row of rows) {
    const use = all.get(row.tokenId) ?? {allowed: [], refused: []}
    all.set(row.tokenId, use)
    use[row.allowed ? 'allowed' : 'refused'].push(row)
  }
  return all
}

/** Makes what the report says of one right and its use. */
function openings(
  facts: AuditFacts,
  {words, record, uses}: {words: Words; record: UseRecord; uses: RightUses},
): (tokenId: string, right: Right, row: UsageRow | undefined) => Opening {
  const applications = new Map(facts.account.applications.map((one) => [one.id, one]))
  const state = (tokenId: string, {applicationId, policyId}: Right): 'used' | 'unused' | 'unknown' => {
    const application = applications.get(applicationId)
    const policy = uses.rules.get(policyId)?.policy
    return application && policy && record.incomplete === undefined
      ? uses.state(tokenId, application, policy)
      : 'unknown'
  }
  return (tokenId, right, row) => {
    const unused = row === undefined && state(tokenId, right) === 'unused'
    const {applicationId: application, policyId: rule, by, reach} = right
    const [through, conditions] = [words.through(right), words.conditions(right)]
    const uses = row?.count ?? (unused ? 0 : null)
    return {application, rule, by, through, reach, conditions, uses, last: row?.last ?? null, unused}
  }
}

function noLongerOpen({applicationId, policyId, count, last}: UsageRow): Opening {
  return {
    ...{application: applicationId, rule: policyId ?? null, by: 'unknown', through: [], reach: 'yes'},
    ...{conditions: [], uses: count, last, unused: false},
  }
}

function reportApplication(
  {id, name, type, domains: addresses}: Application,
  zone: string | undefined,
): ReportApplication {
  const counts = {tokens: 0, used: 0, allowed: 0, refused: 0}
  return {id, name, zone: zone ?? null, type, addresses, open: [], ...counts}
}

/** Adds what one token opens, and how it used it, to the applications. */
function addTo(
  applications: ReadonlyMap<string, ReportApplication>,
  opens: readonly Opening[],
  allowed: readonly UsageRow[],
  refused: readonly UsageRow[],
): void {
  const users = new Set(allowed.map(({applicationId}) => applicationId))
  const named = new Set(opens.filter(({by}) => by === 'named').map(({application}) => application))
  for (const id of named) {
    const application = applications.get(id)
    if (application) application.tokens++
  }
  for (const id of users) {
    const application = applications.get(id)
    if (application) application.used++
  }
  for (const {applicationId, count, allowed: letIn} of [...allowed, ...refused]) {
    const application = applications.get(applicationId)
    if (application) application[letIn ? 'allowed' : 'refused'] += count
  }
}

function reportFinding(one: Finding): ReportFinding {
  const {kind, severity, subject, trap, why, next, closes} = one
  const {token, rule, application, group} = subject
  const main = mainOf(one)
  const by = [rule, group].find((other) => other && other !== main)
  return {
    ...{kind, trap: trap ?? null, severity},
    about: [main.name, by && `by ${by.name}`, application && application !== main && `at ${application.name}`]
      .filter(Boolean)
      .join(' '),
    ...{why, next},
    closes: closes.map(
      (closed) =>
        `${closed.token?.name ?? 'every service token'} at ${closed.application.name}${closed.reach === 'no' ? '' : ' (in part)'}`,
    ),
    ...{token: token?.id ?? null, application: application?.id ?? null},
    ...{rule: rule?.id ?? null, group: group?.id ?? null},
  }
}

interface Words {
  conditions: (right: Pick<Right, 'conditions'>) => string[]
  through: (right: Pick<Right, 'through'>) => string[]
}

/** Conditions and Access groups in words. Rights share their lists of them, and each list is worded once. */
function wordsOf({account, tokens}: AuditFacts): Words {
  const groups = nameLookup([...account.groups])
  const names: RuleNames = {serviceToken: nameLookup([...tokens]), group: groups}
  return {
    conditions: eachOnce(
      ({conditions}) => conditions,
      ({part, rule}) => `${part} ${ruleInWords(rule, names)}`,
    ),
    through: eachOnce(
      ({through}) => through,
      (id) => groups(id) ?? id,
    ),
  }
}

function eachOnce<T, K>(listIn: (of: T) => readonly K[], say: (one: K) => string): (of: T) => string[] {
  const said = new WeakMap<readonly K[], string[]>()
  return (of) => {
    const list = listIn(of)
    const words = said.get(list) ?? list.map(say)
    said.set(list, words)
    return words
  }
}
