import {beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {createChange, deleteChange, makeReusableChange, replaceChange, type Change} from '../../../src/lib/access/edit/change.js' // prettier-ignore
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {invert} from '../../../src/lib/access/edit/invert.js'
import {newId, readObject, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import type {RecordedChange, UndoRecord} from '../../../src/lib/access/edit/records.js'
import {latestEdit, listUndo, planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {ApiError, BugError, type UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext, MemoryRecords} from '../../support/memory-api.js'

const NO_RULES = {include: [], exclude: [], require: []}
const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const shared: ObjectRef = {kind: 'policy', id: 'p', name: 'Shared'}
const inline: ObjectRef = {kind: 'inline-policy', id: 'i', name: 'Own', application: {id: 'a', name: 'App'}}

let memory: MemoryApi
let records: MemoryRecords
let ctx: AccessContext
let steps: string[]
beforeEach(() => {
  memory = new MemoryApi()
  memory.apps = [{id: 'a', name: 'App', policies: [{id: 'i', precedence: 1}]}]
  memory.inline = {a: [{id: 'i', name: 'Own', precedence: 1, reusable: false}]}
  memory.policies = [{id: 'p', name: 'Shared', reusable: true}]
  memory.groups = [{id: 'g', name: 'ci', x: 1}]
  records = new MemoryRecords()
  ;({ctx, steps} = memoryContext(memory, records))
})

const told = ({kind, code, message, whyLines, next, details}: UserError): unknown => ({kind, code, message, why: whyLines, next, details}) // prettier-ignore
const recorded = (more: Partial<RecordedChange>): RecordedChange => ({action: 'replace', target: group, fields: [], ...more}) // prettier-ignore
const inverse = async (...changes: RecordedChange[]): Promise<Awaited<ReturnType<typeof invert>>> =>
  invert(memory.api, changes)
const NOTHING = {changes: [], conflicts: [], notes: [], stays: [], impossible: [], renamed: new Map()}

describe('the inverse of a replacement', () => {
  it('is the one back of the fields that are as it left them', async () => {
    const fields = [{field: 'x', before: 0, after: 1}, {field: 'y', before: 2}, {field: 'name', after: 'ci'}] // prettier-ignore
    const {changes, ...rest} = await inverse(recorded({fields}))
    expect(changes).toMatchObject([{action: 'replace', target: group, after: {id: 'g', x: 0, y: 2}}])
    expect(changes[0]?.after).not.toHaveProperty('name')
    expect(rest).toEqual({...NOTHING, changes: undefined})
  })

  it.each<[string, RecordedChange, object]>([
    ['none if all is as before', recorded({fields: [{field: 'x', before: 1, after: 2}]}), {}],
    ['in conflict with what was changed since', recorded({fields: [{field: 'x', before: 0, after: 2}, {field: 'y', before: 1, after: 3}]}), {conflicts: ['x, y of the Access group "ci"']}],
    ['in conflict with a deletion', recorded({target: {...group, id: 'gone'}}), {conflicts: ['the Access group "ci" no longer exists']}],
    ['none for what it put into an object that is gone', recorded({target: {...app, id: 'gone'}, fields: [{field: 'policies', before: [{id: 'i', precedence: 1}], after: [{id: 'p', precedence: 1}, {id: 'i', precedence: 2}]}, {field: 'tags', after: ['new']}]}), {}],
    ['in conflict where it took something out of it', recorded({target: {...app, id: 'gone'}, fields: [{field: 'policies', before: [{id: 'i', precedence: 1}], after: [{id: 'p', precedence: 1}]}]}), {conflicts: ['the application "App" no longer exists']}],
    ['in conflict where it set something else of it', recorded({target: {...app, id: 'gone'}, fields: [{field: 'policies', before: [], after: ['p']}, {field: 'name', before: 'A', after: 'App'}]}), {conflicts: ['the application "App" no longer exists']}],
    ['without what was not recorded', recorded({fields: [{field: 'key', withheld: true}]}), {stays: ['key of the Access group "ci" stays: it may hold a secret and is not recorded']}],
  ])('is %s', async (_, change, expected) => {
    expect(await inverse(change)).toEqual({...NOTHING, ...expected})
  }) // prettier-ignore

  it('takes what it added to the rules out of them, and leaves what others did there since', async () => {
    const links = (...ids: string[]): JsonObject[] => ids.map((id, at) => ({id, precedence: at + 1}))
    const added = recorded({target: app, fields: [{field: 'policies', before: links('i'), after: links('i', 'p')}]})
    memory.policies = ['p', 'x', 'y'].map((id) => ({id, name: id, reusable: true}))
    memory.apps = [{id: 'a', name: 'App', policies: links('x', 'i', 'p', 'y')}]
    const {changes, conflicts} = await inverse(added)
    expect(changes.map(({after}) => after?.['policies'])).toEqual([links('x', 'i', 'p', 'y').filter(({id}) => id !== 'p')])
    expect(conflicts).toEqual([])
    // Where it moved others, it cannot.
    memory.apps = [{id: 'a', name: 'App', policies: links('p', 'i', 'y')}]
    expect((await inverse(recorded({target: app, fields: [{field: 'policies', before: links('i'), after: links('p', 'i')}]}))).conflicts).toEqual(['policies of the application "App"'])
  }) // prettier-ignore

  it('of several goes backwards, each from what the next leaves', async () => {
    memory.groups = [{id: 'g', name: 'ci', x: 3}]
    const {changes, conflicts} = await inverse(
      recorded({fields: [{field: 'x', before: 1, after: 2}]}),
      recorded({fields: [{field: 'x', before: 2, after: 3}]}),
    )
    expect(changes.map(({before, after}) => [before?.['x'], after?.['x']])).toEqual([[3, 2], [2, 1]]) // prettier-ignore
    expect(conflicts).toEqual([])
    expect(memory.calls).toEqual(['getGroup g'])
  })
})

describe('the inverse of a creation', () => {
  it('is the deletion of what is as it was made', async () => {
    const change = recorded({action: 'create', fields: [{field: 'x', after: 1}, {field: 'key', withheld: true}]}) // prettier-ignore
    expect(await inverse(change)).toEqual({
      ...NOTHING,
      changes: [deleteChange(group, {...NO_RULES, id: 'g', name: 'ci', x: 1})],
    })
  })

  it.each<[string, RecordedChange, object]>([
    ['none of what is gone', recorded({action: 'create', target: {...group, id: 'gone'}, fields: [{field: 'x', after: 1}]}), {}],
    ['in conflict with what was changed', recorded({action: 'create', fields: [{field: 'x', after: 2}, {field: 'y', after: 2}]}), {conflicts: ['x, y of the Access group "ci"']}],
    ['none where nothing is like it', recorded({action: 'create', target: {...group, id: newId(1)}, fields: [{field: 'x', after: 2}]}), {}],
    ['none where what is like it was there before', recorded({action: 'create', target: {...group, id: newId(1)}, fields: [{field: 'x', after: 1}], twins: ['g']}), {}],
  ])('is %s', async (_, change, expected) => {
    expect(await inverse(change)).toEqual({...NOTHING, ...expected})
  }) // prettier-ignore

  it('whose answer never came is found by its content, if that is clear', async () => {
    memory.groups.push({id: 'h', name: 'ci', x: 1})
    const change = recorded({action: 'create', target: {...group, id: newId(1)}, fields: [{field: 'x', after: 1}, {field: 'none'}, {field: 'key', after: 'x', withheld: true}]}) // prettier-ignore
    const found = await inverse({...change, twins: ['g']})
    expect(found).toMatchObject({conflicts: [], changes: [{action: 'delete', target: {...group, id: 'h'}}]})
    const unclear = await inverse(change)
    expect(unclear).toEqual({...NOTHING, conflicts: ['several objects are like the Access group "ci"']})
    memory.groups = []
    memory.calls.length = 0
    await inverse(change)
    expect(memory.calls).toEqual(['listGroups'])
  })

  it('takes the links of inline policies with it', async () => {
    const links = recorded({target: app, fields: [{field: 'policies', before: [], after: []}, {field: 'z', before: 1}]}) // prettier-ignore
    const {changes, conflicts} = await inverse(links, recorded({action: 'create', target: inline}))
    expect(conflicts).toEqual([])
    expect(changes).toMatchObject([{action: 'delete', target: inline}, {target: app, after: {policies: [], z: 1}}]) // prettier-ignore
    const stays = await inverse(recorded({target: app, fields: [{field: 'policies', before: [{id: 'x', precedence: 1}], after: []}]})) // prettier-ignore
    expect(stays.conflicts).toEqual(['policies of the application "App"'])
  })
})

describe('the links of an application in an inverse', () => {
  const touch = recorded({target: app, fields: [{field: 'z', before: 1}]})
  const linksAfter = async (...changes: RecordedChange[]): Promise<unknown> =>
    (await inverse(touch, ...changes)).changes.at(-1)?.after?.['policies']
  beforeEach(() => {
    memory.apps = [{id: 'a', name: 'App', policies: ['i', 'p', 'j'].map((id, at) => ({id, precedence: at + 1}))}] // prettier-ignore
    memory.inline['a']?.push({id: 'j', name: 'Other', precedence: 3, reusable: false})
  })

  it('are without an inline policy that is deleted, and keep the others', async () => {
    expect(await linksAfter(recorded({action: 'create', target: inline}))).toEqual([
      {id: 'p', precedence: 2},
      {id: 'j', precedence: 3},
    ])
  })

  it('keep an inline policy that is changed, and a reusable one that is deleted', async () => {
    const renamed = recorded({target: inline, fields: [{field: 'name', before: 'Old', after: 'Own'}]})
    expect(await linksAfter(renamed)).toHaveLength(3)
    expect(await linksAfter(recorded({action: 'create', target: shared}))).toHaveLength(3)
  })
})

describe('the inverse of a deletion', () => {
  const deleted = recorded({action: 'delete', target: {...shared, id: 'gone'}, fields: [{field: 'name', before: 'Shared'}, {field: 'include', before: []}, {field: 'never'}]}) // prettier-ignore

  it('creates the object again, and what names it gets its new ID', async () => {
    memory.apps = [{id: 'a', name: 'App', policies: []}]
    const links = {field: 'policies', before: [{id: 'gone', precedence: 1}], after: []}
    const result = await inverse(recorded({target: app, fields: [links]}), deleted)
    expect(result.changes).toEqual([
      createChange({...shared, id: 'new:1'}, {name: 'Shared', include: []}),
      {action: 'replace', target: app, before: {id: 'a', name: 'App', policies: []}, after: {id: 'a', name: 'App', policies: [{id: 'new:1', precedence: 1}]}},
    ]) // prettier-ignore
    expect(result.changes[0]?.after).not.toHaveProperty('never')
    expect(result.notes).toEqual(['the policy "Shared" comes back with another ID'])
    expect(result.renamed).toEqual(new Map([['gone', 'new:1']]))
  })

  it('gives each object another provisional ID, and changes it after that', async () => {
    const result = await inverse(
      recorded({target: {...shared, id: 'gone'}, fields: [{field: 'name', before: 'First', after: 'Shared'}]}), // prettier-ignore
      deleted,
      recorded({action: 'delete', target: {...app, id: 'app-gone'}, fields: [{field: 'name', before: 'N'}]}),
      recorded({action: 'delete', target: {...inline, id: 'in-gone', application: {id: 'app-gone', name: 'N'}}, fields: [{field: 'name', before: 'I'}]}), // prettier-ignore
    )
    expect(result.changes.map(({action, target}) => [action, target.id, target.application?.id])).toEqual([
      ['create', 'new:1', 'app-gone'],
      ['create', 'new:2', undefined],
      ['create', 'new:3', undefined],
      ['replace', 'new:3', undefined],
    ])
    expect(result.conflicts).toEqual([])
  })

  it('is none of what is there, and impossible without what was not recorded', async () => {
    expect(await inverse(recorded({action: 'delete'}))).toEqual(NOTHING)
    const fields = [{field: 'name', before: 'x'}, {field: 'key', withheld: true as const}, {field: 'saas_app', withheld: true as const}] // prettier-ignore
    expect(await inverse({...deleted, fields})).toEqual({
      ...NOTHING,
      impossible: ['the policy "Shared" had key, saas_app, which may hold a secret and is not recorded'],
    })
  })
})

describe('the inverse of making a policy reusable', () => {
  it('does not exist; if it was never made there is nothing to say', async () => {
    const target = {...inline, id: 'free'}
    expect(await inverse(recorded({action: 'make-reusable', target}))).toEqual({
      ...NOTHING,
      stays: ['the policy "Own" of "App" stays reusable: Cloudflare has no way back'],
    })
    expect(await inverse(recorded({action: 'make-reusable', target: inline}))).toEqual(NOTHING)
  })
})

const apply = async (changes: readonly Change[], more: object = {}): Promise<string> =>
  (await applyChanges(ctx, changes, {command: 'zt x', ...more})).undoId ?? ''
const undo = async (id: string): Promise<string> => (await undoEdit(ctx, await planUndo(ctx, id))).undoId ?? '' // prettier-ignore
async function set(fields: JsonObject, target = group): Promise<string> {
  return apply(replaceChange(target, (await readObject(memory.api, target)) ?? {}, fields))
}

describe('an undo', () => {
  it('is an edit of its own, with the command that it undoes', async () => {
    const first = await set({x: 2})
    const plan = await planUndo(ctx, first)
    expect(plan).toMatchObject({record: {id: '01'}, notes: [], renamed: new Map()})
    expect(steps.at(-1)).toBe('Reading the current state')
    await undoEdit(ctx, plan)
    expect(memory.groups[0]).toMatchObject({x: 1})
    expect(records.kept).toMatchObject([{state: 'undone', undoneBy: '02'}, {command: 'zt undo 01 (zt x)', undoes: '01'}]) // prettier-ignore
    expect(await failure(planUndo(ctx, first))).toMatchObject({code: 'ALREADY_UNDONE'})
  })

  it('of what is already as it was only marks it', async () => {
    const first = await set({x: 2})
    memory.groups[0] = {id: 'g', name: 'ci', x: 1}
    expect(await undo(first)).toBe('')
    expect(records.kept).toMatchObject([{state: 'undone'}])
    expect(records.kept).toHaveLength(1)
  })

  it('does not mark as undone before it is', async () => {
    const plan = await planUndo(ctx, await set({x: 2}))
    memory.before = () => {
      throw new BugError('no')
    }
    await expect(undoEdit(ctx, plan)).rejects.toThrow('no')
    expect(records.kept[0]).toMatchObject({state: 'done'})
  })

  it('knows an object by its latest ID, however often it came back', async () => {
    const first = await set({name: 'Second'}, shared)
    const deletion = await apply([deleteChange(shared, (await readObject(memory.api, shared)) ?? {})])
    const back = await undo(deletion)
    await undo(await undo(back))
    const ids = memory.policies.map(({id}) => id)
    expect(ids).toEqual(['policy-made-2'])
    await undo(first)
    expect(memory.policies).toMatchObject([{id: 'policy-made-2', name: 'Shared'}])
  })

  it('stops at what was changed since, and names it', async () => {
    const first = await set({x: 2})
    memory.groups[0] = {id: 'g', name: 'ci', x: 3}
    expect(told(await failure(planUndo(ctx, first)))).toMatchInlineSnapshot(`
      {
        "code": "CHANGED_SINCE",
        "details": {
          "changedSince": [
            "x of the Access group "ci"",
          ],
          "id": "01",
        },
        "kind": "conflict",
        "message": "This edit cannot be undone: what it changed has been changed since",
        "next": [
          "If that was an edit made with zt, undo it first: zt undo",
        ],
        "why": [
          "Changed since: x of the Access group "ci". The undo changed nothing.",
        ],
      }
    `)
  })

  it('names all that was changed since, even if nothing else is left to do', async () => {
    records.kept.push({id: '01', profile: 'default', accountId: 'account', at: '', command: 'c', state: 'done', changes: [
      recorded({fields: [{field: 'x', before: 0, after: 5}, {field: 'key', withheld: true}]}),
      recorded({target: {...group, id: 'gone', name: 'gone'}}),
    ]}) // prettier-ignore
    const error = await failure(planUndo(ctx, '01'))
    expect(error).toMatchObject({code: 'CHANGED_SINCE'})
    expect(error.why).toBe('Changed since: the Access group "gone" no longer exists; x of the Access group "ci". The undo changed nothing.') // prettier-ignore
  })

  it('needs no account in the context if the API has it', async () => {
    const first = await set({x: 2})
    expect((await planUndo({...ctx, accountId: undefined}, first)).changes).toHaveLength(1)
  })

  it('stops where only notes are left', async () => {
    const state = (await readObject(memory.api, inline)) ?? {}
    const first = await apply([makeReusableChange(inline, state)])
    expect(told(await failure(planUndo(ctx, first)))).toMatchInlineSnapshot(`
      {
        "code": "UNDO_IMPOSSIBLE",
        "details": {
          "id": "01",
        },
        "kind": "conflict",
        "message": "This edit cannot be undone",
        "next": [
          "Earlier edits may still be undone: zt undo",
        ],
        "why": [
          "The policy "Own" of "App" stays reusable: Cloudflare has no way back.",
        ],
      }
    `)
  })

  it('stops where something cannot come back, and says all of it', async () => {
    memory.groups[0] = {id: 'g', name: 'ci', password: 'x'}
    memory.policies.push({id: 'q', name: 'Q', reusable: true})
    const q: ObjectRef = {kind: 'policy', id: 'q', name: 'Q'}
    const first = await apply([
      deleteChange(group, (await readObject(memory.api, group)) ?? {}),
      deleteChange(q, (await readObject(memory.api, q)) ?? {}),
    ])
    const error = await failure(planUndo(ctx, first))
    expect(error).toMatchObject({code: 'UNDO_IMPOSSIBLE', details: {id: '01'}})
    expect(error.whyLines).toEqual([
      'The Access group "ci" had password, which may hold a secret and is not recorded.',
      'The policy "Q" comes back with another ID.',
    ])
  })

  it('with notes and changes can be made', async () => {
    const first = await apply([deleteChange(shared, (await readObject(memory.api, shared)) ?? {})])
    const {notes, changes, renamed} = await planUndo(ctx, first)
    expect(notes).toEqual(['the policy "Shared" comes back with another ID'])
    expect([changes.length, [...renamed]]).toEqual([1, [['p', 'new:1']]])
  })
})

describe('the undo of a new policy', () => {
  const made: ObjectRef = {kind: 'policy', id: newId(1), name: 'New'}
  const count = (uses: unknown): void => {
    const policy = memory.policies.at(-1)
    if (policy) policy['app_count'] = uses
  }
  let first: string
  beforeEach(async () => {
    memory.apps = [
      {id: 'a', name: 'App', policies: []},
      {id: 'b', name: 'Other', policies: []},
      {id: 'c', name: 'Third', policies: [{id: 'p', precedence: 1}]},
    ]
    first = await apply([
      createChange(made, {...NO_RULES, name: 'New'}),
      ...replaceChange(app, {id: 'a', name: 'App', policies: []}, {policies: [{id: newId(1), precedence: 1}]}), // prettier-ignore
    ])
  })
  const attach = (at: number): void => {
    ;(memory.apps[at] ?? {})['policies'] = [{id: 'policy-made-1', precedence: 1}]
  }

  it.each([undefined, 0, 1, '7'])('deletes it if it has %j uses', async (uses) => {
    count(uses)
    memory.calls.length = 0
    await undo(first)
    expect(memory.policies.map(({id}) => id)).toEqual(['p'])
    expect(memory.calls).not.toContain('listApplications')
  })

  it('does not if other applications have it', async () => {
    count(3)
    attach(1)
    attach(2)
    expect((await failure(planUndo(ctx, first))).details).toEqual({
      id: '01',
      changedSince: ['the policy "New" is also attached to "Other", "Third"'],
    })
  })

  it('does not if it has more uses than can be seen', async () => {
    count(2)
    expect((await failure(planUndo(ctx, first))).details['changedSince']).toEqual([
      'the policy "New" is also attached to other applications',
    ])
  })

  it('does not if another application has it, whatever else the edit attached', async () => {
    const id = await apply([
      createChange({...made, id: newId(1), name: 'Newer'}, {...NO_RULES, name: 'Newer'}),
      ...replaceChange({...app, id: 'b', name: 'Other'}, {id: 'b', name: 'Other', policies: []}, {policies: [{id: 'p', precedence: 1}]}), // prettier-ignore
    ])
    count(1)
    ;(memory.apps[2] ?? {})['policies'] = [{id: memory.policies.at(-1)?.['id'], precedence: 1}]
    expect((await failure(planUndo(ctx, id))).details['changedSince']).toEqual([
      'the policy "Newer" is also attached to "Third"',
    ])
  })

  it('deletes it, and creates again what the edit deleted', async () => {
    const id = await apply([
      createChange({...made, id: newId(1), name: 'Newer'}, {...NO_RULES, name: 'Newer'}),
      deleteChange(group, (await readObject(memory.api, group)) ?? {}),
    ])
    count(0)
    await undo(id)
    expect([memory.policies.map(({name}) => name), memory.groups.length]).toEqual([['Shared', 'New'], 1])
  })

  it('that was only changed does not look at uses', async () => {
    const id = await set({name: 'Renamed'}, {...shared})
    ;(memory.policies[0] ?? {})['app_count'] = 9
    await undo(id)
    expect(memory.policies[0]).toMatchObject({name: 'Shared'})
  })

  it('of a group does not look at uses', async () => {
    const id = await apply([createChange({kind: 'group', id: newId(1), name: 'N'}, {...NO_RULES, name: 'N', app_x: 1})]) // prettier-ignore
    const one = memory.groups.at(-1)
    if (one) one['app_count'] = 9
    await undo(id)
    expect(memory.groups).toHaveLength(1)
  })
})

describe('the undo that would bring back a rule', () => {
  const rule = (id: unknown): JsonObject => ({service_token: {token_id: id}})
  beforeEach(() => {
    memory.groups[0] = {id: 'g', name: 'ci', include: [rule('t1'), rule('t2')], require: [rule('t3')], exclude: [rule('t4'), {service_token: 'odd'}, {everyone: {}}]} // prettier-ignore
    memory.tokens = ['t1', 't2', 't3', 't4'].map((id) => ({id, name: id}))
  })

  it('is impossible for tokens that were deleted, each named once', async () => {
    const first = await set({include: [], require: [rule('t1')], exclude: []})
    memory.tokens = memory.tokens.filter(({id}) => id === 't3')
    expect(told(await failure(planUndo(ctx, first)))).toMatchInlineSnapshot(`
      {
        "code": "UNDO_IMPOSSIBLE",
        "details": {
          "id": "01",
        },
        "kind": "conflict",
        "message": "This edit cannot be undone",
        "next": [
          "Earlier edits may still be undone: zt undo",
        ],
        "why": [
          "It would bring back rules for the service token t2, which has been deleted.",
          "It would bring back rules for the service token t4, which has been deleted.",
        ],
      }
    `)
  })

  it('is possible while the tokens exist', async () => {
    const first = await set({include: []})
    await undo(first)
    expect(memory.groups[0]).toMatchObject({include: [rule('t1'), rule('t2')]})
  })

  it('does not ask for tokens if it brings none back', async () => {
    const first = await set({x: 1, include: [rule('t1'), rule('t2'), rule('t3')]})
    memory.tokens = []
    await undo(first)
    expect(memory.calls).not.toContain('listServiceTokens')
  })

  it('is possible if the tokens may not be listed, but not if they cannot', async () => {
    const first = await set({include: []})
    const fails = (kind: 'permission' | 'unreachable'): void => {
      memory.before = (call) => {
        if (call === 'listServiceTokens') throw new ApiError({kind, code: 'X', message: 'x'})
      }
    }
    fails('unreachable')
    await expect(planUndo(ctx, first)).rejects.toMatchObject({kind: 'unreachable'})
    fails('permission')
    expect((await planUndo(ctx, first)).changes).toHaveLength(1)
  })
})

describe('edits in the list', () => {
  const record = (more: Partial<UndoRecord>): UndoRecord => ({id: '01', profile: 'default', accountId: 'account', at: '', command: 'c', state: 'done', changes: [], ...more}) // prettier-ignore

  it('are those of the profile and account, if that is known', async () => {
    records.kept.push(record({}), record({id: '02', profile: 'other'}), record({id: '03', accountId: 'b'}))
    expect(await listUndo(ctx)).toMatchObject({
      records: [{id: '01'}],
      elsewhere: 2,
      unread: {damaged: ['a file']},
    })
    const anywhere = await listUndo({...ctx, accountId: undefined})
    expect(anywhere.records.map(({id}) => id)).toEqual(['03', '01'])
  })

  it.each<[string, Partial<UndoRecord>[], string]>([
    ['the last one', [{id: '01'}, {id: '02'}], '02'],
    ['the one before what was undone', [{id: '01'}, {id: '02', state: 'undone'}], '01'],
    ['not an undo', [{id: '01'}, {id: '02', state: 'undone'}, {id: '03', undoes: '02'}], '01'],
    ['the undo of an undo', [{id: '01', state: 'undone'}, {id: '02', undoes: '01', state: 'undone'}, {id: '03', undoes: '02'}], '03'],
    ['not an undo of what is forgotten', [{id: '02'}, {id: '03', undoes: '01'}], '02'],
    ['one that was interrupted', [{id: '01'}, {id: '02', state: 'begun'}], '02'],
  ])('have as the latest %s', async (_, all, latest) => {
    records.kept.push(...all.map(record))
    expect(await latestEdit(ctx)).toBe(latest)
  }) // prettier-ignore

  it('have no latest if all are undone', async () => {
    records.kept.push(record({state: 'undone'}))
    expect(told(await failure(latestEdit(ctx)))).toMatchInlineSnapshot(`
      {
        "code": "NOTHING_TO_UNDO",
        "details": {},
        "kind": "not-found",
        "message": "There is nothing to undo for profile default",
        "next": [
          "zt undo",
        ],
        "why": [
          "All edits of it that this machine remembers have been undone.",
        ],
      }
    `)
  })

  it.each<[string, Partial<UndoRecord>, object, object]>([
    ['another profile', {profile: 'work'}, {}, {message: 'This edit was made with profile work', next: ['zt undo 01 --profile work']}],
    ['another account', {accountId: 'b'}, {}, {message: 'This edit was made with account b', next: []}],
    ['another account that is only known later', {accountId: 'b'}, {accountId: undefined}, {message: 'This edit was made with account b', next: []}],
    ['a zone', {zoneId: 'z'}, {}, {message: 'This edit was made with account account, zone z', next: ['zt undo 01 --zone z']}],
    ['a zone and another profile', {zoneId: 'z', profile: 'work'}, {}, {message: 'This edit was made with profile work', next: ['zt undo 01 --zone z --profile work']}],
  ])('are refused if they are of %s', async (_, more, context, expected) => {
    records.kept.push(record(more))
    expect(await failure(planUndo({...ctx, ...context}, '01'))).toMatchObject({
      kind: 'conflict',
      code: 'UNDO_ELSEWHERE',
      whyLines: ['It can be undone only there. Nothing was changed.'],
      details: {profile: more.profile ?? 'default', accountId: more.accountId ?? 'account'},
      ...expected,
    })
    expect(memory.calls).toEqual([])
  }) // prettier-ignore

  it('are refused in another zone', async () => {
    memory.zoneId = 'other'
    records.kept.push(record({}), record({id: '02', zoneId: 'z'}), record({id: '03', zoneId: 'other'}))
    expect((await failure(planUndo(ctx, '01'))).next).toEqual(['Run zt undo 01 without --zone'])
    expect((await failure(planUndo(ctx, '02'))).next).toEqual(['zt undo 02 --zone z'])
    expect(await planUndo(ctx, '03')).toMatchObject({changes: [], notes: []})
  })
})
