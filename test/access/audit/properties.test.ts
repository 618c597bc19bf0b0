import fc from 'fast-check'
import {expect, it} from 'vitest'
import type {UsageRow} from '../../../src/lib/access/activity/usage.js'
import {auditOf} from '../../../src/lib/access/audit/audit.js'
import type {AuditFacts, Finding} from '../../../src/lib/access/audit/types.js'
import type {Application, Group, Rule} from '../../../src/lib/api/types.js'
import {reachOf} from '../../../src/lib/policy/reach.js'
import {groupsById} from '../../../src/lib/policy/references.js'
import {
  ago,
  anyToken,
  app,
  factsOf,
  group,
  inGroup,
  letIn,
  named,
  rule,
  token,
  type World,
} from './audited-account.js'
import {untilCovered} from '../../support/covering.js'

const TOKENS = ['a', 'b', 'c', 'd']
const GROUPS = ['g', 'h']
const RULES = ['p', 'q', 'r', 's']
const APPS = ['One', 'Two', 'Three']

const entry = fc.oneof(
  {weight: 5, arbitrary: fc.constantFrom(...TOKENS).map(named)},
  {weight: 2, arbitrary: fc.constantFrom(...GROUPS).map(inGroup)},
  {weight: 1, arbitrary: fc.constantFrom<Rule>(anyToken, {everyone: {}}, {ip: {ip: '203.0.113.0/24'}})},
)
const entries = (minLength: number, maxLength: number): fc.Arbitrary<Rule[]> =>
  fc.array(entry, {minLength, maxLength})
const days = fc.constantFrom(1, 40, 89, 200)

const rules = fc.tuple(
  ...RULES.map((name) =>
    fc
      .record({
        include: entries(1, 3),
        require: entries(0, 1),
        exclude: entries(0, 1),
        decision: fc.constantFrom('non_identity', 'non_identity', 'non_identity', 'bypass', 'allow', 'deny'),
        createdAt: fc.constantFrom(ago(300), ago(300), ago(20)),
      })
      .map(({include, ...more}) => rule(name, include, more)),
  ),
)

/** Accounts, and uses of them: each by a rule, or by one that is not known. */
const world: fc.Arbitrary<World> = fc
  .record({
    policies: rules,
    groups: fc.tuple(...GROUPS.map((name) => fc.tuple(entries(1, 3), entries(0, 1)).map(([include, exclude]) => group(name, include, {exclude})))),
    links: fc.tuple(...APPS.map(() => fc.subarray(RULES))),
    answers401: fc.boolean(),
    uses: fc.array(fc.tuple(fc.constantFrom(...TOKENS, 'gone'), fc.constantFrom(...APPS), fc.option(fc.constantFrom(...RULES), {nil: undefined}), days), {maxLength: 8}),
    seen: fc.tuple(...TOKENS.map(() => fc.option(days, {nil: undefined}))),
  })
  .map(({policies, groups, links, answers401, uses, seen}) => ({
    tokens: TOKENS.map((name, at) => token(name, {lastSeenAt: seen[at] === undefined ? undefined : ago(seen[at])})),
    groups,
    apps: APPS.map((name, at) => app(name, policies.filter((one) => links[at]?.includes(one.name)), {answers401})),
    uses: uses.map(([name, at, by, last]) => letIn(name, at, by, last)),
  })) // prettier-ignore

const isRecent = ({allowed, last}: UsageRow): boolean => allowed && last >= ago(90).slice(0, 10)
const ofRights = ({findings}: {findings: Finding[]}): Finding[] =>
  findings.filter(({kind}) => kind.startsWith('unused-'))

