import type {Report, ReportApplication, ReportFinding, ReportToken} from '../../src/lib/report/types.js'

const NOW = Date.parse('2026-11-28T09:00:00Z')
const DAY = 86_400_000
const at = (days: number): string => new Date(NOW + days * DAY).toISOString()

const MACHINES = ['gitlab-runner', 'deploy', 'backup', 'metrics', 'terraform', 'nightly', 'mirror', 'scanner']
const PLACES = ['GitLab', 'Grafana', 'Registry', 'Vault', 'Wiki', 'Build', 'Postgres', 'Queue']

/** A report of any size: each token opens about every `step`th application, and uses two thirds of what it opens. */
export function reportOf({
  tokens = 12,
  applications = 16,
  step = 3,
}: {tokens?: number; applications?: number; step?: number} = {}): Report {
  const apps = Array.from({length: applications}, (_, index): ReportApplication => {
    const name = `${PLACES[index % PLACES.length] ?? ''}${index < PLACES.length ? '' : ` ${Math.floor(index / PLACES.length) + 1}`}`
    const open =
      index % 11 === 4
        ? [{rule: 'rule-any', by: 'any-token' as const, reach: 'yes' as const, conditions: []}]
        : []
    return {
      ...{id: `app-${index}`, name, type: index % 5 === 0 ? 'ssh' : 'self_hosted', open},
      zone: index % 13 === 6 ? 'widgetcorp.tech' : null,
      addresses: [`${name.toLowerCase().replaceAll(' ', '-')}.widgetcorp.tech`],
      ...{tokens: 0, used: 0, allowed: 0, refused: 0},
    }
  })
  const all = Array.from({length: tokens}, (_, index): ReportToken => {
    const expires = index % 9 === 7 ? null : at(((index * 53) % 420) - 25)
    const opens = apps.flatMap((application, place): ReportToken['opens'] => {
      if ((place + index * 7) % step !== 0) return []
      const uses = (place * 31 + index * 17) % 7 < 2 ? 0 : (place * 997 + index * 131) % 4000
      application.tokens++
      if (uses > 0) application.used++
      application.allowed += uses
      const through = place % 4 === 0 ? ['build machines'] : []
      const conditions = place % 5 === 2 ? ['require country DE'] : []
      return [
        {
          ...{
            application: application.id,
            rule: place % 4 === 0 ? 'rule-group' : 'rule-own',
            by: 'named',
            through,
          },
          ...{reach: conditions.length > 0 ? 'conditional' : 'yes', conditions, uses},
          ...{last: uses > 0 ? at(-(place % 80)).slice(0, 10) : null, unused: uses === 0},
        },
      ]
    })
    const name = `${MACHINES[index % MACHINES.length] ?? ''}${index < MACHINES.length ? '' : `-${Math.floor(index / MACHINES.length) + 1}`}`
    return {
      ...{
        id: `token-${index}`,
        name,
        zone: null,
        createdAt: at(-300),
        expiresAt: expires,
        lastSeenAt: index % 6 === 5 ? null : at(-(index % 30)),
      },
      status:
        expires !== null && Date.parse(expires) <= NOW ? 'expired' : index % 10 === 6 ? 'disabled' : 'active',
      allowed: opens.reduce((sum, {uses}) => sum + (uses ?? 0), 0),
      ...{refused: index % 4 === 1 ? index * 3 : 0, lastUse: at(-1).slice(0, 10), opens, formerly: []},
    }
  })
  const findings = all.flatMap((token): ReportFinding[] => {
    const none = {trap: null, closes: [], application: null, rule: null, group: null, token: token.id}
    return [
      ...(token.status === 'expired'
        ? [
            {
              kind: 'expired',
              severity: 'action' as const,
              about: token.name,
              why: `It expired on ${(token.expiresAt ?? '').slice(0, 10)}, and rules still name it.`,
              next: [`zt token refresh ${token.name}`],
              ...none,
            },
          ]
        : []),
      ...token.opens
        .filter(({unused}) => unused)
        .slice(0, 1)
        .map((one): ReportFinding => {
          const application = apps.find(({id}) => id === one.application)?.name ?? ''
          return {
            kind: 'unused-right',
            severity: 'notice',
            about: `${token.name} on ${application}`,
            why: 'This rule has not let it in for 90 days.',
            next: [`zt app remove-rule ${application} --token ${token.name}`],
            ...none,
            application: one.application,
          }
        }),
    ]
  })
  findings.sort((a, b) => Number(b.severity === 'action') - Number(a.severity === 'action'))
  const ways = all.flatMap(({opens}) => opens)
  return {
    ...{form: 1, generatedAt: at(0), zt: '0.1.0', account: {id: 'account', name: 'Widgetcorp'}},
    record: {since: at(-90), until: at(0), incomplete: null},
    counts: {
      ...{tokens, active: all.filter(({status}) => status === 'active').length, expiring: 2, applications},
      ...{ways: ways.length, unused: ways.filter(({unused}) => unused).length, findings: findings.length},
      action: findings.filter(({severity}) => severity === 'action').length,
    },
    tokens: all,
    applications: apps,
    rules: [
      {id: 'rule-group', name: 'Build machines', action: 'Service Auth'},
      {id: 'rule-own', name: 'Machines', action: 'Service Auth'},
      {id: 'rule-any', name: 'Any machine', action: 'Service Auth'},
    ],
    findings,
    ...{notChecked: [], changes: null},
  }
}

/** The same report with other names for everything that someone names. */
export function renamed(report: Report, name: (old: string) => string): Report {
  const conditions = (all: string[]): string[] => all.map(name)
  return {
    ...report,
    account: {...report.account, name: name(report.account.name ?? '')},
    tokens: report.tokens.map((token) => ({
      ...token,
      name: name(token.name),
      opens: token.opens.map((one) => ({
        ...{...one, through: one.through.map(name), conditions: conditions(one.conditions)},
      })),
    })),
    applications: report.applications.map((one) => ({
      ...{...one, name: name(one.name), type: name(one.type), addresses: one.addresses.map(name)},
    })),
    rules: report.rules.map((one) => ({...one, name: name(one.name), action: name(one.action)})),
    findings: report.findings.map((one) => ({
      ...{...one, about: name(one.about), why: name(one.why), next: one.next.map(name)},
    })),
  }
}
