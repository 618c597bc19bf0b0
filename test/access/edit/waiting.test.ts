import {describe, expect, it} from 'vitest'
import {applyChanges} from '../../../src/lib/access/edit/apply.js'
import {createChange, replaceChange, type Change} from '../../../src/lib/access/edit/change.js'
import {newId, type ObjectRef} from '../../../src/lib/access/edit/object.js'
import {ApiError, type UserError} from '../../../src/lib/core/errors.js'
import {failure} from '../../support/edit-world.js'
import {MemoryApi, memoryContext, MemoryRecords} from '../../support/memory-api.js'

const NO_RULES = {include: [], exclude: [], require: []}
const app: ObjectRef = {kind: 'application', id: 'a', name: 'App'}
const policy: ObjectRef = {kind: 'policy', id: newId(1), name: 'New'}
const newApp: ObjectRef = {kind: 'application', id: newId(2), name: 'New app'}
const links = [{id: policy.id, precedence: 1}]

const attaches = (): Change[] => [
  createChange(policy, {...NO_RULES, name: 'New'}),
  ...replaceChange(app, {id: 'a', name: 'App', policies: []}, {policies: links}),
]
const createsWith = (): Change[] => [
  createChange(policy, {...NO_RULES, name: 'New'}),
  createChange(newApp, {name: 'New app', policies: links}),
]

const unknown = (policyId?: string): ApiError =>
  new ApiError({
    ...{kind: 'api', code: 'POLICY_UNKNOWN', message: 'Cloudflare does not know one of its policies'},
    ...{status: 400, details: {policyId}},
  })
const throttled = (): ApiError =>
  new ApiError({kind: 'permission', code: 'PERMISSION_UNCERTAIN', message: 'Refused', status: 403, next: ['Run the command again in a minute', 'zt whoami']}) // prettier-ignore

/** An API that refuses some calls so many times. */
function refusing(call: RegExp, times: number, error: () => ApiError) {
  const memory = new MemoryApi()
  memory.apps = [{id: 'a', name: 'App', policies: []}]
  let left = times
  memory.before = (name) => {
    if (call.test(name) && left-- > 0) throw error()
  }
  const records = new MemoryRecords()
  const {ctx, slept, steps, unfinished} = memoryContext(memory, records)
  const sent = (name: string): number => memory.writes.filter((one) => one.startsWith(name)).length
  const edit = (changes: Change[]) => applyChanges(ctx, changes, {command: 'zt x'})
  return {memory, records, slept, steps, sent, edit, ctx, unfinished}
}

