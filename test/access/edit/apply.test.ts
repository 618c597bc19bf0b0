import {beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {NO_BINDING} from '../../../src/lib/access/account/host-bindings.js'
import {applyChanges, type AppliedEdit} from '../../../src/lib/access/edit/apply.js'
import {createChange, deleteChange, makeReusableChange, replaceChange, type Change} from '../../../src/lib/access/edit/change.js' // prettier-ignore
import {newId, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {applyPlanned} from '../../../src/lib/access/edit/planned.js'
import {ApiError, type UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext, MemoryRecords} from '../../support/memory-api.js'

const NO_RULES = {include: [], exclude: [], require: []}
const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const made: ObjectRef = {kind: 'policy', id: newId(1), name: 'New'}
const inline: ObjectRef = {
  kind: 'inline-policy',
  id: newId(1),
  name: 'In',
  application: {id: 'a', name: 'App'},
}
const group = (id: string): ObjectRef => ({kind: 'group', id, name: id.toUpperCase()})
const stateOf = (id: string): JsonObject => ({...NO_RULES, id, name: id.toUpperCase(), x: 1})

let memory: MemoryApi
let records: MemoryRecords
let ctx: AccessContext
let [steps, warned]: [string[], string[]] = [[], []]
beforeEach(() => {
  memory = new MemoryApi()
  memory.apps = [{id: 'a', name: 'App', policies: []}]
  memory.groups = ['g', 'h', 'k'].map((id) => ({id, name: id.toUpperCase(), x: 1}))
  records = new MemoryRecords()
  ;({ctx, steps, warned} = memoryContext(memory, records))
})

const sets = (id: string, x: unknown = 2): Change => {
  const [change] = replaceChange(group(id), stateOf(id), {x})
  if (!change) throw new Error('no change')
  return change
}
const appState = (): JsonObject => ({id: 'a', name: 'App', policies: []})
const attaches = (): Change[] => [
  createChange(made, {...NO_RULES, name: 'New'}),
  ...replaceChange(app, appState(), {policies: [{id: made.id, precedence: 1}]}),
]
const apply = (changes: readonly Change[], more: object = {}): Promise<AppliedEdit> =>
  applyChanges(ctx, changes, {command: 'zt x', ...more})
const told = ({kind, code, message, whyLines, next, details}: UserError): unknown => ({kind, code, message, why: whyLines, next, details}) // prettier-ignore
const refused = new ApiError({
  kind: 'api',
  code: 'REFUSED',
  message: 'refused',
  why: 'It says so.',
  status: 500,
})
const lost = new ApiError({kind: 'unreachable', code: 'LOST', message: 'lost', next: ['Wait'], outcomeUnknown: true}) // prettier-ignore

function failAt(pattern: RegExp, error: Error, times = 1): void {
  memory.before = (call) => {
    if (pattern.test(call) && times-- > 0) throw error
  }
}

describe('an edit of many objects', () => {
  it.each([
    ['is made', undefined],
    ['fails at its last, and is taken back', /^replaceGroup g29/],
  ])('that %s announces its requests, and sends few at a time', async (_, failing) => {
    memory.groups = Array.from({length: 30}, (_, at) => ({id: `g${at}`, name: `G${at}`, x: 1}))
    const left = new Map<object, number>()
    Object.assign(memory, {
      expecting: () => {
        const key = {}
        return (more: number) => left.set(key, more)
      },
    })
    let underWay = 0
    let most = 0
    const unannounced: string[] = []
    memory.before = (call) => {
      most = Math.max(most, ++underWay)
      if ([...left.values()].every((more) => more === 0)) unannounced.push(call)
      if (failing?.test(call)) throw refused
    }
    memory.after = () => underWay--
    const changes = memory.groups.map(({id}) => sets(String(id)))
    const applied = apply(changes)
    if (failing) await expect(applied).rejects.toMatchObject({code: 'REFUSED'})
    else expect((await applied).changes).toHaveLength(30)
    expect(unannounced).toEqual([])
    expect(most).toBeLessThanOrEqual(failing ? 5 : 4)
    expect([...left.values()].every((more) => more === 0)).toBe(true)
  })
})

describe('an edit', () => {
  it('of nothing asks nothing', async () => {
    expect(await apply([])).toEqual({undoId: undefined, changes: [], ids: new Map(), warnings: []})
    expect([memory.calls, steps, records.history]).toEqual([[], [], []])
  })

  it('of several objects makes each change in order, and says what was made', async () => {
    const changes = attaches()
    const applied = await apply(changes)
    const made = {kind: 'policy', id: 'policy-made-1', name: 'New'}
    expect(applied).toMatchObject({undoId: '01', ids: new Map([['new:1', 'policy-made-1']]), warnings: []})
    expect(applied.changes.map(({target}) => target)).toEqual([made, app])
    expect(memory.apps).toMatchObject([{policies: [{id: 'policy-made-1', precedence: 1}]}])
    expect(steps).toEqual(['Reading it again', 'Changing the policy "New"', 'Changing the application "App"'])
    const states = records.history.map(({state, changes: [one]}) => [state, one?.target.id])
    expect(states).toEqual([['begun', 'new:1'], ['begun', 'policy-made-1'], ['done', 'policy-made-1']]) // prettier-ignore
    expect(records.kept).toEqual([
      {
        id: '01',
        profile: 'default',
        accountId: 'account',
        zoneId: undefined,
        at: '2026-07-01T00:00:00.000Z',
        command: 'zt x',
        undoes: undefined,
        state: 'done',
        changes: [
          {action: 'create', target: made, fields: [
            {field: 'exclude', after: []}, {field: 'include', after: []}, {field: 'name', after: 'New'}, {field: 'require', after: []},
          ]},
          {action: 'replace', target: app, fields: [
            {field: 'policies', before: [], after: [{id: 'policy-made-1', precedence: 1}]},
          ]},
        ],
      },
    ]) // prettier-ignore
  })

  it('reads each object once before it writes, and the first not again', async () => {
    await apply([sets('g'), sets('h')])
    expect(records.history.map(({state}) => state)).toEqual(['begun', 'done'])
    expect(memory.calls).toEqual(['getGroup g', 'getGroup h', 'replaceGroup g', 'getGroup g', 'getGroup h', 'replaceGroup h', 'getGroup h']) // prettier-ignore
  })

  it('reads an object of two changes again in its turn', async () => {
    const [second] = replaceChange(group('g'), {...stateOf('g'), x: 2}, {x: 3})
    await apply([sets('g'), second ?? sets('g')])
    expect(memory.groups[0]).toMatchObject({x: 3})
    expect(memory.calls.filter((call) => call === 'getGroup g')).toHaveLength(4)
  })

  it('of an inline policy and then its application reads that in its turn', async () => {
    const [links] = replaceChange(app, {...appState(), x: 0}, {x: 1})
    memory.apps = [{id: 'a', name: 'App', x: 0, policies: []}]
    await apply([createChange(inline, {...NO_RULES, name: 'In', precedence: 1}), ...(links ? [links] : [])])
    expect(memory.apps).toMatchObject([{x: 1, policies: [{id: 'inline-made-1'}]}])
    expect(memory.calls[0]).toBe('listApplicationPolicies a')
  })

  it('needs an account for its record', async () => {
    memory.accountId = undefined
    memory.zoneId = 'zone'
    expect(told(await failure(apply([sets('g')])))).toMatchInlineSnapshot(`
      {
        "code": "ACCOUNT_REQUIRED",
        "details": {},
        "kind": "usage",
        "message": "zt does not know the account",
        "next": [
          "Give --account ID, or set CLOUDFLARE_ACCOUNT_ID",
        ],
        "why": [
          "The record for undoing an edit needs it. Nothing was changed.",
        ],
      }
    `)
    expect(memory.writes).toEqual([])
  })

  it('of a zone is recorded with that', async () => {
    memory.zoneId = 'zone'
    await apply([sets('g')], {command: `zt x cfast_${'A1b2'.repeat(12)}`})
    expect(records.kept).toMatchObject([{zoneId: 'zone', accountId: 'account', command: 'zt x [hidden]'}])
  })

  it('changes nothing if any of its objects was changed', async () => {
    memory.groups[1] = {id: 'h', name: 'H', x: 9}
    const error = await failure(apply([sets('g'), sets('h')]))
    expect(told(error)).toMatchInlineSnapshot(`
      {
        "code": "CHANGED_MEANWHILE",
        "details": {
          "fields": [
            "x",
          ],
          "id": "h",
          "kind": "group",
        },
        "kind": "conflict",
        "message": "Someone has changed the Access group "H" in the meantime",
        "next": [
          "Run the command again and check the new difference",
        ],
        "why": [
          "These fields have changed since zt read it: x.",
          "Nothing was changed.",
        ],
      }
    `)
    expect([memory.writes, records.history]).toEqual([[], []])
  })
})

describe('what is like an object to be created', () => {
  const twins = (): unknown => records.history[0]?.changes.map((one) => one.twins)

  it('is recorded', async () => {
    memory.policies = [{id: 'twin', name: 'New', reusable: true}]
    await apply([...attaches(), sets('g')])
    expect(twins()).toEqual([['twin'], undefined, undefined])
    expect(records.history[0]?.changes[1]).not.toHaveProperty('twins')
  })

  it('is looked up for applications without a domain of their own', async () => {
    const target: ObjectRef = {...app, id: newId(1)}
    await apply([createChange(target, {name: 'App', policies: [], domain: 'b.example'})])
    expect(memory.calls).not.toContain('listApplications')
    expect(records.kept[0]?.changes[0]).not.toHaveProperty('twins')
    await apply([createChange(target, {name: 'App', policies: []})])
    expect(records.kept[1]?.changes[0]?.twins).toEqual(['a', 'app-made-1'])
  })

  it('is looked up for what has a domain and is no application', async () => {
    memory.groups.push({id: 'twin', name: 'N', domain: 'x'})
    await apply([createChange({...group('g'), id: newId(1)}, {...NO_RULES, name: 'N', domain: 'x'})])
    expect(twins()).toEqual([['twin']])
  })

  it('cannot be in an application that is created by the same edit', async () => {
    const target: ObjectRef = {...app, id: newId(1)}
    const own: ObjectRef = {...inline, id: newId(2), application: {id: newId(1), name: 'App'}}
    const applied = await apply([
      createChange(target, {name: 'App', domain: 'b.example', policies: []}),
      createChange(own, {...NO_RULES, name: 'In', precedence: 1}),
    ])
    expect(records.kept[0]?.changes[1]).not.toHaveProperty('twins')
    expect(applied.changes[1]?.target).toEqual({kind: 'inline-policy', id: 'inline-made-2', name: 'In', application: {id: 'app-made-1', name: 'App'}}) // prettier-ignore
    expect(memory.calls.filter((call) => call.startsWith('list'))[0]).not.toContain('new:')
  })

  it('is not looked up for other changes', async () => {
    await apply([sets('g')])
    expect(memory.calls).not.toContain('listGroups')
  })
})

describe('two equal objects of one edit', () => {
  const another: ObjectRef = {...made, id: newId(2)}
  const both = (): Change[] => [made, another].map((one) => createChange(one, {...NO_RULES, name: 'New'}))

  it('are two, and neither is called a duplicate of the other', async () => {
    const {ids} = await apply(both())
    expect([...ids.values()]).toEqual(['policy-made-1', 'policy-made-2'])
    expect(memory.policies).toHaveLength(2)
  })

  it('are distinguished if the answer about the second is lost', async () => {
    memory.after = (call) => {
      if (call.startsWith('createPolicy') && memory.policies.length === 2) throw lost
    }
    const {ids} = await apply(both())
    expect([...ids.values()]).toEqual(['policy-made-1', 'policy-made-2'])
  })
})

describe('an edit that fails', () => {
  it('in a way that no one expects keeps its record, and goes neither forward nor back', async () => {
    memory.after = (call) => {
      if (call.startsWith('replaceGroup')) throw new TypeError('terminated')
    }
    await expect(apply([sets('g'), sets('h')])).rejects.toThrow('terminated')
    expect(memory.calls.filter((call) => call.startsWith('replace'))).toHaveLength(1)
    expect(records.kept).toMatchObject([{state: 'begun'}])
  })

  it('at its first change leaves nothing, and no record', async () => {
    failAt(/^replace/, refused)
    expect(told(await failure(apply([sets('g'), sets('h')])))).toMatchInlineSnapshot(`
      {
        "code": "REFUSED",
        "details": {},
        "kind": "api",
        "message": "refused",
        "next": [],
        "why": [
          "It says so.",
          "Nothing was changed.",
        ],
      }
    `)
    expect(records.kept).toEqual([])
    expect(steps).not.toContain('Reverting what was done')
  })

  it('at a later change is taken back', async () => {
    failAt(/^replaceGroup h/, refused)
    expect(told(await failure(apply([sets('g'), sets('h')])))).toMatchInlineSnapshot(`
      {
        "code": "REFUSED",
        "details": {},
        "kind": "api",
        "message": "refused",
        "next": [],
        "why": [
          "It says so.",
          "The earlier changes were undone.",
        ],
      }
    `)
    expect(memory.groups.map(({x}) => x)).toEqual([1, 1, 1])
    expect(records.kept).toEqual([])
    expect(steps.at(-1)).toBe('Reverting what was done')
  })

  it('is taken back with fields that no record may hold', async () => {
    const [secret] = replaceChange(group('g'), {...stateOf('g'), password: 'old'}, {password: 'new'})
    memory.groups[0] = {id: 'g', name: 'G', x: 1, password: 'old'}
    failAt(/^replaceGroup h/, refused)
    await failure(apply([...(secret ? [secret] : []), sets('h')]))
    expect(memory.groups[0]).toMatchObject({password: 'old'})
    expect(JSON.stringify(records.history)).not.toMatch(/old|"new"/)
  })

  it('says what else the taking back does', async () => {
    failAt(/^replaceGroup h/, refused)
    expect(told(await failure(apply([deleteChange(group('g'), stateOf('g')), sets('h')])))).toMatchInlineSnapshot(`
      {
        "code": "REFUSED",
        "details": {},
        "kind": "api",
        "message": "refused",
        "next": [],
        "why": [
          "It says so.",
          "The earlier changes were undone.",
          "The Access group "G" has another ID now: group-made-1 instead of g.",
        ],
      }
    `) // prettier-ignore
    expect(memory.groups.map(({id}) => id)).toEqual(['h', 'k', 'group-made-1'])
  })

  it('is taken back in reverse, and what is created again keeps its relations', async () => {
    memory.policies = [{id: 'p', name: 'P', reusable: true}]
    memory.apps = [{id: 'a', name: 'App', policies: [{id: 'p', precedence: 1}]}]
    const state = {...appState(), policies: [{id: 'p', precedence: 1}]}
    failAt(/^replaceGroup h/, refused)
    const changes = [
      ...replaceChange(app, state, {policies: []}),
      deleteChange({kind: 'policy', id: 'p', name: 'P'}, {...NO_RULES, id: 'p', name: 'P', reusable: true}),
      sets('h'),
    ]
    await failure(apply(changes))
    expect(memory.apps).toMatchObject([{policies: [{id: 'policy-made-1', precedence: 1}]}])
    expect(memory.policies).toMatchObject([{id: 'policy-made-1', name: 'P'}])
  })

  it('and cannot be taken back says what is left, and how to undo it', async () => {
    let calls = 0
    memory.before = (call) => {
      if (call === 'replaceGroup h' || (call === 'replaceGroup g' && ++calls > 1)) throw refused
    }
    expect(told(await failure(apply([sets('g'), sets('h')])))).toMatchInlineSnapshot(`
      {
        "code": "REFUSED",
        "details": {
          "changed": [
            {
              "id": "g",
              "kind": "group",
              "name": "G",
            },
          ],
          "undo": "01",
        },
        "kind": "api",
        "message": "refused",
        "next": [
          "zt undo 01",
        ],
        "why": [
          "It says so.",
          "Changed before that: the Access group "G".",
          "Could not undo all of it: the Access group "G" (refused).",
        ],
      }
    `)
    expect(records.kept).toMatchObject([{state: 'begun'}])
  })

  it('names all of what is left', async () => {
    let broken = false
    memory.before = (call) => {
      if (call === 'replaceGroup k') broken = true
      if (broken && call.startsWith('replace')) throw refused
    }
    const error = await failure(apply([sets('g'), sets('h'), sets('k')]))
    expect(error.whyLines.slice(1)).toEqual([
      'Changed before that: the Access group "G", the Access group "H".',
      'Could not undo all of it: the Access group "H" (refused); the Access group "G" (refused).',
    ])
  })

  it('because someone changed the next object meanwhile is taken back', async () => {
    memory.after = (call) => {
      if (call === 'replaceGroup g' && memory.groups[1]) memory.groups[1]['x'] = 9
    }
    const error = await failure(apply([sets('g'), sets('h')]))
    expect(error).toMatchObject({code: 'CHANGED_MEANWHILE', details: {id: 'h', fields: ['x']}})
    expect(memory.groups.map(({x}) => x)).toEqual([1, 9, 1])
    expect(records.kept).toEqual([])
  })

  it('and has been changed since is not taken back', async () => {
    memory.before = (call) => {
      if (call !== 'replaceGroup h') return
      memory.groups[0] = {id: 'g', name: 'G', x: 7}
      throw refused
    }
    const error = await failure(apply([sets('g'), sets('h')]))
    expect(error.whyLines.at(-1)).toBe('Could not undo all of it: x of the Access group "G".')
    expect(memory.groups[0]).toMatchObject({x: 7})
  })

  it('and cannot be read any more says so', async () => {
    let broken = false
    memory.before = (call) => {
      if (call === 'replaceGroup h') broken = true
      if (broken) throw refused
    }
    const error = await failure(apply([sets('g'), sets('h')]))
    expect(error.whyLines.at(-1)).toBe('Could not undo all of it: refused.')
  })

  it('and may have been made is neither continued nor taken back', async () => {
    memory.before = (call) => {
      if (call !== 'replaceGroup h') return
      memory.groups = memory.groups.filter(({id}) => id !== 'h')
      throw lost
    }
    expect(told(await failure(apply([sets('g'), sets('h'), sets('k')])))).toMatchInlineSnapshot(`
      {
        "code": "LOST",
        "details": {
          "changed": [
            {
              "id": "g",
              "kind": "group",
              "name": "G",
            },
          ],
          "undo": "01",
        },
        "kind": "unreachable",
        "message": "lost",
        "next": [
          "When the API answers again, undo what was done: zt undo 01",
          "Wait",
        ],
        "why": [
          "zt could not find out whether the Access group "H" was changed.",
          "Changed before that: the Access group "G".",
        ],
      }
    `)
    expect(memory.groups).toMatchObject([{x: 2}, {x: 1}])
    expect(records.kept).toMatchObject([{state: 'begun'}])
  })

  it('and may have been made at once has nothing before it', async () => {
    memory.before = (call) => {
      if (call !== 'replaceGroup g') return
      memory.groups = []
      throw lost
    }
    const error = await failure(apply([sets('g')]))
    expect(error.whyLines).toEqual(['zt could not find out whether the Access group "G" was changed.'])
    expect(error.details).toEqual({undo: '01', changed: []})
  })

  it('and may have been made names all that was made before', async () => {
    memory.before = (call) => {
      if (call !== 'replaceGroup k') return
      memory.groups.pop()
      throw lost
    }
    const error = await failure(apply([sets('g'), sets('h'), sets('k')]))
    expect(error.whyLines[1]).toBe('Changed before that: the Access group "G", the Access group "H".')
  })

  const spoils = (at: string): void => {
    memory.after = (call) => {
      if (call === `replaceGroup ${at}`) (memory.groups.find(({id}) => id === at) ?? {})['z'] = 'theirs'
    }
  }

  it('in what it left, at the end, is not taken back', async () => {
    spoils('h')
    expect(told(await failure(apply([sets('g'), sets('h')])))).toMatchInlineSnapshot(`
      {
        "code": "NOT_AS_EXPECTED",
        "details": {
          "fields": [
            "z",
          ],
          "id": "h",
          "kind": "group",
          "undo": "01",
        },
        "kind": "conflict",
        "message": "The change was made, but the Access group "H" is not as expected",
        "next": [
          "To undo it: zt undo 01",
        ],
        "why": [
          "Not as expected: z. Someone may have changed it at the same moment.",
          "The whole edit was made.",
        ],
      }
    `)
    expect(records.kept).toMatchObject([{state: 'done'}])
  })

  it('in what it left, alone, says no more than that', async () => {
    spoils('g')
    const error = await failure(apply([sets('g')]))
    expect(error.whyLines).toHaveLength(1)
    expect(error.next).toEqual(['To undo it: zt undo 01'])
  })

  it('in what it left, before the end, is taken back', async () => {
    spoils('g')
    const error = await failure(apply([sets('g'), sets('h')]))
    expect(error.whyLines.at(-1)).toBe('The earlier changes were undone.')
    expect(memory.groups[0]).toMatchObject({x: 1, z: 'theirs'})
    expect(memory.groups[1]).toMatchObject({x: 1})
  })

  it('names the profile that was named', async () => {
    spoils('g')
    ctx = {...ctx, profileNamed: true, profile: 'work'}
    expect((await failure(apply([sets('g')]))).next).toEqual(['To undo it: zt undo 01 --profile work'])
  })
})

describe('the record of an edit', () => {
  it('that cannot be completed is a warning', async () => {
    records.fails = new Error('no space')
    const {warnings} = await apply(attaches())
    expect(warnings).toEqual(Array(2).fill('Could not complete the undo record 01: no space'))
    expect(memory.apps).toMatchObject([{policies: [{precedence: 1}]}])
  })

  it('that cannot be removed is a warning, and does not replace the error', async () => {
    records.fails = new Error('no space')
    failAt(/^replace/, refused)
    expect(await failure(apply([sets('g')]))).toMatchObject({code: 'REFUSED'})
    expect(warned).toEqual(['Could not remove the undo record 01 (Error)'])
    failAt(/^replace/, refused)
    ctx = {...ctx, warn: undefined}
    expect(await failure(apply([sets('g')]))).toMatchObject({code: 'REFUSED'})
  })

  it('that it undoes is marked, and knows the new IDs', async () => {
    const {undoId: first} = await apply([sets('g')])
    const [back] = replaceChange(group('g'), {...stateOf('g'), x: 2}, {x: 1})
    const renamed = new Map([['was', 'new:1'], ['kept', 'k']]) // prettier-ignore
    await apply([createChange(made, {...NO_RULES, name: 'New'}), ...(back ? [back] : [])], {undoes: first, renamed}) // prettier-ignore
    expect(records.kept).toMatchObject([
      {state: 'undone', undoneBy: '02'},
      {state: 'done', undoes: '01', renamed: {was: 'policy-made-1', kept: 'k'}},
    ])
    expect(records.kept[0]).not.toHaveProperty('renamed')
    const error = await failure(apply([sets('g')], {undoes: first}))
    expect(told(error)).toMatchInlineSnapshot(`
      {
        "code": "ALREADY_UNDONE",
        "details": {
          "undoneBy": "02",
        },
        "kind": "conflict",
        "message": "This edit has already been undone",
        "next": [
          "To make it again, undo the undo: zt undo 02",
        ],
        "why": [],
      }
    `)
  })

  it('that it undoes and that cannot be read at the end is a warning', async () => {
    await apply([sets('g')])
    const [back] = replaceChange(group('g'), {...stateOf('g'), x: 2}, {x: 1})
    const read = records.read.bind(records)
    let reads = 0
    records.read = (id) => (++reads === 1 ? read(id) : Promise.reject(new Error('no such disk')))
    const {warnings} = await apply(back ? [back] : [], {undoes: '01'})
    expect(warnings).toEqual(['Could not record that 01 has been undone: no such disk'])
  })

  it('that was undone before zt remembered by what has no next step', async () => {
    await apply([sets('g')])
    const [record] = records.kept
    if (record) records.kept[0] = {...record, state: 'undone'}
    expect((await failure(apply([sets('h')], {undoes: '01'}))).next).toEqual([])
  })
})

describe('a planned edit', () => {
  const bindings: {host: string; tokenId: string}[] = []
  const calls: unknown[] = []
  beforeEach(() => {
    calls.length = 0
    bindings.splice(0, bindings.length, {host: 'old.example', tokenId: 't1'})
    ctx = {
      ...ctx,
      index: {
        bindings: () => Promise.resolve(bindings),
        bind: (one: unknown) => Promise.resolve(calls.push(one)),
        unbind: (...given: unknown[]) => Promise.resolve(calls.push(given)),
      },
    } as unknown as AccessContext
  })

  it('is made, then hosts are bound and unbound', async () => {
    const {undoId, warnings} = await applyPlanned(ctx, {
      changes: [sets('g')],
      binding: {...NO_BINDING, tokenId: 't2', bound: [{host: 'a.example', token: 'ci', replaced: false}]},
      unbound: [{host: 'old.example', tokenId: 't1'}],
    }, 'zt y') // prettier-ignore
    expect([undoId, warnings, records.kept[0]?.command]).toEqual(['01', [], 'zt y'])
    expect(calls).toEqual([
      {profile: 'default', host: 'a.example', tokenId: 't2', boundAt: '2026-07-01T00:00:00.000Z'},
      ['default', 'old.example'],
    ])
  })

  it('binds nothing unless that is planned', async () => {
    expect(await applyPlanned(ctx, {changes: [sets('g')]}, 'zt y')).toMatchObject({warnings: []})
    expect(calls).toEqual([])
  })

  it('is made even if no host can be bound', async () => {
    ctx.index.bindings = () => Promise.reject(new Error('no disk'))
    const {warnings} = await applyPlanned(ctx, {changes: [sets('g')], unbound: []}, 'zt y')
    expect(warnings).toEqual(['Could not record which token is used for which host: no disk'])
  })
})

describe('a policy that is made reusable', () => {
  it('is changed like any other object, also in one edit with others', async () => {
    memory.inline = {a: [{...NO_RULES, id: 'i', name: 'In', precedence: 1, reusable: false}]}
    memory.apps = [{id: 'a', name: 'App', policies: [{id: 'i', precedence: 1}]}]
    const change = makeReusableChange(
      {...inline, id: 'i'},
      {...NO_RULES, id: 'i', name: 'In', precedence: 1, reusable: false},
    )
    expect((await apply([change, sets('g')])).undoId).toBe('01')
    expect(memory.writes).toEqual(['makePolicyReusable a i', 'replaceGroup g'])
  })
})