/** The account after the commands of a finding. */
function after(facts: AuditFacts, {kind, subject}: Finding): {apps: Application[]; groups: Group[]} {
  const {applications, groups} = facts.account
  const left = (include: Rule[]): Rule[] =>
    include.filter(
      (one) => JSON.stringify(one) !== JSON.stringify({service_token: {token_id: subject.token?.id}}),
    )
  if (kind === 'unused-in-group')
    return {
      apps: [...applications],
      groups: groups.map((one) =>
        one.id === subject.group?.id ? {...one, include: left(one.include)} : one,
      ),
    }
  const change = (one: Application): Application => ({
    ...one,
    policies: one.policies.flatMap((policy) => {
      if (policy.id !== subject.rule?.id) return [policy]
      if (kind === 'unused-in-rule') return [{...policy, include: left(policy.include)}]
      return one.id === subject.application?.id ? [] : [policy]
    }),
  })
  return {apps: applications.map(change), groups: [...groups]}
}

it('proposes to take away no right by which a token was let in', () => {
  fc.assert(
    fc.property(world, (one) => {
      const facts = factsOf(one)
      const recent = (one.uses ?? []).filter(isRecent)
      for (const {kind, subject} of ofRights(auditOf(facts))) {
        for (const {tokenId, applicationId, policyId} of recent) {
          if (kind === 'unused-rule' && subject.application?.id === applicationId)
            expect(policyId, 'the rule was used').not.toBe(subject.rule?.id)
          if (kind === 'unused-in-rule' && subject.token?.id === tokenId)
            expect(policyId, 'the rule let the token in').not.toBe(subject.rule?.id)
        }
      }
    }),
    {numRuns: 150},
  )
})

it('closes and narrows nothing that was used, opens nothing, and says all that it closes', () => {
  const rank = {no: 0, conditional: 1, yes: 2}
  fc.assert(
    fc.property(world, (one) => {
      const facts = factsOf(one)
      const had = groupsById(facts.account.groups)
      const used = new Set(
        (one.uses ?? []).filter(isRecent).map((row) => `${row.tokenId} ${row.applicationId}`),
      )
      for (const found of ofRights(auditOf(facts)).filter(({next}) => next.length > 0)) {
        const {apps, groups} = after(facts, found)
        const has = groupsById(groups)
        for (const [at, changed] of apps.entries()) {
          const before = facts.account.applications[at]
          if (!before) continue
          for (const id of [...TOKENS.map((name) => `token-${name}`), 'token-other']) {
            const [was, is] = [reachOf(id, before, had), reachOf(id, changed, has)]
            const isSaid = found.closes.some(
              ({token: closed, application}) => application.id === changed.id && (closed?.id ?? id) === id,
            )
            expect(rank[is], 'it opens something').toBeLessThanOrEqual(rank[was])
            if (rank[is] === rank[was]) continue
            expect(isSaid, 'it does not say what it closes').toBe(true)
            expect(used.has(`${id} ${changed.id}`), 'it closes what was used').toBe(false)
          }
        }
      }
    }),
    {numRuns: 150},
  )
})

it('does not depend on the order of the account, and proposes something now and then', async () => {
  let proposed = 0
  const shuffled = <T>(all: readonly T[], seed: number): T[] =>
    all
      .map((one, at): [number, T] => [(at * 7919 + seed) % 31, one])
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one)
  const holds = fc.property(world, fc.nat(1000), (one, seed) => {
    const {findings} = auditOf(factsOf(one))
    proposed += findings.filter(({kind, next}) => kind.startsWith('unused-') && next.length > 0).length
    const mixed = auditOf(
      factsOf({
        ...one,
        tokens: shuffled(one.tokens ?? [], seed),
        groups: shuffled(one.groups ?? [], seed).map((each) => ({
          ...each,
          include: shuffled(each.include, seed),
        })),
        apps: shuffled(one.apps ?? [], seed),
        uses: shuffled(one.uses ?? [], seed),
      }),
    ).findings
    // How a trap words its rules is policy/traps.ts's.
    const own = (all: Finding[]): Finding[] => all.filter(({kind}) => kind !== 'trap')
    expect(own(mixed)).toEqual(own(findings))
  })
  await untilCovered(
    () => fc.assert(holds, {numRuns: 120}),
    () => (proposed > 20 ? [] : ['a proposal']),
  )
})
