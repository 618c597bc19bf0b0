import {beforeEach, describe, expect, it} from 'vitest'
import {
  createChange,
  deleteChange,
  makeReusableChange,
  replaceChange,
  type Change,
} from '../../../src/lib/access/edit/change.js'
import {newId, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {findLike, makeChange, requireUntouched, type StepResult} from '../../../src/lib/access/edit/step.js'
import {ApiError, BugError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {MemoryApi, memoryContext, notFound} from '../../support/memory-api.js'
import {failure} from '../../support/edit-world.js'

const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const inline: ObjectRef = {kind: 'inline-policy', id: 'i', name: 'Own', application: {id: 'a', name: 'App'}}
const newGroup: ObjectRef = {kind: 'group', id: newId(1), name: 'new'}

const NO_RULES = {include: [], exclude: [], require: []}
let memory: MemoryApi
beforeEach(() => {
  memory = new MemoryApi()
  memory.apps = [{id: 'a', name: 'App', domain: 'a.example', x: 1, policies: [{id: 'i', precedence: 1}]}]
  memory.inline = {a: [{id: 'i', name: 'Own', precedence: 1, reusable: false}]}
  memory.groups = [{id: 'g', name: 'ci', x: 1}]
})

function only([change]: Change[]): Change {
  if (!change) throw new Error('no change')
  return change
}
const stateOfGroup = {...NO_RULES, id: 'g', name: 'ci', x: 1}
const setsX = only(replaceChange(group, stateOfGroup, {x: 2}))
const deletes = deleteChange(group, stateOfGroup)
const creates = createChange(newGroup, {...NO_RULES, name: 'new', x: 5})
const frees = makeReusableChange(inline, {...NO_RULES, id: 'i', name: 'Own', precedence: 1, reusable: false})
const lost = new ApiError({kind: 'unreachable', code: 'LOST', message: 'lost', outcomeUnknown: true})
const refused = new ApiError({kind: 'api', code: 'REFUSED', message: 'refused', status: 500})

/** Fails a call, before or after it does its work. */
function fail(when: 'before' | 'after', call: RegExp, error: Error = lost, times = 1): void {
  memory[when] = (name) => {
    if (call.test(name) && times-- > 0) throw error
  }
}
const context = memoryContext
const slept: number[] = []
async function make(change: Change, now?: JsonObject, twins: string[] = []): Promise<StepResult> {
  const made = context(memory)
  const result = await makeChange(made.ctx, memory.api, change, now, twins)
  slept.splice(0, slept.length, ...made.slept)
  return result
}

describe('an object before it is changed', () => {
  it('is as it was planned, whatever the server has set', async () => {
    memory.groups = [{id: 'g', name: 'ci', x: 1, updated_at: 'later', app_count: 4}]
    expect(await requireUntouched(memory.api, setsX)).toMatchObject({id: 'g', x: 1, updated_at: 'later'})
    expect(await requireUntouched(memory.api, creates)).toBeUndefined()
  })

  it('that was changed is named with the fields', async () => {
    memory.groups = [{id: 'g', name: 'ci', x: 2, z: 1}]
    const error = await failure(requireUntouched(memory.api, setsX))
    expect({...error, message: error.message}).toMatchInlineSnapshot(`
      {
        "code": "CHANGED_MEANWHILE",
        "details": {
          "fields": [
            "x",
            "z",
          ],
          "id": "g",
          "kind": "group",
        },
        "exitCode": undefined,
        "kind": "conflict",
        "message": "Someone has changed the Access group "ci" in the meantime",
        "name": "UserError",
        "next": [
          "Run the command again and check the new difference",
        ],
        "quotes": [],
        "whyLines": [
          "These fields have changed since zt read it: x, z.",
        ],
      }
    `)
  })

  it('that was deleted is named', async () => {
    memory.groups = []
    const error = await failure(requireUntouched(memory.api, setsX))
    expect({...error, message: error.message}).toMatchInlineSnapshot(`
      {
        "code": "CHANGED_MEANWHILE",
        "details": {
          "fields": [],
          "id": "g",
          "kind": "group",
        },
        "exitCode": undefined,
        "kind": "conflict",
        "message": "Someone has deleted the Access group "ci" in the meantime",
        "name": "UserError",
        "next": [
          "Run the command again and check the new difference",
        ],
        "quotes": [],
        "whyLines": [],
      }
    `)
  })

  it('made by the same edit may have what the server sets', async () => {
    const change = only(replaceChange(group, {name: 'ci', x: 1}, {x: 2}))
    expect(await requireUntouched(memory.api, change)).toMatchObject({id: 'g'})
    memory.groups = [{id: 'g', name: 'ci', x: 3}]
    expect(await failure(requireUntouched(memory.api, change))).toMatchObject({details: {fields: ['x']}})
  })

  it('may have had its links moved only if they do not change', async () => {
    const state = {id: 'a', name: 'App', domain: 'a.example', x: 1, policies: []}
    expect(await requireUntouched(memory.api, only(replaceChange(app, state, {x: 2})))).toBeDefined()
    const change = only(replaceChange(app, state, {policies: [{id: 'p', precedence: 1}]}))
    expect(await failure(requireUntouched(memory.api, change))).toMatchObject({details: {fields: ['policies']}}) // prettier-ignore
  })
})

describe('a change', () => {
  it.each([
    ['a replacement', setsX, 'g', ['replaceGroup g']],
    ['a deletion', deletes, 'g', ['deleteGroup g']],
    ['a creation', creates, 'group-made-1', ['createGroup']],
    ['a move to the reusable ones', frees, 'i', ['makePolicyReusable a i']],
  ])('is made and read back: %s', async (_, change, id, writes) => {
    expect(await make(change, change.before)).toEqual({state: 'done', id, problem: undefined})
    expect(memory.writes).toEqual(writes)
    expect(slept).toEqual([])
  })

  it('sends what is there now with the fields that change', async () => {
    await make(only(replaceChange(group, {...stateOfGroup, gone: 1}, {x: 2, gone: undefined})), {
      ...stateOfGroup,
      gone: 1,
      updated_at: 'now',
    })
    expect(memory.bodies).toEqual([['replaceGroup', {...stateOfGroup, x: 2, updated_at: 'now'}]])
  })

  it.each([setsX, deletes, creates, frees])(
    'that was not sent is not looked for: $action',
    async (change) => {
      const error = new ApiError({kind: 'unreachable', code: 'X', message: 'x'})
      fail('before', /^(create|replace|delete|make)/, error)
      expect(await make(change, change.before)).toEqual({state: 'not-done', error})
      expect(memory.calls).toHaveLength(1)
    },
  )

  it.each([setsX, deletes, creates, frees])(
    'whose answer is lost is done if it shows: $action',
    async (change) => {
      fail('after', /^(create|replace|delete|make)/)
      const id = change === creates ? 'group-made-1' : change.target.id
      expect(await make(change, change.before)).toEqual({state: 'done', id, problem: undefined})
      expect(slept).toEqual([])
    },
  )

  it.each([
    {...setsX, said: 'the Access group "ci" was not changed'},
    {...deletes, said: 'the Access group "ci" was not deleted'},
    {...creates, said: 'the Access group "new" was not created'},
    {...frees, said: 'the policy "Own" of "App" was not made reusable'},
  ])(
    'whose answer is lost is not done if it does not show, now or a second later: $action',
    async ({said, ...change}) => {
      fail('before', /^(create|replace|delete|make)/)
      const result = await make(change, change.before)
      expect(result).toMatchObject({
        state: 'not-done',
        error: {
          code: 'LOST',
          outcomeUnknown: false,
          whyLines: [`zt has checked: ${said}.`],
        },
      })
      expect(slept).toEqual([1000])
    },
  )

  it.each([setsX, deletes, creates, frees])(
    'that is refused is not done, and not waited for: $action',
    async (change) => {
      fail('before', /^(create|replace|delete|make)/, refused)
      expect(await make(change, change.before)).toEqual({state: 'not-done', error: refused})
      expect(slept).toEqual([])
    },
  )

  it('that is refused and shows is done', async () => {
    fail('after', /^replace/, refused)
    expect(await make(setsX, stateOfGroup)).toMatchObject({state: 'done', id: 'g'})
  })

  it('that is refused is unknown if its object is gone', async () => {
    memory.before = (call) => {
      if (call !== 'replaceGroup g') return
      memory.groups = []
      throw refused
    }
    expect(await make(setsX, stateOfGroup)).toEqual({state: 'unknown', error: refused})
  })

  it('is made late: seen at the second look', async () => {
    let sent = false
    memory.before = (call) => {
      if (call === 'replaceGroup g') {
        sent = true
        throw lost
      }
    }
    memory.after = (call) => {
      if (call === 'getGroup g' && sent) memory.groups = [{...stateOfGroup, x: 2}]
    }
    expect(await make(setsX, stateOfGroup)).toMatchObject({state: 'done', id: 'g', problem: undefined})
    expect(slept).toEqual([1000])
  })

  it.each([
    [lost, 'unknown'],
    [refused, 'not-done'],
  ])('of %s that cannot be looked for is %s', async (error, state) => {
    memory.before = (call) => {
      throw call.startsWith('replace') ? error : lost
    }
    expect(await make(setsX, stateOfGroup)).toEqual({state, error})
  })

  it.each<[string, Change, () => void]>([
    ['the object is gone', setsX, () => (memory.groups = [])],
    ['it is neither as before nor as wanted', setsX, () => (memory.groups = [{...stateOfGroup, x: 3}])],
    ['it is half as wanted', only(replaceChange(group, stateOfGroup, {x: 2, y: 2})), () => (memory.groups = [{...stateOfGroup, x: 2}])],
    ['two objects are like it', creates, () => (memory.groups = ['n', 'm'].map((id) => ({id, name: 'new', x: 5})))],
    ['the policy is nowhere', frees, () => (memory.inline = {})],
  ])('whose answer is lost is unknown if %s', async (_, change, meddle) => {
    memory.before = (call) => {
      if (!/^(create|replace|delete|make)/.test(call)) return
      meddle()
      throw lost
    }
    expect(await make(change, change.before)).toEqual({state: 'unknown', error: lost})
  }) // prettier-ignore

  it('whose answer is lost is none of those that were there before', async () => {
    memory.groups = [{id: 'twin', name: 'new', x: 5}]
    fail('after', /^create/)
    expect(await make(creates, undefined, ['twin'])).toMatchObject({state: 'done', id: 'group-made-1'})
    fail('before', /^create/)
    expect(await make(creates, undefined, ['twin', 'group-made-1'])).toMatchObject({state: 'not-done'})
  })
})

describe('a change that was made', () => {
  it.each<[string, Change, () => void, string[]]>([
    ['a field differs', setsX, () => (memory.groups = [{...stateOfGroup, x: 2, z: 1, b: 1}]), ['b', 'z']],
    ['what was asked did not stay', setsX, () => (memory.groups = [stateOfGroup]), ['x']],
    ['the object is gone', setsX, () => (memory.groups = []), ['it is not there']],
    ['it is still there', deletes, () => (memory.groups = [stateOfGroup]), ['it is still there']],
    ['the new one is not as asked', creates, () => (memory.groups = [{id: 'group-made-1', name: 'new', x: 6}]), ['x']],
    ['the reusable one differs', frees, () => (memory.policies = [{id: 'i', name: 'Else', exclude: [1]}]), ['exclude', 'name']],
  ])('is not as expected when %s', async (_, change, meddle, fields) => {
    memory.after = (call) => {
      if (/^(create|replace|delete|make)/.test(call)) meddle()
    }
    const result = await make(change, change.before)
    expect(result).toMatchObject({
      state: 'done',
      problem: {
        kind: 'conflict',
        code: 'NOT_AS_EXPECTED',
        whyLines: [`Not as expected: ${fields.join(', ')}. Someone may have changed it at the same moment.`],
        details: {kind: change.target.kind, fields},
      },
    })
    expect(slept).toEqual([250, 500, 1000, 2000])
  }) // prettier-ignore

  it('says in its error what it was', async () => {
    memory.after = (call) => {
      if (call === 'replaceGroup g') memory.groups = [stateOfGroup]
    }
    const {problem} = (await make(setsX, stateOfGroup)) as {problem: Error}
    expect(problem.message).toBe('The change was made, but the Access group "ci" is not as expected')
  })

  it('shows late', async () => {
    let reads = 0
    memory.after = (call) => {
      if (call === 'replaceGroup g') memory.groups = [stateOfGroup]
      if (call === 'getGroup g' && ++reads === 2) memory.groups = [{...stateOfGroup, x: 2}]
    }
    expect(await make(setsX, stateOfGroup)).toEqual({state: 'done', id: 'g', problem: undefined})
    expect(slept).toEqual([250, 500])
  })

  it('and cannot be read has that as its problem', async () => {
    fail('before', /^get/, refused)
    expect(await make(setsX, stateOfGroup)).toEqual({state: 'done', id: 'g', problem: refused})
    fail('before', /^get/, new BugError('a bug'))
    await expect(make(setsX, stateOfGroup)).rejects.toThrow('a bug')
  })
})

describe('the object that a create made', () => {
  const like = {name: 'new', x: 5}
  const answers = (id: string, groups: JsonObject[]): void => {
    memory.createGroup = () => {
      memory.groups = groups
      return {id} as ReturnType<MemoryApi['createGroup']>
    }
  }

  it('is the one that the answer names; others like it are named', async () => {
    answers('one', ['one', 'two', 'three', 'four'].map((id) => ({id, ...like, created_at: '2020-01-01T00:00:00Z'}))) // prettier-ignore
    const result = await make(creates, undefined, ['three'])
    expect(result).toMatchObject({state: 'done', id: 'one'})
    const {problem} = result as {problem: Error}
    expect({...problem, message: problem.message}).toMatchInlineSnapshot(`
      {
        "code": "MADE_TWICE",
        "details": {
          "kind": "group",
          "others": [
            "two",
            "four",
          ],
        },
        "exitCode": undefined,
        "kind": "conflict",
        "message": "The Access group "new" was created more than once",
        "name": "UserError",
        "next": [],
        "quotes": [],
        "whyLines": [
          "The request may have arrived twice, or someone else created the same at the same moment. The others: two, four.",
        ],
      }
    `)
  })

  it.each<[string, string, JsonObject[], string[], string]>([
    ['does not exist', 'none', [], [], 'It names an object that does not exist.'],
    ['was there before', 'twin', [{id: 'twin', ...like}], ['twin'], 'It names a different object.'],
    ['has another name', 'one', [{id: 'one', name: 'else', x: 5}], [], 'It names a different object.'],
    ['is old, and not as asked', 'one', [{id: 'one', name: 'new', created_at: '2026-06-30T23:49:59Z'}], [], 'It names a different object.'],
    ['is ten minutes old, and not as asked', 'one', [{id: 'one', name: 'new', created_at: '2026-06-30T23:50:00Z'}], [], 'It names a different object.'],
    ['is of the future, and not as asked', 'one', [{id: 'one', name: 'new', created_at: '2026-07-01T00:10:01Z'}], [], 'It names a different object.'],
    ['was there, is not as asked, and two others are', 'twin', [{id: 'twin', name: 'new'}, {id: 'a', ...like}, {id: 'b', ...like}], ['twin'], 'It names a different object.'],
  ])('is unknown when the one that the answer names %s', async (_, id, groups, twins, why) => {
    answers(id, groups)
    expect(await make(creates, undefined, twins)).toMatchObject({
      state: 'unknown',
      error: {
        kind: 'api',
        code: 'BAD_ANSWER',
        message: 'Cannot create the Access group "new": the answer of the API makes no sense',
        whyLines: [why],
        outcomeUnknown: true,
      },
    })
  }) // prettier-ignore

  it.each<[string, string, JsonObject[], string[]]>([
    ['the answer names none', 'none', [{id: 'other', ...like}], []],
    ['the answer names one that was there', 'twin', [{id: 'twin', ...like}, {id: 'other', ...like}], ['twin']],
    ['the answer names one that is not like it', 'else', [{id: 'else', name: 'x'}, {id: 'other', ...like}], []],
  ])('is the only new one like it when %s', async (_, id, groups, twins) => {
    answers(id, groups)
    expect(await make(creates, undefined, twins)).toEqual({state: 'done', id: 'other', problem: undefined})
  }) // prettier-ignore

  it.each([
    ['just before', '2026-06-30T23:50:01Z', undefined],
    ['just after', '2026-07-01T00:09:59Z', undefined],
    ['at an unknown time', undefined, undefined],
    ["just before by the server's clock", '2026-07-01T01:00:00Z', 3600_000],
  ])('may have been changed by the server if it was made %s', async (_, created_at, ahead) => {
    memory.ahead = ahead
    answers('one', [{id: 'one', name: 'new', x: 6, created_at}])
    expect(await make(creates)).toMatchObject({
      state: 'done',
      id: 'one',
      problem: {code: 'NOT_AS_EXPECTED', details: {id: 'one', fields: ['x']}},
    })
  })

  it('is looked up among all others only if its domain is not its own', async () => {
    const create = (fields: JsonObject): Change =>
      createChange({kind: 'application', id: newId(1), name: 'N'}, {name: 'N', policies: [], ...fields})
    await make(create({domain: 'n.example'}))
    expect(memory.calls).not.toContain('listApplications')
    await make(create({}))
    expect(memory.calls).toContain('listApplications')
  })

  it('may show late', async () => {
    let reads = 0
    answers('one', [])
    memory.after = (call) => {
      if (call === 'getGroup one') reads++
    }
    memory.before = () => {
      if (reads === 0 && memory.calls.filter((call) => call === 'getGroup one').length === 2)
        memory.groups = [{id: 'one', ...like}]
    }
    expect(await make(creates)).toEqual({state: 'done', id: 'one', problem: undefined})
    expect(slept).toEqual([250])
  })

  it('is not taken for unique because of a domain unless it is an application', async () => {
    const change = createChange(newGroup, {...NO_RULES, name: 'new', domain: 'n.example'})
    answers('one', ['one', 'two'].map((id) => ({id, name: 'new', domain: 'n.example'}))) // prettier-ignore
    expect(await make(change)).toMatchObject({problem: {code: 'MADE_TWICE'}})
  })

  it.each([
    ['was there before', ['a'], {domain: 'a.example', x: 1, policies: [{id: 'i', precedence: 1}]}],
    ['is not like it', [], {domain: 'b.example', policies: []}],
  ])('is not the application that the answer names if that %s', async (_, twins, fields) => {
    const change = createChange({...app, id: newId(1)}, {name: 'Not App', ...fields})
    const same = createChange({...app, id: newId(1)}, {name: 'App', ...fields})
    memory.createApplication = () => memory.getApplication('a')
    expect(await make(twins.length > 0 ? same : change, undefined, twins)).toMatchObject({
      state: 'unknown',
      error: {code: 'BAD_ANSWER'},
    })
  })

  it('that cannot be read is reported by the comparison', async () => {
    memory.before = (call) => {
      if (call.startsWith('get')) throw refused
    }
    expect(await make(creates)).toEqual({state: 'done', id: 'group-made-1', problem: refused})
    memory.before = (call) => {
      if (call.startsWith('list')) throw notFound()
    }
    await expect(make(creates)).rejects.toMatchObject({code: 'NOT_FOUND'})
  })
})

describe('objects like one to be created', () => {
  it('have at least its fields', async () => {
    memory.groups = [
      {id: 'a', name: 'new', x: 5, more: 1},
      {id: 'b', name: 'new', x: 6},
      {id: 'c', name: 'new'},
      {id: 'd', name: 'new', x: 5},
    ]
    expect(await findLike(memory.api, newGroup, {name: 'new', x: 5})).toEqual(['a', 'd'])
  })
})