describe('a policy that was just created and that the write of its application does not know', () => {
  it.each([
    ['names it', () => unknown('policy-made-1')],
    ['names none', () => unknown()],
  ])('is waited for, and created once, if the refusal %s', async (_, error) => {
    const {memory, slept, steps, sent, edit} = refusing(/^replaceApplication/, 4, error)
    await edit(attaches())
    expect(memory.apps).toMatchObject([{policies: [{id: 'policy-made-1', precedence: 1}]}])
    expect([sent('createPolicy'), sent('replaceApplication')]).toEqual([1, 5])
    expect(slept).toEqual([1000, 2000, 4000, 5000])
    expect(steps).toContain('Waiting until Cloudflare knows the new policy')
  })

  it('can be interrupted while zt waits, which says what was done and how to take it back', async () => {
    const {ctx, edit, unfinished} = refusing(/^replaceApplication/, 2, () => unknown())
    const left: (UserError | undefined)[] = []
    ctx.sleep = () => Promise.resolve(void left.push(unfinished.said()))
    await edit(attaches())
    expect(left[0]).toMatchObject({
      code: 'INTERRUPTED',
      whyLines: ['The application "App" was not changed: Cloudflare has refused it so far.', 'Changed before that: the policy "New".'],
      next: ['zt undo 01'],
      details: {undo: '01', changed: [{kind: 'policy', id: 'policy-made-1'}]},
    })
    expect(unfinished.some).toBe(false)
  }) // prettier-ignore

  it('says that nothing was changed if it is interrupted before the first change is accepted', async () => {
    const {ctx, edit, unfinished} = refusing(/^createPolicy/, 1, throttled)
    const left: (UserError | undefined)[] = []
    ctx.sleep = () => Promise.resolve(void left.push(unfinished.said()))
    await edit(attaches())
    expect(left[0]).toMatchObject({next: [], whyLines: [expect.anything(), 'Nothing was changed.']})
  })

  it('tells an interrupted undo how to complete it, and how to take it back', async () => {
    const {ctx, edit, records, unfinished} = refusing(/^replaceApplication/, 1, () => unknown())
    await edit([createChange(policy, {...NO_RULES, name: 'First'})])
    let left: UserError | undefined
    ctx.sleep = () => Promise.resolve(void (left ??= unfinished.said()))
    await applyChanges(ctx, attaches(), {command: 'zt undo 01', undoes: '01'})
    expect(left?.next).toEqual(['To complete it: zt undo 01', 'To take it back: zt undo 02'])
    expect(records.kept).toHaveLength(2)
  })

  it('is waited for by the creation of an application too, of which only one is made', async () => {
    const {memory, sent, edit} = refusing(/^createApplication/, 2, () => unknown('policy-made-1'))
    await edit(createsWith())
    expect([sent('createPolicy'), memory.apps.length]).toEqual([1, 2])
    expect(memory.apps[1]).toMatchObject({name: 'New app', policies: [{id: 'policy-made-1'}]})
  })

  it('is not waited for any more after a minute: everything is undone, and the error says how to go on', async () => {
    const {memory, records, slept, edit} = refusing(/^replaceApplication/, Infinity, () => unknown())
    const error = await failure(edit(attaches()))
    expect(error).toMatchObject({code: 'POLICY_UNKNOWN', next: ['Run the command again in a minute']})
    const total = slept.reduce((sum, one) => sum + one, 0)
    expect(error.whyLines).toEqual([
      `zt has waited ${total / 1000} seconds, and has sent the same change again.`,
      'The earlier changes were undone.',
    ])
    expect([memory.policies, records.kept]).toEqual([[], []])
  })

  it.each([
    ['a short while ago is waited for', Date.UTC(2026, 6, 1) - 30_000, 3],
    ['long ago is not waited for', Date.UTC(2026, 0, 1), 1],
  ])('by an earlier edit %s', async (_, at, times) => {
    const {memory, sent, edit} = refusing(/^replaceApplication/, 2, () => unknown('p'))
    memory.policies = [{id: 'p', name: 'P', ...NO_RULES, created_at: new Date(at).toISOString()}]
    const attach = replaceChange(app, {id: 'a', name: 'App', policies: []}, {policies: [{id: 'p', precedence: 1}]})
    const failed = await edit(attach).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect([sent('replaceApplication'), failed === undefined]).toEqual([times, times === 3])
  }) // prettier-ignore

  it.each<[string, () => Change[], () => ApiError]>([
    ['another policy is unknown', attaches, () => unknown('p-other')],
    ['the edit created none', () => replaceChange(app, {id: 'a', name: 'App', policies: []}, {policies: [{id: 'p', precedence: 1}]}), () => unknown('p')],
    ['it is refused for another reason', attaches, () => new ApiError({kind: 'api', code: 'API_REFUSED', message: 'No', status: 400})],
  ])('is not waited for if %s', async (_, changes, error) => {
    const {slept, sent, edit} = refusing(/^replaceApplication/, 1, error)
    await failure(edit(changes()))
    expect([sent('replaceApplication'), slept]).toEqual([1, []])
  }) // prettier-ignore
})

describe('a creation that may be refused because of too many requests', () => {
  it('is sent again once it is known that nothing was created', async () => {
    const {memory, sent, edit} = refusing(/^createPolicy/, 2, throttled)
    await edit(attaches())
    expect([sent('createPolicy'), memory.policies.length]).toEqual([3, 1])
  })

  it('is not sent again if it was made after all', async () => {
    const {memory, edit} = refusing(/^never/, 0, throttled)
    let first = true
    memory.after = (call) => {
      if (call.startsWith('createPolicy') && first) {
        first = false
        throw throttled()
      }
    }
    await edit(attaches())
    expect(memory.policies).toHaveLength(1)
    expect(memory.apps).toMatchObject([{policies: [{id: 'policy-made-1'}]}])
  })

  it('is given up after a minute', async () => {
    const {edit} = refusing(/^createPolicy/, Infinity, throttled)
    const error = await failure(edit(attaches()))
    expect(error).toMatchObject({
      code: 'PERMISSION_UNCERTAIN',
      next: ['Run the command again in a minute', 'zt whoami'],
    })
    expect(error.whyLines.at(-1)).toBe('Nothing was changed.')
  })

  it('is no longer the concern of an edit where the client has waited already', async () => {
    const {slept, sent, edit} = refusing(/^replaceApplication/, 1, throttled)
    await failure(edit(attaches()))
    expect([sent('replaceApplication'), slept]).toEqual([1, []])
  })
})
