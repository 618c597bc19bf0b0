import {describe, expect, it} from 'vitest'
import type {Group} from '../../src/lib/api/types.js'
import {toGroup, toPolicy} from '../../src/lib/api/convert.js'
import {reachOf} from '../../src/lib/policy/reach.js'
import {groupHolding, mayAdmit, tokenReferences} from '../../src/lib/policy/references.js'

const COUNT = 30_000
const token = {service_token: {token_id: 't'}}
const group = (at: number): object => ({group: {id: `g${at}`}})
const policy = toPolicy({id: 'p', name: 'p', decision: 'non_identity', include: [group(0)]})

function groupsOf(include: (at: number) => object[], count = COUNT): Map<string, Group> {
  const all = Array.from({length: count}, (_, at) =>
    toGroup({id: `g${at}`, name: `g${at}`, include: include(at)}),
  )
  return new Map(all.map((one) => [one.id, one]))
}

describe('Access groups that are nested', () => {
  it.each([
    ['in a long chain to the token', groupsOf((at) => [at + 1 < COUNT ? group(at + 1) : token]), true, 'yes'],
    ['in a large circle', groupsOf((at) => [group((at + 1) % COUNT)]), false, 'conditional'],
    ['each twice in the next', groupsOf((at) => [group(at + 1), group(at + 1), group(at + 2)], 300), false, 'conditional'],
  ])('%s are followed to the end', (_, groups, found, reach) => {
    expect(groupHolding('t', policy.include, groups) !== undefined).toBe(found)
    if (found) expect(mayAdmit('t', [policy], groups)).toBe(true)
    expect(reachOf('t', {name: 'app', policies: [policy]}, groups)).toBe(reach)
    // The account's list: the first group is enough to be asked about.
    const references = tokenReferences({id: 't', clientId: 't.access'}, {
      policies: [policy],
      groups: [...groups.values()].slice(0, 300),
      applications: [],
    })
    expect(references).toEqual([])
  }) // prettier-ignore

  it('name the way to the token, whatever its length', () => {
    const length = 1000
    const groups = groupsOf((at) => [at + 1 < length ? group(at + 1) : token], length)
    const [direct, ...others] = tokenReferences(
      {id: 't', clientId: 't.access'},
      {
        policies: [policy],
        groups: [...groups.values()],
        applications: [],
      },
    )
    expect(direct).toMatchObject({kind: 'group', id: `g${length - 1}`, through: []})
    expect(others.find(({kind}) => kind === 'reusable')?.through).toHaveLength(length)
  })
})
