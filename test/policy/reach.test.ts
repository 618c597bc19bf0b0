import {describe, expect, it} from 'vitest'
import type {Decision, Group, Rule} from '../../src/lib/api/types.js'
import {reachChange, reachOf, type Reach} from '../../src/lib/policy/reach.js'
import {groupsById} from '../../src/lib/policy/references.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  application,
  byGroup,
  byToken,
  everyone,
  group,
  policy,
  staff,
} from './fixtures.js'

const address: Rule = {ip: {ip: '10.0.0.0/8'}}

describe('how far a service token gets', () => {
  it.each<[string, Decision, {include: Rule[]; require?: Rule[]}, Reach]>([
    ['it is named', 'non_identity', {include: [byToken()]}, 'yes'],
    ['any is', 'non_identity', {include: [anyToken]}, 'yes'],
    ['another is', 'non_identity', {include: [byToken(OTHER_TOKEN)]}, 'no'],
    ['everyone is let in', 'bypass', {include: [everyone]}, 'yes'],
    ['its group is named', 'non_identity', {include: [byGroup('ci')]}, 'yes'],
    ['a group of others is named', 'non_identity', {include: [byGroup('others')]}, 'no'],
    ['the group does not exist', 'non_identity', {include: [byGroup('gone')]}, 'conditional'],
    ['addresses are let in', 'bypass', {include: [address]}, 'conditional'],
    [
      'it is named, with a Require',
      'non_identity',
      {include: [byToken()], require: [address]},
      'conditional',
    ],
    ['zt does not know the selector', 'non_identity', {include: [{quantum_state: {}}]}, 'conditional'],
    ['it is named under Allow', 'allow', {include: [byToken()]}, 'no'],
    ['addresses are blocked', 'deny', {include: [address]}, 'no'],
    ['only people are admitted', 'allow', {include: [staff]}, 'no'],
  ])('where %s', (_, decision, rules, reach) => {
    const groups = [group('ci', {include: [byToken()]}), group('others', {include: [byToken(OTHER_TOKEN)]})]
    const app = {name: 'app', policies: [policy('P', decision, rules)]}
    expect(reachOf(TOKEN, app, groupsById(groups))).toBe(reach)
  })
})

describe('what a change of rules opens and closes', () => {
  const RULES: Record<Reach, Rule[]> = {
    no: [byToken(OTHER_TOKEN)],
    conditional: [address],
    yes: [byToken()],
  }
  const account = (reach: Reach) => ({
    policies: [],
    groups: [],
    applications: [
      application('app', ['a.example.com'], [policy('P', 'non_identity', {include: RULES[reach]})]),
    ],
  })
  const changed = (before: Parameters<typeof reachChange>[1], after: typeof before) => {
    const {opens, closes} = reachChange(TOKEN, before, after)
    const words = (list: typeof opens): string[] => list.map((one) => `${one.application.id} ${one.reach}`)
    return {opens: words(opens), closes: words(closes)}
  }

  it.each<[Reach, Reach, string[], string[]]>([
    ['no', 'no', [], []],
    ['no', 'conditional', ['app conditional'], []],
    ['no', 'yes', ['app yes'], []],
    ['conditional', 'no', [], ['app no']],
    ['conditional', 'conditional', [], []],
    ['conditional', 'yes', ['app yes'], []],
    ['yes', 'no', [], ['app no']],
    ['yes', 'conditional', [], ['app conditional']],
    ['yes', 'yes', [], []],
  ])('%s → %s', (before, after, opens, closes) => {
    expect(changed(account(before), account(after))).toEqual({opens, closes})
  })

  it('an application that is new counts as one that did not admit the token', () => {
    const before = {policies: [], groups: [], applications: []}
    expect(changed(before, account('yes'))).toEqual({opens: ['app yes'], closes: []})
    expect(changed(before, account('no'))).toEqual({opens: [], closes: []})
  })

  it('a group counts as it was before, and as it is after', () => {
    const withGroup = (members: Group[]) => ({
      policies: [],
      groups: members,
      applications: [
        application(
          'app',
          ['a.example.com'],
          [policy('P', 'non_identity', {include: [byGroup('ci'), byToken(OTHER_TOKEN)]})],
        ),
      ],
    })
    const without = withGroup([group('ci', {include: [byToken(OTHER_TOKEN)]})])
    const holding = withGroup([group('ci', {include: [byToken()]})])
    expect(changed(without, holding)).toEqual({opens: ['app yes'], closes: []})
    expect(changed(holding, without)).toEqual({opens: [], closes: ['app no']})
  })
})
