import {beforeEach, describe, expect, it} from 'vitest'
import {
  inlineTarget,
  linkChanges,
  openForEdit,
  policyTarget,
  readForEdit,
  type ApplicationToEdit,
} from '../../../src/lib/access/edit/application.js'
import type {Change} from '../../../src/lib/access/edit/change.js'
import type {PolicyLink} from '../../../src/lib/access/edit/object.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext} from '../../support/memory-api.js'

let memory: MemoryApi
beforeEach(() => {
  memory = new MemoryApi()
})

/** An application with policies `1`, `2`, … of these kinds, at these precedences. */
function put(kinds: (boolean | undefined)[], precedences: number[] = kinds.map((_, at) => at + 1)): void {
  const raw = kinds.map((reusable, at): JsonObject => ({
    id: `${at + 1}`,
    name: `P${at + 1}`,
    ...(reusable !== undefined && {reusable}),
    ...(reusable === false && {precedence: precedences[at]}),
  }))
  memory.policies = raw.filter((_, at) => kinds[at] !== false)
  memory.inline = {a: raw.filter((_, at) => kinds[at] === false)}
  const policies = raw.map(({id}, at) => ({id, precedence: precedences[at]}))
  memory.apps = [{id: 'a', name: 'App', x: 1, policies}]
}
const read = (): Promise<ApplicationToEdit> => readForEdit(memory.api, 'a')
const links = (...all: [string, number][]): PolicyLink[] => all.map(([id, precedence]) => ({id, precedence}))

describe('an application that is read for an edit', () => {
  it('is there with its state, links and policies', async () => {
    put([true, true], [2, 5])
    const app = await read()
    const both = [{id: '1', precedence: 2}, {id: '2', precedence: 5}] // prettier-ignore
    expect(app).toMatchObject({
      target: {kind: 'application', id: 'a', name: 'App'},
      application: {id: 'a', name: 'App'},
      state: {id: 'a', name: 'App', x: 1, policies: both},
      links: both,
      policies: [{id: '1'}, {id: '2'}],
    })
    expect(app.target).toEqual({kind: 'application', id: 'a', name: 'App'})
  })

  it.each<[string, (boolean | undefined)[], string, string[]]>([
    ['no policies', [], 'none', []],
    ['reusable policies', [true, true], 'reusable', []],
    ['inline policies', [false, false], 'inline', ['1', '2']],
    ['both kinds', [true, false], 'mixed', ['2']],
    ['policies that are listed among the reusable ones', [undefined, undefined], 'reusable', []],
  ])('knows that it has %s', async (_, kinds, kind, inline) => {
    put(kinds)
    const app = await read()
    expect([app.kind, [...app.inline]]).toEqual([kind, inline])
    expect(memory.calls.includes('listPolicies')).toBe(kinds.includes(undefined))
  })

  it('looks up only the policies whose kind is not said, and of a zone none', async () => {
    put([undefined, true, false])
    memory.inline['a']?.push(...memory.policies.splice(0, 1))
    expect([...(await read()).inline]).toEqual(['3', '1'].sort())
    put([undefined])
    memory.zoneId = 'zone'
    memory.calls.length = 0
    expect([...(await read()).inline]).toEqual(['1'])
    expect(memory.calls).not.toContain('listPolicies')
  })

  it('has objects for its policies', async () => {
    put([true, false])
    const app = await read()
    const own = {kind: 'inline-policy', id: '2', name: 'P2', application: {id: 'a', name: 'App'}}
    expect(policyTarget(app, {id: '1', name: 'P1'})).toEqual({kind: 'policy', id: '1', name: 'P1'})
    expect(policyTarget(app, {id: '2', name: 'P2'})).toEqual(own)
    expect(inlineTarget(app, {id: '2', name: 'P2'})).toEqual(own)
  })

  it('is the one that is meant, with notes about others', async () => {
    put([])
    memory.apps.push({id: 'b', name: 'APP', policies: []})
    const {ctx} = memoryContext(memory)
    const {app, notes} = await openForEdit(ctx, memory.api, 'App', await memory.api.listApplications())
    expect([app.application.id, notes]).toEqual(['a', ['"APP" matches too']])
  })

  it('must still have the name by which it was found', async () => {
    put([])
    const {ctx} = memoryContext(memory)
    const all = await memory.api.listApplications()
    memory.apps = [{id: 'a', name: 'Renamed', policies: []}]
    expect(await failure(openForEdit(ctx, memory.api, 'App', all))).toMatchObject({
      code: 'NAME_UNCERTAIN',
      next: ['zt app show a', 'Run the command again'],
    })
  })
})

