import {describe, expect, it} from 'vitest'
import {
  applicationOf,
  applicationState,
  chosenFields,
  createObject,
  deleteObject,
  inWords,
  isNewId,
  listObjects,
  nameOf,
  newId,
  readObject,
  withFields,
  withRules,
  writeObject,
  type ObjectRef,
} from '../../../src/lib/access/edit/object.js'
import type {Policy} from '../../../src/lib/api/types.js'
import {ApiError} from '../../../src/lib/core/errors.js'
import {MemoryApi} from '../../support/memory-api.js'

const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const policy: ObjectRef = {kind: 'policy', id: 'p', name: 'Shared'}
const inline: ObjectRef = {kind: 'inline-policy', id: 'i', name: 'Own', application: {id: 'a', name: 'App'}}
const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const ALL = [app, policy, inline, group]

function account(): MemoryApi {
  const memory = new MemoryApi()
  memory.apps = [{id: 'a', name: 'App', x: 1, policies: [{id: 'p', precedence: 3}, {id: 'i'}]}]
  memory.policies = [{id: 'p', name: 'Shared', include: null, reusable: true}]
  memory.inline = {a: [{id: 'i', name: 'Own', include: [{everyone: {}}], reusable: false}]}
  memory.groups = [{id: 'g', name: 'ci', require: [{everyone: {}}]}]
  return memory
}
const NO_RULES = {include: [], exclude: [], require: []}

describe('an object', () => {
  it.each([
    [app, 'the application "App"'],
    [policy, 'the policy "Shared"'],
    [inline, 'the policy "Own" of "App"'],
    [group, 'the Access group "ci"'],
  ])('in words: %j', (target, words) => {
    expect(inWords(target)).toBe(words)
  })

  it('that does not exist yet has a provisional ID', () => {
    expect([newId(1), isNewId(newId(12)), isNewId('a-new:1'), isNewId('a')]).toEqual(['new:1', true, false, false]) // prettier-ignore
    expect(nameOf({id: 'a', name: 'b', ...{more: 1}})).toEqual({id: 'a', name: 'b'})
  })

  it('has fields that a client chooses', () => {
    expect(chosenFields({id: 1, uid: 1, aud: 1, account_id: 1, created_at: 1, updated_at: 1, app_count: 1, reusable: 1, name: 1})).toEqual({name: 1}) // prettier-ignore
    expect(withFields({a: 1, b: 2}, {b: undefined, c: null})).toEqual({a: 1, c: null})
    expect(withRules({x: 1, include: null, exclude: [1]})).toEqual({...NO_RULES, x: 1, exclude: [1]})
  })

  it('is read with its links or lists of rules', async () => {
    const {api} = account()
    const links = [{id: 'p', precedence: 3}, {id: 'i', precedence: 4}] // prettier-ignore
    expect(await readObject(api, app)).toEqual({id: 'a', name: 'App', x: 1, policies: links})
    expect(await readObject(api, policy)).toEqual({...NO_RULES, id: 'p', name: 'Shared', reusable: true})
    expect(await readObject(api, inline)).toMatchObject({...NO_RULES, id: 'i', include: [{everyone: {}}]})
    expect(await readObject(api, group)).toEqual({
      ...NO_RULES,
      id: 'g',
      name: 'ci',
      require: [{everyone: {}}],
    })
  })

  it('has links without a precedence right after the one before', () => {
    const policies = [{id: 'a'}, {id: 'b', precedence: 5}, {id: 'c'}] as Policy[]
    expect(applicationState({policies: 'x', y: 1}, policies)).toEqual({
      y: 1,
      policies: [{id: 'a', precedence: 1}, {id: 'b', precedence: 5}, {id: 'c', precedence: 6}],
    }) // prettier-ignore
  })

  it('is listed with the others of its kind, an inline policy only with those of its application', async () => {
    const memory = account()
    const kinds = await Promise.all(ALL.map((target) => listObjects(memory.api, target)))
    expect(kinds.map((all) => all.map(({id}) => id))).toEqual([['a'], ['p'], ['i'], ['g']])
    expect(kinds[0]?.[0]).toMatchObject({policies: [{id: 'p', precedence: 3}, {id: 'i', precedence: 4}]}) // prettier-ignore
    for (const [one] of kinds.slice(1)) expect(one).toMatchObject({exclude: []})
  })

  it.each(ALL)('is undefined, and no error to delete, when it is gone: %j', async (target) => {
    const memory = account()
    const gone = {...target, id: 'gone'}
    expect(await readObject(memory.api, gone)).toBeUndefined()
    await deleteObject(memory.api, gone)
    memory.before = () => {
      throw new ApiError({kind: 'api', code: 'DOWN', message: 'x', status: 500})
    }
    await expect(readObject(memory.api, target)).rejects.toMatchObject({code: 'DOWN'})
    await expect(deleteObject(memory.api, target)).rejects.toMatchObject({code: 'DOWN'})
  })

  it.each<[ObjectRef, string[], string]>([
    [app, ['replaceApplication', 'createApplication'], 'deleteApplication'],
    [policy, ['replacePolicy', 'createPolicy'], 'deletePolicy'],
    [inline, ['replaceApplicationPolicy a', 'createApplicationPolicy a'], 'deleteApplicationPolicy a'],
    [group, ['replaceGroup', 'createGroup'], 'deleteGroup'],
  ])('is written, made and deleted as its kind: %j', async (target, calls, deletes) => {
    const memory = account()
    await writeObject(memory.api, target, {old: 1, gone: 1, policies: ['x']}, {gone: undefined, new: 2})
    const id = await createObject(memory.api, target, {id: 'x', created_at: 'x', name: 'New'})
    expect(await readObject(memory.api, {...target, id})).toMatchObject({name: 'New'})
    await deleteObject(memory.api, {...target, id})
    expect(await readObject(memory.api, {...target, id})).toBeUndefined()
    const policies = target === app ? {} : {policies: ['x']}
    expect(memory.bodies).toEqual([
      [calls[0], {...policies, old: 1, new: 2}],
      [calls[1], {name: 'New'}],
    ])
    expect(memory.writes[2]).toBe(`${deletes} ${id}`)
  })

  it('of an application has its policies sent only to change them', async () => {
    const memory = account()
    await writeObject(memory.api, app, {policies: ['x']}, {policies: []})
    expect(memory.bodies).toEqual([['replaceApplication', {policies: []}]])
  })

  it('inside an application needs that', () => {
    expect(applicationOf(inline)).toBe('a')
    expect(() => applicationOf(policy)).toThrow('an inline policy without its application')
  })

  it('of a policy whose kind is not said counts as inline in the list of its application', async () => {
    const memory = account()
    memory.inline = {a: [{id: 'i', name: 'Own'}]}
    expect(await readObject(memory.api, inline)).toMatchObject({id: 'i'})
    expect(await readObject(memory.api, {...inline, id: 'p'})).toBeUndefined()
  })
})
