import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {replaceChange, type Change} from '../../../src/lib/access/edit/change.js'
import {otherEffects} from '../../../src/lib/access/edit/effect.js'
import {makeEdit, type EditPlan} from '../../../src/lib/access/edit/make.js'
import type {ObjectRef} from '../../../src/lib/access/edit/object.js'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {World} from '../../support/access-world.js'
import {APP, everything, failure, GROUP, interposed, order, planEdit, type Edit} from '../../support/edit-world.js' // prettier-ignore

let world: World
beforeEach(async () => {
  const policy = (n: number): JsonObject => ({
    id: `policy-${n}`,
    name: `Policy ${n}`,
    decision: 'allow',
    include: [{everyone: {}}],
    exclude: [],
    require: [],
  })
  world = await World.open({
    zones: [{name: 'example.com'}],
    policies: [1, 2, 3].map(policy),
    groups: [{id: GROUP, name: 'Group', include: [{everyone: {}}]}],
    apps: [
      {
        id: APP,
        name: 'App',
        type: 'self_hosted',
        domain: 'a.example.com',
        session_duration: '24h',
        policies: [1, 2].map((n) => ({id: `policy-${n}`, precedence: n})),
      },
    ],
  })
  world.state.save = () => Promise.resolve()
})
afterEach(() => world.end())

const app = (): JsonObject => world.app('App')
const adds: Edit = {edit: 'add', name: 'New', place: 'last'}
const setsSession: Edit = {edit: 'set', field: 'session_duration', value: '1h'}

interface Plan extends EditPlan {
  changes: Change[]
}

const planOf = async (edit: Edit, notes: string[] = []): Promise<Plan> => ({
  changes: await planEdit(world.ctx, edit),
  notes,
})

/** Made as a command makes it; `shown` as a person has agreed to it. */
async function make(
  edit: Edit,
  {shown, ctx = world.ctx, notes}: {shown?: Plan | undefined; ctx?: AccessContext; notes?: string[]} = {},
): Promise<Plan> {
  const planned: Plan[] = []
  const {plan} = await makeEdit(ctx, () => planOf(edit, notes), {
    shown,
    planned: (one) => planned.push(one),
    apply: ({changes}) => applyChanges(ctx, changes, {command: 'zt test'}),
  })
  // The warning is not repeated.
  expect(planned).toHaveLength(shown ? 0 : 1)
  return plan
}

/** Somebody without our lock writes before the first reading of an edit that follows its plan. */
function meddling(meddle: () => void, times = 1): AccessContext {
  let left = times
  const each = async ({name}: {name: string}, run: () => Promise<unknown>): Promise<unknown> => {
    if (name === 'getApplication' && left-- > 0) meddle()
    return run()
  }
  return {...world.ctx, api: async () => interposed(await world.ctx.api(), each)}
}

/** Another rule behind all. */
function anotherRule(): void {
  const links = app()['policies'] as {id: string; precedence: number}[]
  app()['policies'] = [...links, {id: 'policy-3', precedence: links.length + 1}]
}

describe('an edit that was shown', () => {
  it('goes ahead where something else was changed meanwhile, on what is there now', async () => {
    const shown = await planOf(adds)
    anotherRule()
    app()['x_other'] = 'theirs'
    await make(adds, {shown})
    expect(order(world.state)).toEqual(['Policy 1', 'Policy 2', 'Policy 3', 'New'])
    expect(app()).toMatchObject({x_other: 'theirs'})
  })

  it.each<[string, Edit, () => void, string]>([
    ['the field', setsSession, () => (app()['session_duration'] = '12h'), 'session_duration of the application "App"'],
    ['the order of rules', {edit: 'add', name: 'New', place: {before: 0}}, () => {
      app()['policies'] = [{id: 'policy-2', precedence: 1}, {id: 'policy-1', precedence: 2}]
    }, 'policies of the application "App"'],
    ['what is removed', {edit: 'rules', at: 0, part: 'include', rules: [{ip: {ip: '192.0.2.0/24'}}]}, () => {
      const [one] = world.state.data.policies
      if (one) one['include'] = [{geo: {country_code: 'DE'}}]
    }, 'include of the policy "Policy 1"'],
  ])('stops where someone has changed %s, and says where', async (_, edit, meddle, where) => {
    const shown = await planOf(edit)
    meddle()
    const theirs = everything(world.state)
    const error = await failure(make(edit, {shown}))
    expect(error).toMatchObject({kind: 'conflict', code: 'CHANGED_MEANWHILE'})
    expect(error.why).toContain(where)
    expect(error.why).toContain('Nothing was changed.')
    expect(everything(world.state)).toBe(theirs)
    expect(world.changes).toEqual([])
  }) // prettier-ignore

  it('stops where it has a consequence that was not said', async () => {
    const shown = await planOf(adds)
    const error = await failure(make(adds, {shown, notes: ['No one gets in then']}))
    expect(error).toMatchObject({code: 'CHANGED_MEANWHILE'})
    expect(error.why).toContain('No one gets in then.')
    expect(world.changes).toEqual([])
  })

  it('does nothing where it is done already', async () => {
    const shown = await planOf(setsSession)
    app()['session_duration'] = '1h'
    expect((await make(setsSession, {shown})).changes).toEqual([])
    expect(world.changes).toEqual([])
  })
})

