import {describe, expect, it} from 'vitest'
import {KIND_NAMES, KINDS, type FindingKind} from '../../../src/lib/access/audit/kinds.js'
import type {Finding} from '../../../src/lib/access/audit/types.js'
import type {Audit, AuditFacts} from '../../../src/lib/access/audit/types.js'
import {
  ago,
  anyToken,
  app,
  audited,
  CLEAN,
  factsOf,
  group,
  inGroup,
  letIn,
  named,
  ofKind,
  rule,
  stored,
  token,
  type World,
} from './audited-account.js'

/** What else is in each world below, so that the token under test is the only one with a finding. */
function beside(world: World): World {
  return {
    ...world,
    tokens: [...(CLEAN.tokens ?? []), ...(world.tokens ?? [])],
    groups: [...(CLEAN.groups ?? []), ...(world.groups ?? [])],
    apps: [...(CLEAN.apps ?? []), ...(world.apps ?? [])],
    uses: [...(CLEAN.uses ?? []), ...(world.uses ?? [])],
  }
}

const own = (name: string): NonNullable<World['apps']> => [
  app(`Own-${name}`, [rule(`Own-${name}`, [named(name)])]),
]

interface Row {
  world: World
  finds: Partial<Omit<Finding, 'why'>> & {why?: unknown}
}

const x = {id: 'token-x', name: 'x'}
const day = (days: number): string => ago(days).slice(0, 10)