describe('new links', () => {
  const moves = (changes: Change[]): unknown[] =>
    changes.map(({target, before, after}) => [target.id, before?.['precedence'], after?.['precedence']])

  it('of reusable policies, or of the first ones, are one change of the application', async () => {
    put([true, true])
    const wanted = links(['2', 1], ['3', 2])
    const [change, ...others] = linkChanges(await read(), wanted)
    expect(others).toEqual([])
    expect(change).toMatchObject({action: 'replace', target: {kind: 'application', id: 'a'}, after: {x: 1, policies: wanted}}) // prettier-ignore
    put([])
    expect(linkChanges(await read(), links(['3', 2]))).toMatchObject([{target: {kind: 'application'}}])
  })

  it('of both kinds are refused', async () => {
    put([true, false])
    const app = await read()
    const error = await failure(Promise.resolve().then(() => linkChanges(app, [])))
    expect({...error, message: error.message}).toMatchInlineSnapshot(`
      {
        "code": "MIXED_POLICIES",
        "details": {
          "applicationId": "a",
        },
        "exitCode": undefined,
        "kind": "conflict",
        "message": "Cannot change the order or number of the policies of "App"",
        "name": "UserError",
        "next": [
          "Make its inline policies reusable first: zt policy make-reusable a --all",
        ],
        "quotes": [],
        "whyLines": [
          "It has both reusable and inline policies, which Cloudflare does not accept in one change. Nothing was changed.",
        ],
      }
    `)
  })

  it('of inline policies change only their precedence', async () => {
    put([false, false], [1, 2])
    const [change] = linkChanges(await read(), links(['1', 1], ['2', 7]))
    expect(change).toEqual({
      action: 'replace',
      target: {kind: 'inline-policy', id: '2', name: 'P2', application: {id: 'a', name: 'App'}},
      before: {id: '2', name: 'P2', reusable: false, precedence: 2, include: [], exclude: [], require: []},
      after: {id: '2', name: 'P2', reusable: false, precedence: 7, include: [], exclude: [], require: []},
    })
  })

  it.each<[string, PolicyLink[], unknown[]]>([
    ['none moves', links(['1', 1], ['2', 2], ['3', 3]), []],
    ['one is left out', links(['1', 1], ['3', 3]), []],
    ['one is new', links(['new', 1], ['1', 2], ['2', 3], ['3', 4]), [['3', 3, 4], ['2', 2, 3], ['1', 1, 2]]],
    ['all go up', links(['1', 2], ['2', 3], ['3', 4]), [['3', 3, 4], ['2', 2, 3], ['1', 1, 2]]],
    ['one goes to a number that is free', links(['1', 9], ['2', 2], ['3', 3]), [['1', 1, 9]]],
    ['two change places', links(['2', 1], ['1', 2], ['3', 3]), [['1', 1, 4], ['2', 2, 1], ['1', 4, 2]]],
    ['all three change places', links(['2', 1], ['3', 2], ['1', 3]), [['1', 1, 4], ['2', 2, 1], ['3', 3, 2], ['1', 4, 3]]],
    ['two change places, and one goes far', links(['2', 1], ['1', 2], ['3', 8]), [['3', 3, 8], ['1', 1, 9], ['2', 2, 1], ['1', 9, 2]]],
  ])('of inline policies are in an order in which no two have the same number: %s', async (_, wanted, expected) => {
    put([false, false, false])
    expect(moves(linkChanges(await read(), wanted))).toEqual(expected)
  }) // prettier-ignore

  it('set aside go beyond every number that is still to come', async () => {
    put([false, false, false, false], [1, 2, 3, 4])
    const changes = moves(linkChanges(await read(), links(['2', 1], ['1', 2], ['3', 4], ['4', 3])))
    const taken = new Map([['1', 1], ['2', 2], ['3', 3], ['4', 4]]) // prettier-ignore
    for (const [id, from, to] of changes as [string, number, number][]) {
      expect(taken.get(id)).toBe(from)
      expect([...taken.values()]).not.toContain(to)
      taken.set(id, to)
    }
    expect([...taken]).toEqual([['1', 2], ['2', 1], ['3', 4], ['4', 3]]) // prettier-ignore
    expect(changes).toHaveLength(6)
  })
})
