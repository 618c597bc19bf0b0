import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {linkChanges, inlineTarget, readForEdit} from '../../../src/lib/access/edit/application.js'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {
  createChange,
  deleteChange,
  makeReusableChange,
  replaceChange,
  undoLimits,
  type Change,
} from '../../../src/lib/access/edit/change.js'
import {UndoRecords} from '../../../src/lib/access/edit/records.js'
import {newId, readObject, withRules, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {latestEdit, listUndo, planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import type {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {Unfinished} from '../../../src/lib/system/signals.js'
import {World} from '../../support/access-world.js'
import {APP, everything, failure, GROUP, interposed, noAnswer, order, planEdit, type Call, type Edit} from '../../support/edit-world.js' // prettier-ignore

let world: World
afterEach(() => world.end())

const policy = (n: number): JsonObject => ({
  id: `policy-${n}`,
  name: `Policy ${n}`,
  decision: 'allow',
  include: [{email_domain: {domain: `d${n}.example`}}],
  exclude: [],
  require: [],
  x_unknown: {kept: [n]},
})

type Kind = 'reusable' | 'inline' | 'mixed'

async function open(kind: Kind = 'reusable', app: JsonObject = {}): Promise<World> {
  const policies = [1, 2, 3].map(policy)
  const isInline = (at: number): boolean => kind === 'inline' || (kind === 'mixed' && at === 0)
  world = await World.open({
    // What the tests put into the account's application comes back from it.
    settings: {hidden_secrets: 'show'},
    zones: [{name: 'example.com'}],
    policies: policies.filter((_, at) => !isInline(at)),
    groups: [{id: GROUP, name: 'Group', include: [{everyone: {}}], x_unknown: null}],
    apps: [
      {
        id: APP,
        name: 'App',
        aud: 'a1',
        type: 'self_hosted',
        domain: 'a.example.com',
        x_unknown: {deep: [1, {er: null}]},
        ...app,
        policies: policies.map((one, at) =>
          isInline(at) ? {...one, precedence: at + 1} : {id: one['id'], precedence: at + 1},
        ),
      },
      {id: 'app-two', name: 'Other', aud: 'a2', domain: 'b.example.com', policies: []},
    ],
  })
  // Durability of the sandbox is not what is tested here, and takes most of the time.
  world.state.save = () => Promise.resolve()
  return world
}

/** As it was opened, without the cost of a new server. */
async function reset(initial: string): Promise<void> {
  Object.assign(world.state.data, JSON.parse(initial))
  await fs.rm(path.join(world.folder, 'undo'), {recursive: true, force: true})
}

const app = (): JsonObject => world.app('App')
const command = 'zt test'
const apply = (changes: Change[]): ReturnType<typeof applyChanges> =>
  applyChanges(world.ctx, changes, {command})
const plan = (edit: Edit): Promise<Change[]> => planEdit(world.ctx, edit)
async function make(edit: Edit): Promise<string> {
  return (await apply(await plan(edit))).undoId ?? ''
}
async function undo(id: string, ctx = world.ctx): Promise<string> {
  return (await undoEdit(ctx, await planUndo(ctx, id))).undoId ?? ''
}
const recordFiles = async (): Promise<string[]> => fs.readdir(path.join(world.folder, 'undo')).catch(() => [])

const addRule: Edit = {edit: 'add', name: 'Added', place: {precedence: 1}}

/** Of one step and of several, with each way to write. */
const EDITS: [string, Kind, Edit][] = [
  ['a field of an application', 'reusable', {edit: 'set', field: 'session_duration', value: '1h'}],
  ['a field of an application with both kinds of policies', 'mixed', {edit: 'set', field: 'tags', value: ['a']}],
  ['a rule of a shared policy', 'reusable', {edit: 'rules', at: 1, part: 'exclude', rules: [{everyone: {}}]}],
  ['a rule of an inline policy', 'mixed', {edit: 'rules', at: 0, part: 'require', rules: [{everyone: {}}]}],
  ['an Access group', 'reusable', {edit: 'group', rules: [{ip: {ip: '10.0.0.0/8'}}]}],
  ['a new first rule, shared', 'reusable', addRule],
  ['a new first rule, inline', 'inline', addRule],
  ['the order of inline policies', 'inline', {edit: 'move', at: 2, precedence: 1}],
  ['a shared policy that goes', 'reusable', {edit: 'drop', at: 0}],
  ['an inline policy that goes', 'inline', {edit: 'drop', at: 0}],
] // prettier-ignore

/** One of each way to write, for what takes long. */
const SOME = EDITS.filter(([what]) => /both|of an inline|new|goes/.test(what))

describe('an edit', () => {
  it('sends everything back but what it changes, and leaves policies out where they stay', async () => {
    await open('mixed')
    await make({edit: 'set', field: 'session_duration', value: '1h'})
    const put = world.exchanges.find(({method}) => method === 'PUT')?.requestBody as JsonObject
    expect(put).toMatchObject({x_unknown: {deep: [1, {er: null}]}, session_duration: '1h'})
    expect(put).not.toHaveProperty('policies')
  })

  it('of nothing sends nothing and is not remembered', async () => {
    await open()
    await make({edit: 'set', field: 'name', value: 'App'})
    expect(world.changes).toEqual([])
    expect(await recordFiles()).toEqual([])
  })

  it('of the links of an application with both kinds of policies is refused', async () => {
    await open('mixed')
    expect(await failure(plan(addRule))).toMatchObject({kind: 'conflict', code: 'MIXED_POLICIES'})
  })

  it('never gives two inline policies the same precedence on the way', async () => {
    await open('inline')
    await make({edit: 'move', at: 2, precedence: 1})
    expect(order(world.state)).toEqual(['Policy 3', 'Policy 1', 'Policy 2'])
    expect(world.exchanges.every(({status}) => status < 400)).toBe(true)
  })

  it('is remembered before it is written', async () => {
    await open()
    const seen: string[] = []
    const ctx = between(async ({writes}, run) => {
      if (writes) seen.push(...(await world.ctx.undo.list()).records.map(({state}) => state))
      return run()
    })
    await applyChanges(ctx, await plan(addRule), {command})
    expect(seen).toEqual(['begun', 'begun'])
    expect((await listUndo(world.ctx)).records).toMatchObject([{state: 'done', command}])
  })
})

/** The context with somebody between the API's calls. */
function between(each: (call: Call, run: () => Promise<unknown>) => Promise<unknown>): AccessContext {
  return {...world.ctx, api: async () => interposed(await world.ctx.api(), each)}
}

describe('someone else who writes between zt’s read and its write', () => {
  const meddle: Record<Edit['edit'], () => void> = {
    set: () => (app()['x_other'] = 'theirs'),
    add: () => (app()['x_other'] = 'theirs'),
    move: () => (ours()['x_other'] = 'theirs'),
    drop: () => (ours()['x_other'] = 'theirs'),
    rules: () => (ours()['x_other'] = 'theirs'),
    rename: () => (ours()['x_other'] = 'theirs'),
    group: () => ((world.state.data.groups[0] ?? {})['x_other'] = 'theirs'),
  }
  const ours = (): JsonObject =>
    [...world.state.data.policies, ...world.state.data.inlinePolicies].find(({id}) => id === touched) ?? {}
  let touched: string

  it.each(EDITS)('stops an edit of %s, and is not overwritten', async (_, kind, edit) => {
    await open(kind)
    const changes = await plan(edit)
    touched = changes.find(({target}) => target.kind !== 'application')?.target.id ?? ''
    if (edit.edit === 'add' && kind === 'inline')
      app()['policies'] = (app()['policies'] as unknown[]).slice(1)
    else meddle[edit.edit]()
    const theirs = everything(world.state)
    const error = await failure(apply(changes))
    expect(error).toMatchObject({kind: 'conflict', code: 'CHANGED_MEANWHILE'})
    expect(error.why).toContain('Nothing was changed.')
    expect(everything(world.state)).toBe(theirs)
    expect(world.changes).toEqual([])
    expect(await recordFiles()).toEqual([])
  })

  it('between two steps: the first is taken back', async () => {
    await open()
    const before = everything(world.state)
    const changes = await plan(addRule)
    const ctx = between(async ({name}, run) => {
      const result = await run()
      if (name === 'createPolicy') app()['x_other'] = 'theirs'
      return result
    })
    const error = await failure(applyChanges(ctx, changes, {command}))
    expect(error).toMatchObject({code: 'CHANGED_MEANWHILE', details: {fields: ['x_other']}})
    expect(error.why).toContain('were undone')
    delete app()['x_other']
    expect(everything(world.state)).toBe(before)
    expect(await recordFiles()).toEqual([])
  })

  it('at the moment of our writing: the error names the fields', async () => {
    await open()
    const changes = await plan({edit: 'set', field: 'x_one', value: 1})
    const ctx = between(async ({name}, run) => {
      const result = await run()
      if (name === 'replaceApplication') app()['x_other'] = 'theirs'
      return result
    })
    const error = await failure(applyChanges(ctx, changes, {command}))
    expect(error).toMatchObject({code: 'NOT_AS_EXPECTED', details: {fields: ['x_other']}})
    const id = String(error.details['undo'])
    expect(error.next.join()).toContain(`zt undo ${id}`)
    await undo(id)
    expect(app()).toMatchObject({x_other: 'theirs'})
    expect(app()).not.toHaveProperty('x_one')
  })
})

describe('a fault at any request', () => {
  type Fault = (call: Call, run: () => Promise<unknown>) => Promise<unknown>
  const faults: [string, Fault][] = [
    ['is made and its answer lost', async (call, run) => { await run(); throw noAnswer(call) }],
    ['is lost', async (call) => { throw noAnswer(call) }],
  ] // prettier-ignore

  for (const [what, fault] of faults) {
    it.each(SOME)(
      `that ${what}: %s is changed as asked, or nothing is, or the error says`,
      async (_, kind, edit) => {
        await open(kind)
        const initial = JSON.stringify(world.state.data)
        await make(edit)
        const asked = everything(world.state, {ids: false})
        for (let broken = 0; ; broken++) {
          await reset(initial)
          const before = everything(world.state, {ids: false})
          let calls = 0
          const ctx = between((call, run) => {
            calls = Math.max(calls, call.number + 1)
            return call.number === broken ? fault(call, run) : run()
          })
          const changes = await plan(edit)
          const error = await applyChanges(ctx, changes, {command}).then(
            () => undefined,
            (reason: unknown) => reason as Error & {details: {undo?: string}},
          )
          const now = everything(world.state, {ids: false})
          if (!error) expect(now).toBe(asked)
          else if (error.details.undo === undefined) expect(now).toBe(before)
          else {
            await undo(error.details.undo)
            expect(everything(world.state, {ids: false})).toBe(before)
          }
          if (broken >= calls) break
        }
      },
    )
  }

  it.each(SOME)(
    'from which on nothing answers: %s can be undone when something does',
    async (_, kind, edit) => {
      await open(kind)
      const initial = JSON.stringify(world.state.data)
      for (let broken = 0; ; broken++) {
        await reset(initial)
        const before = everything(world.state, {ids: false})
        let calls = 0
        // The last thing that went out is made, and its answer never comes.
        const ctx = between(async (call, run) => {
          calls = Math.max(calls, call.number + 1)
          if (call.number === broken && call.writes) await run()
          if (call.number >= broken) throw noAnswer(call)
          return run()
        })
        const end = await applyChanges(ctx, await plan(edit), {command}).catch((error: unknown) => error)
        const {records} = await listUndo(world.ctx)
        if (records[0]) await undo(records[0].id)
        else expect(end).toBeInstanceOf(Error)
        expect(everything(world.state, {ids: false})).toBe(before)
        if (broken >= calls) break
      }
    },
  )
})

describe('a signal at any moment', () => {
  it.each(SOME.filter(([what]) => /shared|inline policy that/.test(what)))(
    'of the change of %s: what zt says then brings everything back',
    async (_, kind, edit) => {
      await open(kind)
      const initial = JSON.stringify(world.state.data)
      for (let at = 0; ; at++) {
        await reset(initial)
        const before = everything(world.state, {ids: false})
        const unfinished = new Unfinished()
        let left: UserError | undefined
        const changes = await plan(edit)
        const isInterrupted = await new Promise<boolean>((resolve, reject) => {
          const ctx = between(async (call, run) => {
            if (call.number < at >> 1) return run()
            if (at % 2 === 1) await run()
            left = unfinished.said()
            resolve(true)
            // The process has ended.
            return new Promise(() => undefined)
          })
          applyChanges({...ctx, interruptible: unfinished.during}, changes, {command}).then(() => {
            resolve(false)
          }, reject)
        })
        if (!isInterrupted) break
        const id = left?.next.map((line) => /^zt undo (\w+)$/.exec(line)?.[1])[0]
        if (id !== undefined) await undo(id)
        expect(everything(world.state, {ids: false})).toBe(before)
      }
    },
  )
})

describe('undo', () => {
  it.each(EDITS)('of %s brings all back, can be undone, and that again', async (_, kind, edit) => {
    await open(kind)
    const state = (): string => everything(world.state, {ids: false})
    const before = state()
    const id = await make(edit)
    const after = state()
    const back = await undo(id)
    expect(state()).toBe(before)
    const again = await undo(back)
    expect(state()).toBe(after)
    await undo(again)
    expect(state()).toBe(before)
    expect(await failure(planUndo(world.ctx, id))).toMatchObject({code: 'ALREADY_UNDONE'})
  })

  it('of --last goes back edit by edit', async () => {
    await open()
    const states = [everything(world.state)]
    for (const value of [1, 2, 3]) {
      await make({edit: 'set', field: 'x_one', value})
      states.push(everything(world.state))
    }
    for (const state of states.slice(0, -1).reverse()) {
      await undo(await latestEdit(world.ctx))
      expect(everything(world.state)).toBe(state)
    }
    expect(await failure(latestEdit(world.ctx))).toMatchObject({code: 'NOTHING_TO_UNDO'})
  })

  it('leaves what someone has changed elsewhere in the object', async () => {
    await open()
    const id = await make({edit: 'set', field: 'x_one', value: 1})
    app()['session_duration'] = '2h'
    await undo(id)
    expect(app()).toMatchObject({session_duration: '2h'})
    expect(app()).not.toHaveProperty('x_one')
  })

  it.each(EDITS)('of %s does not overwrite what was changed since', async (_, kind, edit) => {
    await open(kind)
    const id = await make(edit)
    const [{action, target, fields} = never()] = (await world.ctx.undo.read(id)).changes.slice(-1)
    if (action === 'delete') return
    const held = [...world.state.data.apps, ...world.state.data.policies, ...world.state.data.inlinePolicies, ...world.state.data.groups].find((one) => one['id'] === target.id) ?? {} // prettier-ignore
    const [{field} = never()] = fields
    if (field === 'precedence') {
      const links = app()['policies'] as {id: string; precedence: number}[]
      for (const link of links) if (link.id === target.id) link.precedence = 99
    } else if (field === 'policies') held[field] = (held[field] as unknown[]).slice(1)
    else held[field] = field === 'name' ? 'theirs' : [{everyone: {}}, {everyone: {}}]
    const theirs = everything(world.state)
    const error = await failure(planUndo(world.ctx, id))
    expect(error).toMatchObject({kind: 'conflict', code: 'CHANGED_SINCE'})
    expect(error.why).toContain(`${field} of `)
    expect(everything(world.state)).toBe(theirs)
  })

  it('does not delete a policy that was put on other applications since', async () => {
    await open()
    const id = await make({edit: 'add', name: 'Added', place: 'last'})
    const made = world.state.data.policies.at(-1)?.['id']
    world.app('Other')['policies'] = [{id: made, precedence: 1}]
    const error = await failure(planUndo(world.ctx, id))
    expect(error).toMatchObject({code: 'CHANGED_SINCE'})
    expect(error.why).toContain('"Other"')
  })

  it('says that a policy stays reusable', async () => {
    await open('inline')
    const read = await readForEdit(await world.ctx.api(), APP)
    const [one] = read.policies
    if (!one) return never()
    const change = makeReusableChange(inlineTarget(read, one), withRules(one.raw))
    expect(undoLimits([change])).toHaveLength(1)
    const {undoId} = await apply([change])
    expect(world.state.data.policies).toMatchObject([{id: one.id, x_unknown: {kept: [1]}}])
    const error = await failure(planUndo(world.ctx, undoId ?? ''))
    expect(error).toMatchObject({code: 'UNDO_IMPOSSIBLE'})
    expect(error.why).toContain('stays reusable')
  })

  it('of an application that was made deletes it; undone, it comes back', async () => {
    await open()
    const target: ObjectRef = {kind: 'application', id: newId(1), name: 'New'}
    const links = [{id: 'policy-1', precedence: 1}]
    const made = {name: 'New', type: 'self_hosted', domain: 'new.example.com', x: {y: 1}, policies: links}
    const {undoId} = await apply([createChange(target, made)])
    expect(world.app('New')).toMatchObject(made)
    const back = await undo(undoId ?? '')
    expect(world.state.data.apps.map(({name}) => name)).toEqual(['App', 'Other'])
    await undo(back)
    expect(world.app('New')).toMatchObject(made)
  })

  it.each([
    ['another profile', {profile: 'other'}],
    ['another account', {accountId: 'f'.repeat(32)}],
  ])('is refused for %s', async (_, other) => {
    await open()
    const id = await make({edit: 'set', field: 'x_one', value: 1})
    const ctx = {...world.ctx, ...other}
    expect(await failure(planUndo(ctx, id))).toMatchObject({code: 'UNDO_ELSEWHERE'})
    expect(await listUndo(ctx)).toMatchObject({records: [], elsewhere: 1})
  })

  it.each(['nothing0', '../../etc/passwd', '', 'ilou00000', '0000000000'])('knows no %j', async (id) => {
    await open()
    expect(await failure(planUndo(world.ctx, id))).toMatchObject({code: 'UNDO_NOT_FOUND'})
  })
})

function never(): never {
  throw new Error('the test expects something there')
}

describe('undo records', () => {
  const secrets: [string, JsonObject][] = [
    ['scim_config', {scim_config: {authentication: {scheme: 'httpbasic', user: 'u', password: 'hush-hush'}}}],
    ['saas_app', {saas_app: {client_secret: 'hush-hush'}}],
    ['saas_app without a telling name in it', {saas_app: {sp_entity_id: 'hush-hush'}}],
    ['scim_config without a telling name in it', {scim_config: {remote_uri: 'https://hush.example'}}],
    ['an unknown field', {field_of_tomorrow: {api: [{bearer_secret: 'hush-hush'}]}}],
  ]
  it.each(secrets)('hold no secrets of an application: %s', async (_, fields) => {
    await open('reusable', fields)
    const [field = ''] = Object.keys(fields)
    const id = await make({edit: 'set', field, value: undefined})
    await make({edit: 'set', field: 'session_duration', value: '1h'})
    const read = await readObject(await world.ctx.api(), {kind: 'application', id: APP, name: 'App'})
    Object.assign(app(), fields)
    const change = deleteChange({kind: 'application', id: APP, name: 'App'}, {...read, ...fields})
    expect(undoLimits([change]).join()).toContain(field)
    const {undoId} = await apply([change])
    for (const file of await recordFiles())
      expect(await fs.readFile(path.join(world.folder, 'undo', file), 'utf8')).not.toContain('hush')
    expect(await failure(planUndo(world.ctx, undoId ?? ''))).toMatchObject({code: 'UNDO_IMPOSSIBLE'})
    expect(await failure(planUndo(world.ctx, id))).toBeInstanceOf(Error)
  })

  it.each(['saas_app', 'scim_config'])('hold no %s, which goes back to the API as it came', async (field) => {
    const value = {remote_uri: 'https://hush.example', more: [null, {deep: 1}]}
    await open('reusable', {[field]: value})
    const id = await make({edit: 'set', field: 'session_duration', value: '1h'})
    expect(app()[field]).toEqual(value)
    await undoEdit(world.ctx, await planUndo(world.ctx, id))
    expect(app()[field]).toEqual(value)
    for (const file of await recordFiles())
      expect(await fs.readFile(path.join(world.folder, 'undo', file), 'utf8')).not.toContain('hush')
  })

  it('hold no secret that was in the command', async () => {
    await open()
    const secret = `cfast_${'A1b2'.repeat(12)}`
    await applyChanges(world.ctx, await plan(addRule), {command: `zt x ${secret}`})
    expect((await listUndo(world.ctx)).records[0]?.command).toBe('zt x [hidden]')
  })

  it('are private files, of which the latest 200 of 90 days are kept', async () => {
    await open()
    const directory = path.join(world.folder, 'many')
    const records = new UndoRecords(directory)
    const day = 24 * 3600 * 1000
    const start = Date.UTC(2026, 6, 1)
    const record = {profile: 'p', accountId: 'a', at: '', command: 'c', changes: []}
    const ids: string[] = []
    for (let n = 0; n < 205; n++) ids.push((await records.begin(record, start + n)).id)
    expect(ids).toEqual([...ids].sort())
    expect((await records.list()).records.map(({id}) => id)).toEqual(ids.slice(5).reverse())
    const [name = ''] = await fs.readdir(directory)
    expect((await fs.stat(path.join(directory, name))).mode & 0o777).toBe(0o600)
    const last = await records.begin(record, start + 91 * day)
    expect((await records.list()).records.map(({id}) => id)).toEqual([last.id])
    expect(await records.read(last.id.toUpperCase())).toMatchObject({id: last.id})
  })

  it('that are damaged are named, and stop no other', async () => {
    await open()
    const id = await make({edit: 'set', field: 'x_one', value: 1})
    const file = path.join(world.folder, 'undo', '000000000.json')
    await fs.writeFile(file, '{"version":1}')
    expect(await listUndo(world.ctx)).toMatchObject({records: [{id}], unread: {damaged: [file], newer: []}})
    expect(await failure(planUndo(world.ctx, '000000000'))).toMatchObject({code: 'BROKEN_FILE'})
    await undo(id)
  })
})

describe('the changes of an application that were planned', () => {
  it('name no field but those that differ', async () => {
    await open()
    const read = await readForEdit(await world.ctx.api(), APP)
    expect(replaceChange(read.target, read.state, {name: 'App', x_none: undefined})).toEqual([])
    expect(linkChanges(read, read.links)).toEqual([])
  })
})