/** A world for each kind, and what is found in it. */
const WORLDS: Record<FindingKind, [title: string, row: Row][]> = {
  expired: [
    [
      'that was in use is extended',
      {
        world: {
          tokens: [token('x', {expiresAt: ago(3), lastSeenAt: ago(4)})],
          apps: own('x'),
          uses: [letIn('x', 'Own-x', 'Own-x', 4)],
        },
        finds: {
          subject: {token: x},
          why: `It expired on ${day(3)}. It was last used on ${day(4)}.`,
          next: ['zt token refresh x'],
        },
      },
    ],
    [
      'that was not used is revoked, and taken out of what names it',
      {
        world: {tokens: [token('x', {expiresAt: ago(3), lastSeenAt: ago(200)})], apps: own('x')},
        finds: {next: ['zt token revoke x --detach']},
      },
    ],
    [
      'that SCIM uses cannot be revoked yet',
      {
        world: {
          tokens: [token('x', {expiresAt: ago(3), lastSeenAt: undefined})],
          apps: [app('Wiki', [], {scim: 'x.access'})],
        },
        finds: {
          next: [],
          why: `It expired on ${day(3)}. It was never used. It cannot be revoked yet: the SCIM provisioning of "Wiki" authenticates with it.`,
        },
      },
    ],
  ],
  expiring: [
    [
      'within the window',
      {
        world: {
          tokens: [token('x', {expiresAt: ago(-29.5)})],
          apps: own('x'),
          uses: [letIn('x', 'Own-x', 'Own-x', 1)],
        },
        finds: {
          subject: {token: x},
          why: `It expires in 29 days, on ${day(-29.5)}. It was last used on ${day(1)}.`,
          next: ['zt token refresh x'],
        },
      },
    ],
  ],
  unused: [
    [
      'as Cloudflare last saw it, and by the record',
      {
        world: {tokens: [token('x', {lastSeenAt: ago(91)})], apps: own('x')},
        finds: {subject: {token: x}, why: `It was last used on ${day(91)}.`, next: ['zt token disable x']},
      },
    ],
  ],
  'referenced-never-used': [
    [
      'by a rule',
      {
        world: {tokens: [token('x', {lastSeenAt: undefined})], apps: own('x')},
        finds: {
          subject: {token: x},
          why: `It was created on ${day(400)} and was never seen by Cloudflare.`,
          next: ['zt token disable x'],
        },
      },
    ],
    [
      'by a SCIM configuration',
      {
        world: {tokens: [token('x', {lastSeenAt: undefined})], apps: [app('Wiki', [], {scim: 'x.access'})]},
        finds: {subject: {token: x}, next: ['zt token disable x']},
      },
    ],
  ],
  'never-used': [
    [
      'is revoked',
      {
        world: {tokens: [token('x', {lastSeenAt: undefined})]},
        finds: {subject: {token: x}, next: ['zt token revoke x']},
      },
    ],
  ],
  'any-valid-token': [
    [
      'with the tokens that it let in',
      {
        world: {apps: [app('Open', [rule('Any', [anyToken])])], uses: [letIn('ci', 'Open', 'Any')]},
        finds: {
          subject: {rule: {id: 'policy-Any', name: 'Any'}, application: {id: 'app-Open', name: 'Open'}},
          why: `It lets in every token of the account, also those that are still to be made, at "Open". Since ${day(90)} it let in ci.`,
          next: ['zt app explain Open'],
        },
      },
    ],
  ],
  'secret-without-token': [
    [
      'is removed by its ID',
      {
        world: {facts: {gone: [stored('x')]}},
        finds: {
          subject: {token: x},
          why: 'The vault has its secret, but no service token has the ID token-x.',
          next: ['zt token revoke token-x'],
        },
      },
    ],
  ],
  disabled: [
    [
      'is revoked',
      {
        world: {tokens: [token('x', {enabled: false, lastSeenAt: ago(100)})], apps: own('x')},
        finds: {
          subject: {token: x},
          why: `It opens nothing. It was last used on ${day(100)}.`,
          next: ['zt token revoke x --detach'],
        },
      },
    ],
    [
      'that was in use may be wanted again',
      {
        world: {
          tokens: [token('x', {enabled: false})],
          apps: own('x'),
          uses: [letIn('x', 'Own-x', 'Own-x', 1)],
        },
        finds: {next: []},
      },
    ],
    [
      'that is alone in a group cannot be revoked yet',
      {
        world: {
          tokens: [token('x', {enabled: false, lastSeenAt: undefined})],
          groups: [group('alone', [named('x')])],
        },
        finds: {next: [], why: expect.stringContaining('the Access group "alone" includes nothing else')},
      },
    ],
  ],
  unreferenced: [
    ...(
      [
        [
          'any valid token',
          [app('Any', [rule('Any', [anyToken])])],
          'A rule for any valid token may let it in.',
        ],
        ['everyone', [app('All', [rule('All', [{everyone: {}}])])], 'A rule for everyone may let it in.'],
        ['others only', [], 'No rule lets it in now.'],
      ] as const
    ).map(([who, apps, how]): [string, Row] => [
      `that is in use, in an account with rules for ${who}`,
      {
        world: {tokens: [token('x')], apps: [...apps]},
        finds: {subject: {token: x}, why: `It was last used on ${day(1)}. ${how}`, next: []},
      },
    ]),
    [
      'that is not used is revoked',
      {world: {tokens: [token('x', {lastSeenAt: ago(120)})]}, finds: {next: ['zt token revoke x']}},
    ],
    [
      'that is new is left',
      {world: {tokens: [token('x', {lastSeenAt: undefined, createdAt: ago(2)})]}, finds: {next: []}},
    ],
  ],
  'duplicate-name': [
    [
      'is renamed, and not the oldest',
      {
        world: {
          tokens: [token('x', {id: 'second', createdAt: ago(10)}), token('x', {createdAt: ago(20)})],
          apps: [app('Own', [rule('Own', [named('x'), {service_token: {token_id: 'second'}}])])],
        },
        finds: {
          subject: {token: {id: 'second', name: 'x'}},
          why: 'Its ID is second; the other is token-x.',
          next: ['zt token rename second x-2'],
        },
      },
    ],
  ],
  'token-without-secret': [
    [
      'can be imported',
      {
        world: {
          tokens: [token('x')],
          apps: own('x'),
          uses: [letIn('x', 'Own-x', 'Own-x', 1)],
          stored: [stored('ci'), stored('cd')],
        },
        finds: {subject: {token: x}, next: ['zt token import x']},
      },
    ],
  ],
  'previous-secret': [
    [
      'can be ended',
      {
        world: {stored: [stored('ci', {previousUntil: ago(-1)}), stored('cd', {previousUntil: ago(1)})]},
        finds: {subject: {token: {id: 'token-ci', name: 'ci'}}, next: ['zt token rotate ci --finish']},
      },
    ],
  ],
  'unused-rule': [
    [
      'closes what only it opens',
      {
        world: {apps: [app('Old', [rule('Rest', [named('ci'), named('cd')])])]},
        finds: {
          subject: {rule: {id: 'policy-Rest', name: 'Rest'}, application: {id: 'app-Old', name: 'Old'}},
          why: `It let no service token into "Old" since ${day(90)}. Removing it closes "Old" for "cd", "ci".`,
          next: ['zt app remove-rule Old Rest'],
          closes: ['cd', 'ci'].map((name) => ({
            token: {id: `token-${name}`, name},
            application: {id: 'app-Old', name: 'Old'},
            reach: 'no',
          })),
        },
      },
    ],
    [
      'whose right another used rule gives closes nothing',
      {
        world: {
          apps: [app('Twice', [rule('First', [named('ci')]), rule('Later', [named('ci')])])],
          uses: [letIn('ci', 'Twice', 'First')],
        },
        finds: {
          subject: {rule: {id: 'policy-Later', name: 'Later'}, application: {id: 'app-Twice', name: 'Twice'}},
          why: `It let no service token into "Twice" since ${day(90)}. Removing it closes nothing: "First" gives the same right, and was used.`,
          next: ['zt app remove-rule Twice Later'],
          closes: [],
        },
      },
    ],
    [
      'for any token closes it for every token that no other rule admits',
      {
        world: {apps: [app('Open', [rule('Any', [anyToken])])]},
        finds: {
          next: ['zt app remove-rule Open Any'],
          closes: [{token: undefined, application: {id: 'app-Open', name: 'Open'}, reach: 'no'}],
        },
      },
    ],
    [
      'that is the last for machines: the 401 goes first',
      {
        world: {apps: [app('Last', [rule('Only', [named('ci')])], {answers401: true})]},
        finds: {next: ['zt app set Last --no-service-auth-401', 'zt app remove-rule Last Only']},
      },
    ],
    [
      'beside inline ones: these become reusable first',
      {
        world: {
          apps: [app('Mixed', [rule('1', [named('ci')]), rule('Inside', [named('cd')], {inline: true})])],
          uses: [letIn('cd', 'Mixed', 'Inside')],
        },
        finds: {next: ['zt policy make-reusable Mixed --all', 'zt app remove-rule Mixed policy-1']},
      },
    ],
    [
      'that was changed lately says so',
      {
        world: {apps: [app('Old', [rule('Rest', [named('ci')], {updatedAt: ago(5)})])]},
        finds: {why: expect.stringContaining(` The rule was changed on ${day(5)}. `)},
      },
    ],
  ],
  'unused-in-rule': [
    [
      'is taken out of the rule on all its applications',
      {
        world: {
          tokens: [token('x')],
          apps: [
            ...own('x'),
            app('One', [rule('Shared', [named('ci'), named('x')])]),
            app('Two', [rule('Shared', [named('ci'), named('x')])]),
          ],
          uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'Two', 'Shared'), letIn('ci', 'One', 'Shared')],
        },
        finds: {
          subject: {
            token: x,
            rule: {id: 'policy-Shared', name: 'Shared'},
            application: {id: 'app-One', name: 'One'},
          },
          why: `The rule did not let it in since ${day(90)}. Removing it closes "One", "Two" for "x".`,
          next: ['zt app remove-rule One Shared --token x'],
        },
      },
    ],
  ],
  'unused-in-group': [
    [
      'is taken out of the group',
      {
        world: {
          tokens: [token('x')],
          groups: [group('inner', [named('x'), named('ci')]), group('outer', [inGroup('inner')])],
          apps: [...own('x'), app('Nested', [rule('Outer', [inGroup('outer')])])],
          uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'Nested', 'Outer')],
        },
        finds: {
          subject: {token: x, group: {id: 'group-inner', name: 'inner'}},
          why: `No rule let it in by this group since ${day(90)}. Removing it closes "Nested" for "x".`,
          next: ['zt group remove-token inner x'],
        },
      },
    ],
    [
      'that is alone in it has no command',
      {
        world: {
          tokens: [token('x')],
          groups: [group('alone', [named('x')])],
          apps: [...own('x'), app('Both', [rule('Both', [inGroup('alone'), named('ci')])])],
          uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'Both', 'Both')],
        },
        finds: {
          next: [],
          why: expect.stringContaining('It is the last entry of the group, which cannot be empty.'),
        },
      },
    ],
  ],
  trap: [
    [
      'refers to the explanation of the application',
      {
        world: {
          tokens: [token('x')],
          apps: [
            ...own('x'),
            app('Staff', [rule('Staff', [named('x'), {email: {email: 'a@b.example'}}], {decision: 'allow'})]),
          ],
          uses: [letIn('x', 'Own-x', 'Own-x', 1)],
        },
        finds: {trap: 'token-under-allow', next: ['zt app explain Staff']},
      },
    ],
  ],
}