describe('an edit that was not confirmed', () => {
  it('is planned again if someone without the lock changes something else', async () => {
    let number = 0
    await make(adds, {ctx: meddling(() => (app()['x_other'] = ++number), 3)})
    expect(order(world.state)).toEqual(['Policy 1', 'Policy 2', 'New'])
    expect(app()).toMatchObject({x_other: 3})
    expect(world.state.data.policies).toHaveLength(4)
    expect((await world.ctx.undo.list()).records.map(({state}) => state)).toEqual(['done'])
  })

  it('stops where they change the same', async () => {
    const error = await failure(make(setsSession, {ctx: meddling(() => (app()['session_duration'] = '12h'))}))
    expect(error).toMatchObject({code: 'CHANGED_MEANWHILE', details: {fields: ['session_duration']}})
    expect(app()).toMatchObject({session_duration: '12h'})
    expect(world.changes).toEqual([])
  })

  it('stops some time where they never cease, and leaves nothing behind', async () => {
    let number = 0
    const error = await failure(make(adds, {ctx: meddling(() => (app()['x_other'] = ++number), Infinity)}))
    expect(error).toMatchObject({code: 'CHANGED_MEANWHILE', details: {fields: ['x_other']}})
    expect(order(world.state)).toEqual(['Policy 1', 'Policy 2'])
    expect(world.state.data.policies).toHaveLength(3)
    expect((await world.ctx.undo.list()).records).toEqual([])
  })

  it('waits for another one of the account, whatever that edits, and each is planned on what the other left', async () => {
    const group: Edit = {edit: 'group', rules: [{everyone: {}}, {ip: {ip: '192.0.2.0/24'}}]}
    const edits: Edit[] = [adds, {...adds, name: 'Newer'}, setsSession, group]
    await Promise.all(edits.map((edit) => make(edit)))
    expect(order(world.state)).toEqual(expect.arrayContaining(['Policy 1', 'Policy 2', 'New', 'Newer']))
    expect(app()).toMatchObject({session_duration: '1h'})
    expect(await world.ctx.locks.isHeld(`edit/${world.state.accountId}`)).toBe(false)
  })

  it('says which process it has waited for when that does not end', async () => {
    world.ctx.locks.acquire = () => Promise.resolve(undefined)
    world.ctx.locks.holder = () => Promise.resolve(4711)
    const error = await failure(make(adds))
    expect(error).toMatchObject({kind: 'conflict', code: 'EDIT_BUSY', details: {pid: 4711}})
    expect(`${error.why} ${error.next.join()}`).toMatch(/process 4711/)
    expect(world.changes).toEqual([])
  })
})

describe('two plans', () => {
  const target: ObjectRef = {kind: 'group', id: 'g', name: 'Group'}
  const change = (before: JsonObject, after: JsonObject): Change[] => replaceChange(target, before, after)
  const [a, b, c] = [{ip: {ip: '192.0.2.1'}}, {geo: {country_code: 'DE'}}, {everyone: {}}]

  it.each<[string, Change[], Change[], string[]]>([
    ['the same', change({x: 1}, {x: 2}), change({x: 1}, {x: 2}), []],
    ['another field that stays', change({x: 1}, {x: 2}), change({x: 1, y: 1}, {x: 2}), []],
    ['another value before', change({x: 1}, {x: 2}), change({x: 0}, {x: 2}), ['x of the Access group "Group"']],
    ['another value after', change({x: 1}, {x: 2}), change({x: 1}, {x: 3}), ['x of the Access group "Group"']],
    ['a value that was not there', change({}, {x: 2}), change({x: 0}, {x: 2}), ['x of the Access group "Group"']],
    ['a list with more in it', change({l: [a]}, {l: [a, b]}), change({l: [c, a]}, {l: [c, a, b]}), []],
    ['a list that loses more', change({l: [a, b]}, {l: [a]}), change({l: [a, b, c]}, {l: [a]}), ['l of the Access group "Group"']],
    ['a list in another order', change({l: [a, b]}, {l: [b, a]}), change({l: [a, b, c]}, {l: [b, a, c]}), ['l of the Access group "Group"']],
    ['one more change', change({x: 1}, {x: 2}), change({x: 1, y: 1}, {x: 2, y: 2}), ['y of the Access group "Group"']],
    ['another object of the name', change({x: 1}, {x: 2}), replaceChange({...target, id: 'h'}, {x: 1}, {x: 2}), ['the Access group "Group"']],
  ])('of which the second has %s', (_, shown, now, expected) => {
    expect(otherEffects(shown, now)).toEqual(expected)
  }) // prettier-ignore
})
