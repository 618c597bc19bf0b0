import {beforeEach, describe, expect, it} from 'vitest'
import {createChange, deleteChange, replaceChange} from '../../../src/lib/access/edit/change.js'
import {describeChanges, type DescribedField} from '../../../src/lib/access/edit/describe.js'
import type {ObjectRef} from '../../../src/lib/access/edit/object.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {MemoryApi, memoryContext} from '../../support/memory-api.js'

const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const token = (id: string): JsonObject => ({service_token: {token_id: id}})

let memory: MemoryApi
beforeEach(() => {
  memory = new MemoryApi()
  memory.tokens = [{id: 't1', name: 'backup'}]
  memory.groups = [{id: 'h', name: 'robots'}]
  memory.policies = [{id: 'p', name: 'Shared'}]
})

async function fields(before: JsonObject, after: JsonObject): Promise<DescribedField[]> {
  const [described] = await describeChanges(memoryContext(memory).ctx, replaceChange(app, before, after))
  return described?.fields ?? []
}

describe('a change in words', () => {
  it('says what is changed and how', async () => {
    const changes = [createChange(group, {name: 'ci'}), deleteChange(app, {name: 'App'})]
    expect(await describeChanges(memoryContext(memory).ctx, changes)).toEqual([
      {action: 'create', what: 'the Access group "ci"', fields: [{field: 'name', removed: [], added: ['ci'], withheld: false}]},
      {action: 'delete', what: 'the application "App"', fields: [{field: 'name', removed: ['App'], added: [], withheld: false}]},
    ]) // prettier-ignore
    expect(memory.calls).toEqual([])
  })

  it.each<[string, string, unknown, unknown, string[], string[]]>([
    ['a text', 'name', 'a', 'b', ['a'], ['b']],
    ['other values', 'x', {b: 1, a: 2}, 3, ['{"a":2,"b":1}'], ['3']],
    ['the action', 'decision', 'allow', 'non_identity', ['Allow'], ['Service Auth']],
    ['a decision in another field', 'x', 'allow', 'deny', ['allow'], ['deny']],
    ['a list, only in what differs', 'tags', ['a', 'b', 'b'], ['b', 'c', 1], ['a', 'b'], ['c', '1']],
    ['rules', 'include', [{everyone: {}}, token('t1')], [token('t2'), {everyone: {}}], ['service token backup'], ['service token t2']],
    ['rules to exclude', 'exclude', [], [{group: {id: 'h'}}], [], ['Access group robots']],
    ['rules to require', 'require', [], [{group: {id: 'x'}}, 'odd', 7], [], ['Access group x', 'odd', '7']],
    ['rules in another field', 'x', [], [token('t1')], [], ['{"service_token":{"token_id":"t1"}}']],
    ['links', 'policies', [{id: 'p', precedence: 1}], [{id: 'q', precedence: 1}, {id: 'p', precedence: 2}, 'odd'], ['1  Shared'], ['1  q', '2  Shared', 'odd']],
  ])('shows %s', async (_, field, before, after, removed, added) => {
    expect(await fields({[field]: before}, {[field]: after})).toEqual([
      {field, removed, added, withheld: false},
    ])
  }) // prettier-ignore

  it('does not show what may be a secret', async () => {
    expect(await fields({password: 'old'}, {password: 'new'})).toEqual([
      {field: 'password', removed: [], added: [], withheld: true},
    ])
  })

  it('looks up only the names that it needs', async () => {
    await fields({include: []}, {include: [token('t1')]})
    await fields({include: []}, {include: [{group: {id: 'h'}}]})
    await fields({policies: []}, {policies: [{id: 'p', precedence: 1}]})
    await fields({x: []}, {x: [token('t1'), {group: {id: 'h'}}]})
    await fields({policies: [], x: 1}, {policies: [{id: 'p', precedence: 1}], x: 2})
    expect(memory.calls).toEqual(['listServiceTokens', 'listGroups', 'listPolicies', 'listPolicies'])
  })

  it('knows the names of what the same edit creates', async () => {
    const {ctx} = memoryContext(memory)
    const made: ObjectRef = {kind: 'policy', id: 'new:1', name: 'New'}
    const changes = [
      createChange(made, {name: 'New'}),
      createChange({...group, id: 'new:2'}, {name: 'ci'}),
      ...replaceChange(app, {}, {policies: [{id: 'new:1', precedence: 1}], include: [{group: {id: 'new:2'}}]}), // prettier-ignore
    ]
    const described = await describeChanges(ctx, changes)
    expect(described[2]?.fields.map(({added}) => added)).toEqual([['Access group ci'], ['1  New']])
  })

  it('shows IDs where names may not be read', async () => {
    memory.before = (call) => {
      if (call.startsWith('list')) throw new UserError({kind: 'permission', code: 'X', message: 'x'})
    }
    expect(await fields({include: []}, {include: [token('t1'), {group: {id: 'h'}}], policies: [{id: 'p', precedence: 1}]})).toMatchObject([
      {added: ['service token t1', 'Access group h']},
      {added: ['1  p']},
    ]) // prettier-ignore
    memory.before = () => {
      throw new TypeError('a bug')
    }
    await expect(fields({include: []}, {include: [token('t1')]})).rejects.toThrow('a bug')
  })
})