describe('an audit', () => {
  it('finds nothing in a clean account', () => {
    expect(audited(CLEAN)).toEqual({accountId: 'account', findings: [], notChecked: []})
  })

  it.each(
    Object.entries(WORLDS).flatMap(([kind, rows]) =>
      rows.map(([title, row]): [FindingKind, string, Row] => [kind as FindingKind, title, row]),
    ),
  )('finds %s: one %s', (kind, _title, {world, finds}) => {
    const found = ofKind(audited(beside(world)), kind)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({kind, severity: KINDS[kind].severity, ...finds})
  })

  it('has a world for each kind', () => {
    expect(Object.keys(WORLDS).sort()).toEqual([...KIND_NAMES].sort())
  })

  it.each<[string, World]>([
    [
      'a new token that was not used yet',
      {tokens: [token('x', {lastSeenAt: undefined, createdAt: ago(89)})], apps: own('x')},
    ],
    [
      'a token that Cloudflare saw long ago, and the record yesterday',
      {tokens: [token('x', {lastSeenAt: ago(300)})], apps: own('x'), uses: [letIn('x', 'Own-x', 'Own-x', 1)]},
    ],
    [
      'a token that expires after the window',
      {tokens: [token('x', {expiresAt: ago(-31)})], apps: own('x'), uses: [letIn('x', 'Own-x', 'Own-x', 1)]},
    ],
    [
      'a token that never expires',
      {tokens: [token('x', {expiresAt: undefined})], apps: own('x'), uses: [letIn('x', 'Own-x', 'Own-x', 1)]},
    ],
    [
      'a rule that is younger than the window',
      {apps: [app('New', [rule('New', [named('ci')], {createdAt: ago(89)})])]},
    ],
    [
      'an application that is younger than the window',
      {apps: [app('New', [rule('New', [named('ci')])], {createdAt: ago(89)})]},
    ],
    [
      'a rule for a token that is younger than the window',
      {tokens: [token('x', {createdAt: ago(89)})], apps: own('x')},
    ],
    [
      'a rule, where the record does not say which rule let the token in',
      {
        apps: [app('Twice', [rule('A', [named('ci')]), rule('B', [named('ci')])])],
        uses: [letIn('ci', 'Twice', undefined)],
      },
    ],
    [
      'a rule, where the one that was used no longer exists',
      {apps: [app('Twice', [rule('A', [named('ci')])])], uses: [letIn('ci', 'Twice', 'Gone')]},
    ],
    [
      'a token in a group, where the rule that let it in no longer exists',
      {
        tokens: [token('x')],
        groups: [group('builders', [named('x'), named('ci')])],
        apps: [...own('x'), app('In', [rule('In', [inGroup('builders')])]), app('Old', [])],
        uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'In', 'In'), letIn('x', 'Old', 'Gone')],
      },
    ],
    [
      'a rule without condition, after one with a condition that was used',
      {
        apps: [
          app('Narrow', [
            rule('A', [named('ci')], {require: [{ip: {ip: '203.0.113.0/24'}}]}),
            rule('B', [named('ci')]),
          ]),
        ],
        uses: [letIn('ci', 'Narrow', 'A')],
      },
    ],
    [
      'a group that something excludes',
      {
        tokens: [token('x')],
        groups: [group('barred', [named('x'), named('ci')])],
        apps: [
          ...own('x'),
          app('In', [rule('In', [inGroup('barred')])]),
          app('Out', [rule('Out', [named('cd')], {exclude: [inGroup('barred')]})]),
        ],
        uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'In', 'In'), letIn('cd', 'Out', 'Out')],
      },
    ],
    [
      'a token that the rule requires as well',
      {
        tokens: [token('x')],
        apps: [...own('x'), app('In', [rule('In', [named('x'), named('ci')], {require: [named('x')]})])],
        uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'In', 'In')],
      },
    ],
    ['a Bypass rule', {apps: [app('Pass', [rule('Pass', [{everyone: {}}], {decision: 'bypass'})])]}],
  ] as [string, World][])('does not judge %s', (_title, world) => {
    // prettier-ignore
    const {findings} = audited(beside(world))
    expect(findings.filter(({kind}) => kind !== 'trap' && kind !== 'any-valid-token')).toEqual([])
  })

  it('says that a rule also lets in others, and does not call it unused', () => {
    const world = {apps: [app('Office', [rule('Office', [{ip: {ip: '203.0.113.0/24'}}, named('ci')])])]}
    const {findings, notChecked} = audited(beside(world))
    // The token may leave it: its own use is in the record.
    expect(findings.map(({kind, next}) => [kind, ...next])).toEqual([
      ['unused-in-rule', 'zt app remove-rule Office Office --token ci'],
    ])
    expect(findings[0]?.closes).toMatchObject([{reach: 'conditional'}])
    expect(notChecked).toEqual([
      {
        kinds: ['unused-rule', 'unused-in-rule', 'unused-in-group'],
        why: 'The record of service tokens does not show whom else these rules let in: Office.',
      },
    ])
  })

  it('says what a rule for every token closes for one that another such rule keeps out', () => {
    const rules = [rule('But', [anyToken], {exclude: [named('x')]}), rule('All', [anyToken])]
    const world = {
      tokens: [token('x', {lastSeenAt: ago(5)})],
      apps: [...own('x'), app('Open', rules)],
      uses: [letIn('x', 'Own-x', 'Own-x', 5)],
    }
    const closes = ofKind(audited(beside(world)), 'unused-rule').map(({subject, closes: closed}) => [
      subject.rule?.name,
      closed.map((one) => [one.token?.name, one.reach]),
    ])
    expect(closes).toEqual([
      ['All', [['x', 'no']]],
      ['But', []],
    ])
  })

  it('keeps a rule that a token used which no longer exists, and the last token in it', () => {
    const world = {
      apps: [app('Open', [rule('A', [named('ci'), named('cd')])])],
      uses: [letIn('deleted', 'Open', 'A')],
    }
    const {findings} = audited(beside(world))
    expect(findings.map(({kind, subject, next}) => [kind, subject.token?.name, next])).toEqual([
      ['unused-in-rule', 'cd', ['zt app remove-rule Open A --token cd']],
      ['unused-in-rule', 'ci', []],
    ])
  })

  it.each<[string, Partial<World>]>([
    ['names no rule', {uses: [letIn('ci', 'Open', undefined)]}],
    ['names a rule that the application no longer has', {uses: [letIn('ci', 'Open', 'Gone')]}],
  ])('where the record %s, does not say that a rule let none in, but that it was not checked', (_, uses) => {
    const world = {apps: [app('Open', [rule('Any', [anyToken]), rule('Own', [named('ci')])])], ...uses}
    const {findings, notChecked} = audited(beside(world))
    expect(findings.filter(({kind}) => kind.startsWith('unused'))).toEqual([])
    const open = findings.find(({kind}) => kind === 'any-valid-token')
    expect(open?.why).toBe(
      'It lets in every token of the account, also those that are still to be made, at "Open".',
    )
    expect(notChecked.map(({why}) => why)).toEqual([
      'Service tokens were let into Open by rules that were removed since, or that the record does not name.',
    ])
  })

  it.each<[string, string, string, string | undefined]>([
    ['an application that has no rule now', 'Old', 'Old', 'Gone'],
    ['an application that is gone, by its ID', 'Deleted', 'app-Deleted', 'Gone'],
    ['a rule that the record does not name', 'Old', 'Old', undefined],
  ])('names %s where the place of its users in a group was not checked', (_, at, name, by) => {
    const world = {
      tokens: [token('x')],
      groups: [group('builders', [named('x'), named('ci')])],
      apps: [...own('x'), app('In', [rule('In', [inGroup('builders')])]), app('Old', [])],
      uses: [letIn('x', 'Own-x', 'Own-x', 1), letIn('ci', 'In', 'In'), letIn('x', at, by)],
    }
    const {findings, notChecked} = audited(beside(world))
    expect(findings).toEqual([])
    expect(notChecked.map(({why}) => why)).toEqual([
      `Service tokens were let into ${name} by rules that were removed since, or that the record does not name.`,
    ])
  })

  it('says that a rule for every token let none in only if the record has what Cloudflare saw', () => {
    const openTo = (lastSeenAt: string): string | undefined =>
      audited(
        beside({
          tokens: [token('x', {lastSeenAt})],
          apps: [...own('x'), app('Open', [rule('Any', [anyToken])])],
          uses: [letIn('x', 'Own-x', 'Own-x', 5)],
        }),
      ).findings.find(({kind}) => kind === 'any-valid-token')?.why
    expect(openTo(ago(5))).toContain(`Since ${ago(90).slice(0, 10)} it let none in.`)
    expect(openTo(ago(1))).not.toContain('it let none in')
  })

  it('judges no right of a token of which the record lacks what Cloudflare saw', () => {
    const world = {
      tokens: [token('x', {lastSeenAt: ago(5)})],
      apps: [...own('x'), app('Open', [rule('Any', [anyToken])])],
    }
    const {findings, notChecked} = audited(beside(world))
    expect(findings.map(({kind}) => kind)).toEqual(['any-valid-token'])
    expect(notChecked.map(({why}) => why)).toEqual([
      'Cloudflare saw x in use, and the record does not show where.',
    ])
    // The record has it within a day of that.
    const uses = [letIn('x', 'Own-x', 'Own-x', 6)]
    expect(ofKind(audited(beside({...world, uses})), 'unused-rule')).toHaveLength(1)
    expect(
      ofKind(audited(beside({...world, uses: [letIn('x', 'Own-x', 'Own-x', 8)]})), 'unused-rule'),
    ).toEqual([])
  })

  it('says of which rules it is not known how old they are', () => {
    const world = {apps: [app('Old', [rule('Rest', [named('ci')], {createdAt: undefined})])]}
    const {findings, notChecked} = audited(beside(world))
    expect(findings).toEqual([])
    expect(notChecked.map(({why}) => why)).toEqual(['Cloudflare does not say when this was made: Rest.'])
  })

  it('proposes no right as unused where the record is not whole, and says so', () => {
    const world = beside({apps: [app('Old', [rule('Rest', [named('ci')])])]})
    const facts = factsOf(world)
    for (const usage of [
      undefined,
      {...facts.usage!, incomplete: 'Cloudflare keeps the events of the last 30 days.'},
      {...facts.usage!, since: ago(60)},
    ]) {
      const {findings, notChecked} = audited({...world, facts: {usage}})
      expect(findings).toEqual([])
      expect(notChecked.flatMap(({kinds}) => kinds)).toContain('unused-rule')
    }
  })

  it('claims nothing of names where a part of the account could not be read', () => {
    const world = {
      tokens: [token('x', {lastSeenAt: undefined})],
      facts: {unread: ['The API token may not read the policies']},
    }
    const {findings, notChecked} = audited(beside(world))
    expect(findings).toMatchObject([{kind: 'never-used', next: ['zt token disable x']}])
    expect(notChecked.flatMap(({kinds}) => kinds)).toEqual(
      expect.arrayContaining(['unreferenced', 'trap', 'unused-rule']),
    )
  })

  it('claims nothing of names where the rules of a zone could not be read', () => {
    const unread = ['The API token may not list the zones; applications that belong to a zone are left out']
    const tokens = [token('x', {lastSeenAt: undefined})]
    const {findings, notChecked} = audited(beside({tokens, facts: {zones: {of: () => undefined, unread}}}))
    expect(findings).toMatchObject([{kind: 'never-used', next: ['zt token disable x']}])
    expect(notChecked).toContainEqual({
      kinds: ['unreferenced', 'never-used', 'referenced-never-used'],
      why: `${unread[0] ?? ''}. They may name service tokens of the account.`,
    })
  })

  const inZone = (...ids: string[]): AuditFacts['zones'] => ({
    of: (id) => (ids.includes(id) ? 'zone.example' : undefined),
    unread: [],
  })

  it.each<[string, (id: string) => Pick<World, 'apps' | 'groups'>]>([
    ['a rule', (id) => ({apps: [app('Zoned', [rule('Its', [named(id)], {inline: true})])]})],
    ['an Access group', (id) => ({groups: [group('its', [named(id)])]})],
  ])('knows a token that %s of a zone names, and proposes no revocation of it', (what, rulesFor) => {
    const tokens = [
      token('x', {lastSeenAt: undefined}),
      token('off', {lastSeenAt: undefined, enabled: false}),
    ]
    const zones = inZone('app-Zoned', 'group-its')
    const audit = (name: string): Audit => audited(beside({tokens, ...rulesFor(name), facts: {zones}}))
    const findings = tokens.flatMap(({name}) =>
      audit(name).findings.filter(
        ({kind, subject}) =>
          subject.token?.name === name && !['unreferenced', 'never-used', 'trap'].includes(kind),
      ),
    )
    expect(findings.map(({kind, next}) => [kind, next])).toEqual([
      ['referenced-never-used', ['zt token disable x']],
      ['disabled', []],
    ])
    expect(findings[1]?.why).toMatch(
      new RegExp(
        `It cannot be revoked yet: the ${what.replace(/^an? /, '')} ".*" of the zone zone.example names it`,
      ),
    )
  })

  it('proposes nothing for a token of a zone, and no command on a zone with a token of the account', () => {
    const tokens = [token('zoned', {expiresAt: ago(1)})]
    const its = rule('Its', [named('ci'), named('zoned'), named('cd')], {inline: true})
    const world = beside({
      tokens,
      apps: [app('Zoned', [its])],
      uses: [letIn('cd', 'Zoned', 'Its'), letIn('zoned', 'Zoned', 'Its')],
      facts: {zones: inZone('app-Zoned', 'token-zoned')},
    })
    const {findings} = audited(world)
    expect(
      findings.map(({kind, subject, next, closes}) => [kind, subject.token?.name, next, closes]),
    ).toEqual([
      ['expired', 'zoned', [], []],
      ['unused-in-rule', 'ci', [], []],
    ])
    expect(findings[0]?.why).toContain('It belongs to zone.example: change it in the dashboard.')
  })

  it('names a thing by its ID where another has the same name, and the profile if the command line did', () => {
    const say = {profile: 'work', profileNamed: true}
    const apps = [app('Old', [rule('Rest', [named('ci')])]), {...app('Old', []), id: 'app-2'}]
    const [found] = ofKind(audited(beside({apps, facts: {say}})), 'unused-rule')
    expect(found?.next).toEqual(['zt app remove-rule app-Old Rest --profile work'])
  })

  it('goes by the windows that are given', () => {
    const world = {
      tokens: [token('x', {expiresAt: ago(-20), lastSeenAt: ago(50)})],
      apps: own('x'),
      uses: [letIn('x', 'Own-x', 'Own-x', 50)],
    }
    const kinds = (facts: World['facts']): string[] =>
      audited(beside({...world, ...(facts && {facts})})).findings.map(({kind}) => kind)
    const DAY = 24 * 3600_000
    expect(kinds({})).toEqual(['expiring'])
    expect(kinds({expiringMs: 10 * DAY, unusedMs: 40 * DAY})).toEqual(['unused', 'unused-rule'])
    // The record is kept for 90 days, whatever the window.
    expect(kinds({expiringMs: 0, unusedMs: 1000 * DAY})).toEqual([])
  })
})

it.each([
  ['the ID', {id: 'x'}],
  ['the client ID', {clientId: 'x'}],
])('names a token by its ID where its name is %s of another', (_, other) => {
  const {findings} = audited(
    beside({tokens: [token('x', {lastSeenAt: ago(300)}), token('other', other)], apps: own('x')}),
  )
  expect(findings.find(({kind}) => kind === 'unused')?.next).toEqual(['zt token disable token-x'])
})
