import {beforeEach, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import type {AppliedEdit} from '../../../src/lib/access/edit/apply.js'
import {replaceChange, type Change} from '../../../src/lib/access/edit/change.js'
import {makeEdit, type EditPlan} from '../../../src/lib/access/edit/make.js'
import type {ObjectRef} from '../../../src/lib/access/edit/object.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext} from '../../support/memory-api.js'

const group: ObjectRef = {kind: 'group', id: 'g', name: 'ci'}
const sets = (x: number, before = 0): Change[] => replaceChange(group, {x: before}, {x})
const meanwhile = (details = {}): UserError =>
  new UserError({kind: 'conflict', code: 'CHANGED_MEANWHILE', message: 'by others', details})
const APPLIED: AppliedEdit = {undoId: '01', changes: [], ids: new Map(), warnings: []}

let ctx: AccessContext
let memory: MemoryApi
let locks: string[]
beforeEach(() => {
  memory = new MemoryApi()
  locks = []
  ctx = {
    ...memoryContext(memory).ctx,
    locks: {
      holder: () => Promise.resolve(undefined),
      acquire: (name: string) => {
        locks.push(name)
        return Promise.resolve({release: () => Promise.resolve(locks.push('released'))})
      },
    },
  } as unknown as AccessContext
})

/** @param plans one for each time that it is planned; the last again and again */
async function make(
  plans: EditPlan[],
  {shown, errors = []}: {shown?: EditPlan; errors?: Error[]} = {},
): Promise<{planned: EditPlan[]; applied: EditPlan[]; result: Promise<unknown>}> {
  const [planned, applied]: EditPlan[][] = [[], []]
  let at = 0
  const plan = (): Promise<EditPlan> =>
    Promise.resolve(plans[Math.min(at++, plans.length - 1)] ?? {changes: []})
  const result = makeEdit(ctx, plan, {
    shown,
    planned: (one) => planned?.push(one),
    apply: async (one) => {
      await Promise.resolve()
      applied?.push(one)
      const error = errors.shift()
      if (error !== undefined) throw error
      return APPLIED
    },
  })
  await result.catch(() => undefined)
  return {planned: planned ?? [], applied: applied ?? [], result}
}

describe('an edit that is planned while no other is made', () => {
  it('is made under the lock of its account, and said before', async () => {
    const plan = {changes: sets(1)}
    const {planned, applied, result} = await make([plan])
    expect(await result).toEqual({plan, applied: APPLIED})
    expect([planned, applied, locks]).toEqual([[plan], [plan], ['edit/account', 'released']])
  })

  it('without an account has a lock all the same', async () => {
    memory.accountId = undefined
    await make([{changes: sets(1)}])
    expect(locks[0]).toBe('edit/')
  })

  it('says who has the lock', async () => {
    ctx.locks.acquire = () => Promise.resolve(undefined)
    const {result} = await make([{changes: sets(1)}])
    expect(await failure(result)).toMatchObject({
      code: 'EDIT_BUSY',
      message: 'Another zt process is editing this account',
    })
  })

  it('is planned again after others wrote, up to five times, and said once', async () => {
    const plan = {changes: sets(1)}
    const four = await make([plan], {errors: Array<Error>(4).fill(meanwhile())})
    expect(await four.result).toEqual({plan, applied: APPLIED})
    expect([four.planned.length, four.applied.length]).toEqual([1, 5])
    const five = await make([plan], {errors: Array<Error>(9).fill(meanwhile())})
    expect(await failure(five.result)).toMatchObject({message: 'by others'})
    expect(five.applied).toHaveLength(5)
  })

  it.each([
    ['something is left of it', meanwhile({undo: '01'})],
    ['it fails otherwise', new UserError({kind: 'conflict', code: 'OTHER', message: 'm'})],
    ['there is a bug', Object.assign(new Error('bug'), {code: 'CHANGED_MEANWHILE', details: {}})],
  ])('is not planned again when %s', async (_, error) => {
    const {applied, result} = await make([{changes: sets(1)}], {errors: [error]})
    await expect(result).rejects.toBe(error)
    expect(applied).toHaveLength(1)
  })

  it('throws what others did if the next plan does something else', async () => {
    const error = meanwhile()
    const {applied, result} = await make([{changes: sets(1)}, {changes: sets(2)}], {errors: [error]})
    await expect(result).rejects.toBe(error)
    expect(applied).toHaveLength(1)
  })
})

describe('an edit that was shown', () => {
  const shown: EditPlan = {changes: sets(1), notes: ['A'], warnings: ['B']}

  it.each<[string, EditPlan]>([
    ['the same', {changes: sets(1), notes: ['A'], warnings: ['B']}],
    ['with fewer consequences', {changes: sets(1)}],
    ['with its note as a warning', {changes: sets(1), notes: ['B'], warnings: ['A']}],
    ['nothing any more', {changes: [], notes: ['C']}],
  ])('is made if it is %s', async (_, now) => {
    const {planned, result} = await make([now], {shown})
    expect(await result).toMatchObject({plan: now})
    expect(planned).toEqual([])
  })

  it.each<[string, EditPlan, string[], string[]]>([
    ['would do something else', {changes: sets(2)}, ['It would differ in: x of the Access group "ci".'], ['x of the Access group "ci"']],
    ['would do more', {changes: [...sets(1), ...replaceChange({...group, id: 'h', name: 'h'}, {}, {y: 1})]}, ['It would differ in: the Access group "h", y of the Access group "h".'], ['the Access group "h"', 'y of the Access group "h"']],
    ['has another note', {changes: sets(1), notes: ['A', 'C']}, ['C.'], []],
    ['has another warning', {changes: sets(1), warnings: ['D', 'B']}, ['D.'], []],
    ['has both', {changes: sets(2), notes: ['C']}, ['It would differ in: x of the Access group "ci".', 'C.'], ['x of the Access group "ci"']],
  ])('is not made if it %s', async (_, now, why, differs) => {
    const {applied, result} = await make([now], {shown})
    expect(await failure(result)).toMatchObject({
      kind: 'conflict',
      code: 'CHANGED_MEANWHILE',
      message: 'The account has changed since you confirmed, and the edit would now do something else',
      whyLines: [...why, 'Nothing was changed.'],
      next: ['Run the command again and check the new difference'],
      details: {differs},
    })
    expect(applied).toEqual([])
  }) // prettier-ignore

  it('as nothing is not made if there is something to do, nor if it has a consequence', async () => {
    const some = await make([{changes: sets(1)}], {shown: {changes: []}})
    expect((await failure(some.result)).details['differs']).toHaveLength(2)
    const said = await make([{changes: [], notes: ['C']}], {shown: {changes: []}})
    expect(await failure(said.result)).toMatchObject({whyLines: ['C.', 'Nothing was changed.']})
  })
})
