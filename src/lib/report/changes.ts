import type {
  FindingChange,
  ObjectChange,
  Opening,
  Report,
  ReportApplication,
  ReportChanges,
  ReportFinding,
  ReportToken,
  WayChange,
} from './types.js'

/** What a comparison reads of an earlier report. */
export interface EarlierReport {
  generatedAt: string
  account: {id: string}
  tokens: (Pick<ReportToken, 'id' | 'name' | 'status' | 'expiresAt'> & {
    opens: Pick<Opening, 'application' | 'rule' | 'by' | 'reach' | 'conditions'>[]
  })[]
  applications: (Pick<ReportApplication, 'id' | 'name' | 'addresses'> & {
    open: Pick<ReportApplication['open'][number], 'rule' | 'by' | 'reach' | 'conditions'>[]
  })[]
  rules: {id: string; name: string}[]
  findings: Pick<ReportFinding, 'kind' | 'trap' | 'about' | 'token' | 'application' | 'rule' | 'group'>[]
}

/** What is different now. Objects are the same by their ID; a way is the same by token, application, rule and conditions. */
export function changesSince(earlier: EarlierReport, now: Omit<Report, 'changes'>): ReportChanges {
  const names = {
    token: namesOf(earlier.tokens, now.tokens),
    application: namesOf(earlier.applications, now.applications),
    rule: namesOf(earlier.rules, now.rules),
  }
  const [had, has] = [waysOf(earlier), waysOf(now)]
  const only = (some: ReadonlyMap<string, Way>, others: ReadonlyMap<string, Way>): WayChange[] =>
    [...some]
      .filter(([key]) => !others.has(key))
      .map(([, {token, application, rule}]) => ({
        token: token === null ? 'every service token' : names.token(token),
        application: names.application(application),
        rule: names.rule(rule),
      }))
  const [hadFindings, hasFindings] = [earlier.findings, now.findings].map(
    (all) => new Map(all.map((one) => [findingKey(one), {kind: one.kind, trap: one.trap, about: one.about}])),
  ) as [Map<string, FindingChange>, Map<string, FindingChange>]
  const without = (some: Map<string, FindingChange>, others: Map<string, FindingChange>): FindingChange[] =>
    [...some].filter(([key]) => !others.has(key)).map(([, one]) => one)
  return {
    since: earlier.generatedAt,
    tokens: objectChanges(earlier.tokens, now.tokens, tokenFacts),
    applications: objectChanges(earlier.applications, now.applications, ({name, addresses}) => ({
      name,
      addresses: addresses.join(', '),
    })),
    opened: only(has, had),
    closed: only(had, has),
    findings: {new: without(hasFindings, hadFindings), gone: without(hadFindings, hasFindings)},
  }
}

function tokenFacts({name, status, expiresAt}: EarlierReport['tokens'][number]): Record<string, string> {
  return {name, status, expires: expiresAt?.slice(0, 10) ?? 'never'}
}

type Named = readonly {id: string; name: string}[]

/** The name of an object by its ID: the later one, if it still exists. */
function namesOf(...all: Named[]): (id: string) => string {
  const names = new Map(all.flat().map(({id, name}) => [id, name]))
  return (id) => names.get(id) ?? id
}

function objectChanges<T extends {id: string; name: string}>(
  earlier: readonly T[],
  now: readonly T[],
  factsOf: (one: T) => Record<string, string>,
): ObjectChange[] {
  const had = new Map(earlier.map((one) => [one.id, one]))
  const has = new Set(now.map(({id}) => id))
  const one = (
    {id, name}: T,
    change: ObjectChange['change'],
    from?: string[],
    to?: string[],
  ): ObjectChange => ({
    ...{id, name, change},
    ...{from: from?.join('; ') ?? null, to: to?.join('; ') ?? null},
  })
  return [
    ...now.flatMap((later): ObjectChange[] => {
      const before = had.get(later.id)
      if (!before) return [one(later, 'new')]
      const [was, is] = [factsOf(before), factsOf(later)]
      const differ = Object.keys(is).filter((key) => was[key] !== is[key])
      const say = (facts: Record<string, string>): string[] =>
        differ.map((key) => `${key} ${facts[key] ?? ''}`)
      return differ.length > 0 ? [one(later, 'changed', say(was), say(is))] : []
    }),
    ...earlier.filter(({id}) => !has.has(id)).map((gone) => one(gone, 'gone')),
  ]
}

interface Way {
  /** Null: every token. */
  token: string | null
  application: string
  rule: string
}

/** The ways that the rules open, whoever uses them. */
function waysOf({tokens, applications}: Pick<EarlierReport, 'tokens' | 'applications'>): Map<string, Way> {
  const all = new Map<string, Way>()
  const add = (
    token: string | null,
    application: string,
    {rule, reach, conditions}: {rule: string | null; reach: string; conditions: readonly string[]},
  ): void => {
    if (rule === null) return
    const key = JSON.stringify([token, application, rule, reach, [...conditions].sort()])
    all.set(key, {token, application, rule})
  }
  for (const {id, opens} of tokens)
    for (const one of opens) if (one.by === 'named') add(id, one.application, one)
  for (const {id, open} of applications) for (const one of open) add(null, id, one)
  return all
}

function findingKey({
  trap,
  kind,
  token,
  application,
  rule,
  group,
  about,
}: EarlierReport['findings'][number]): string {
  const ids = [token, application, rule, group]
  return JSON.stringify([kind, trap, ...ids, ids.every((id) => id === null) ? about : ''])
}
