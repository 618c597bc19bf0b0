import {describe, expect, it} from 'vitest'
import {buildReport} from '../../../src/lib/access/report/build.js'
import type {Opening, Report} from '../../../src/lib/report/types.js'
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
} from '../audit/audited-account.js'

it('says how much is done, from the beginning', () => {
  const tokens = Array.from({length: 600}, (_, at) => token(`t${at}`))
  const building = buildReport(factsOf({tokens}), {account: {id: 'account', name: null}, zt: '1'})
  const parts = [...building]
  expect(new Set(parts.map(({done}) => done))).toEqual(new Set([0, 250, 500]))
  expect(parts.every(({of, unit}) => of === 600 && unit === 'service tokens')).toBe(true)
})

function reported(world: World): Omit<Report, 'changes'> {
  const building = buildReport(factsOf(world), {account: {id: 'account', name: 'Widgetcorp'}, zt: '1'})
  let step = building.next()
  while (step.done !== true) step = building.next()
  return step.value
}

/** What the first token opens, in short. */
const opens = (world: World): Partial<Opening>[] => reported(world).tokens[0]?.opens ?? []

const GITLAB = app('GitLab', [rule('CI', [named('ci')])])
const ci = (world: World = {}): World => ({tokens: [token('ci')], apps: [GITLAB], ...world})

describe('the use of a right', () => {
  it.each<[string, World, Partial<Opening>]>([
    [
      'seen',
      ci({uses: [letIn('ci', 'GitLab', 'CI', 3)]}),
      {uses: 7, last: ago(3).slice(0, 10), unused: false},
    ],
    ['none', ci({uses: [letIn('ci', 'Other', 'x')]}), {uses: 0, last: null, unused: true}],
    [
      'none, but the record is not whole',
      ci({
        tokens: [token('ci', {lastSeenAt: ago(200)})],
        facts: {usage: {since: ago(90), until: ago(0), rows: [], incomplete: 'No permission.'}},
      }),
      {uses: null, unused: false},
    ],
    [
      'none, but the token is new',
      ci({tokens: [token('ci', {createdAt: ago(5)})]}),
      {uses: null, unused: false},
    ],
    [
      'none, but the rule is new',
      ci({
        apps: [app('GitLab', [rule('CI', [named('ci')], {createdAt: ago(5)})])],
        uses: [letIn('ci', 'Other', 'x')],
      }),
      {uses: null, unused: false},
    ],
    [
      'by a rule that is not named',
      ci({uses: [letIn('ci', 'GitLab', undefined)]}),
      {uses: null, unused: false},
    ],
    ['unseen, but Cloudflare saw the token', ci({uses: []}), {uses: null, unused: false}],
  ])('%s', (_, world, expected) => {
    expect(opens(world)).toMatchObject([expected])
  })
})

it('has the groups in between and the conditions in words', () => {
  const world = {
    tokens: [token('ci')],
    groups: [group('robots', [named('ci')])],
    apps: [app('Build', [rule('Robots', [inGroup('robots')], {require: [{geo: {country_code: 'DE'}}]})])],
  }
  expect(opens(world)).toMatchObject([
    {by: 'named', through: ['robots'], reach: 'conditional', conditions: ['require country DE']},
  ])
})

describe('a rule for every token', () => {
  const world = {tokens: [token('ci'), token('cd')], apps: [app('Wiki', [rule('Any', [anyToken])])]}

  it('is with the application, and with a token that used it', () => {
    const {tokens, applications, counts} = reported({...world, uses: [letIn('cd', 'Wiki', 'Any')]})
    expect(applications).toMatchObject([
      {open: [{rule: 'policy-Any', by: 'any-token', reach: 'yes'}], tokens: 0, used: 1, allowed: 7},
    ])
    expect(tokens).toMatchObject([
      {name: 'cd', opens: [{by: 'any-token', uses: 7}]},
      {name: 'ci', opens: []},
    ])
    expect(counts.ways).toBe(0)
  })

  it('that excludes a token is not open to it, whatever the record says', () => {
    const apps = [app('Wiki', [rule('Any', [anyToken], {exclude: [named('ci')]})])]
    const {tokens} = reported({...world, apps, uses: [letIn('ci', 'Wiki', 'Any')]})
    expect(tokens[1]).toMatchObject({
      name: 'ci',
      opens: [],
      formerly: [{rule: 'policy-Any', by: 'unknown', uses: 7}],
    })
  })
})

it('counts for tokens and applications, and says where a token was let in that no longer is', () => {
  const refused = {...letIn('ci', 'GitLab', undefined), allowed: false, count: 3}
  const {tokens, applications, counts} = reported(
    ci({uses: [letIn('ci', 'GitLab', 'CI'), letIn('ci', 'GitLab', 'Gone'), refused]}),
  )
  expect(tokens).toMatchObject([{allowed: 14, refused: 3, formerly: [{rule: 'policy-Gone'}]}])
  expect(applications).toMatchObject([{tokens: 1, used: 1, allowed: 14, refused: 3}])
  expect(counts).toMatchObject({tokens: 1, active: 1, expiring: 0, ways: 1, unused: 0})
})

it('has the findings of the audit, those to act on first, with what they are about and their commands', () => {
  const {findings, counts} = reported(
    ci({
      tokens: [token('ci', {expiresAt: ago(1)}), token('idle', {enabled: false})],
      uses: [letIn('ci', 'GitLab', 'CI')],
    }),
  )
  expect(findings[0]).toMatchObject({kind: 'expired', severity: 'action', about: 'ci', token: 'token-ci'})
  expect(findings.map(({severity}) => severity)).toEqual([...findings.map(({severity}) => severity)].sort())
  expect(counts.action).toBe(findings.filter(({severity}) => severity === 'action').length)
})
