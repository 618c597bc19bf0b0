import {describe, expect, it} from 'vitest'
import type {Decision, Rule} from '../../src/lib/api/types.js'
import {reachOf, type Reach} from '../../src/lib/policy/reach.js'
import {groupsById} from '../../src/lib/policy/references.js'
import {OTHER_TOKEN, TOKEN, anyToken, byGroup, byToken, everyone, group, policy, staff} from './fixtures.js'

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
