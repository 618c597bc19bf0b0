import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {UndoRecords} from '../../../src/lib/access/edit/records.js'
import {planUndo, undoEdit} from '../../../src/lib/access/edit/undo.js'
import {revokeToken} from '../../../src/lib/access/tokens/revoke.js'
import {ApiError, UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import type {StateData} from '../../../src/lib/sandbox/state.js'
import {World} from '../../support/access-world.js'
import {everything, failure, interposed} from '../../support/edit-world.js'

const CI = '11111111-1111-4111-8111-111111111111'
const CD = '22222222-2222-4222-8222-222222222222'
const ci: JsonObject = {service_token: {token_id: CI}}
const cd: JsonObject = {service_token: {token_id: CD}}

const policy = (id: string, more: JsonObject): JsonObject => ({
  id,
  name: `name of ${id}`,
  decision: 'non_identity',
  require: [],
  exclude: [],
  ...more,
})

const seed = {
  zones: [{name: 'example.com'}],
  service_tokens: [
    {id: CI, name: 'ci', client_id: 'ci.access'},
    {id: CD, name: 'cd', client_id: 'cd.access'},
  ],
  groups: [{id: 'g', name: 'Robots', include: [ci, cd]}],
  policies: [
    policy('p-only', {include: [ci]}),
    // Two that differ in nothing but their IDs.
    policy('p-twin', {include: [ci], name: 'name of p-only'}),
    policy('p-both', {include: [cd, ci], exclude: [ci]}),
  ],
  apps: [
    {
      id: 'a-git',
      name: 'Git',
      domain: 'git.example.com',
      policies: [
        {id: 'p-only', precedence: 5},
        {id: 'p-both', precedence: 9},
        {id: 'p-twin', precedence: 11},
      ],
    },
    {id: 'a-wiki', name: 'Wiki', domain: 'wiki.example.com', policies: ['p-only']},
    {
      id: 'a-old',
      name: 'Old',
      domain: 'old.example.com',
      policies: [policy('i-only', {include: [ci]}), policy('i-both', {include: [ci, cd]})],
    },
    {id: 'a-last', name: 'Last', domain: 'last.example.com', policies: [policy('i-last', {include: [ci]})]},
  ],
}

let world: World
let untouched: StateData
beforeAll(async () => {
  world = await World.open(seed)
  world.state.save = () => Promise.resolve()
  untouched = structuredClone(world.state.data)
})
afterAll(() => world.end())

/** The account as it was at the start, and no undo record. */
async function reset(): Promise<void> {
  Object.assign(world.state.data, structuredClone(untouched))
  await fs.rm(path.join(world.folder, 'undo'), {recursive: true, force: true})
}

const account = (): string => everything(world.state, {ids: false})

const killed = new Error('killed')
const FAULTS = ['refused', 'killed before', 'killed after'] as const
type Fault = (typeof FAULTS)[number]

/** A context with these faults at its writes, which are counted from 0. After a kill nothing is sent any more. */
async function faulty(
  faultAt: (write: number, name: string) => Fault | undefined,
): Promise<{ctx: AccessContext; writes: string[]}> {
  const writes: string[] = []
  let dead = false
  const api = interposed(await world.ctx.api(), async ({name, writes: isWrite}, run) => {
    if (dead) throw killed
    if (!isWrite) return run()
    const fault = faultAt(writes.length, name)
    writes.push(name)
    if (fault === 'refused') throw new ApiError({kind: 'api', code: 'API_ERROR', message: 'no', status: 400})
    if (fault === 'killed before') dead = true
    const result = dead ? undefined : await run()
    dead ||= fault === 'killed after'
    if (dead) throw killed
    return result
  })
  return {ctx: {...world.ctx, api: () => Promise.resolve(api)}, writes}
}

const revoke = (ctx: AccessContext): Promise<unknown> => revokeToken(ctx, {token: 'ci', detach: true})
const ignored = (): undefined => undefined

/** Undoes what the revocation left, if anything. */
async function undoAll(ctx = world.ctx): Promise<void> {
  const {records} = await world.ctx.undo.list()
  for (const {id, state, undoes} of records)
    if (state !== 'undone' && undoes === undefined) await undoEdit(ctx, await planUndo(ctx, id))
}

const WRITES = [
  ...['updateServiceToken', 'replacePolicy', 'replaceApplicationPolicy', 'replaceGroup'],
  ...['replaceApplication', 'replaceApplication', 'deletePolicy', 'deletePolicy'],
  ...['deleteApplicationPolicy', 'deleteApplicationPolicy', 'deleteServiceToken'],
]
/** The write that deletes the last inline policy of an application, which Cloudflare would not take again. */
const LAST = 9

describe('the order of a detachment', () => {
  it('has what can be taken back to the letter first, and what cannot come back at all last', async () => {
    await reset()
    const {ctx, writes} = await faulty(ignored)
    const {changes} = await revokeToken(ctx, {token: 'ci', detach: true})
    expect(writes).toEqual(WRITES)
    expect(changes.at(-1)?.target.id).toBe('i-last')
  })

  it.each(WRITES.slice(0, 7).map((name, at) => [at, name]))(
    'leaves every rule and its ID as it was when write %i (%s) is refused',
    async (at) => {
      await reset()
      const before = everything(world.state)
      const {ctx} = await faulty((write) => (write === at ? 'refused' : undefined))
      await failure(revokeToken(ctx, {token: 'ci', detach: true}))
      expect(everything(world.state)).toBe(before)
    },
  )

  it('names the new ID of each policy that it deleted and made again', async () => {
    await reset()
    const {ctx} = await faulty((write) => (write === LAST ? 'refused' : undefined))
    const error = await failure(revokeToken(ctx, {token: 'ci', detach: true}))
    const ids = new Map(
      [...world.state.data.policies, ...world.state.data.inlinePolicies].map((one) => [
        one['id'],
        one['name'],
      ]),
    )
    const said = error.whyLines.flatMap((line) => {
      const [, id = '', was] = /has another ID now: (\S+) instead of (\S+)\.$/.exec(line) ?? []
      return was === undefined ? [] : [[was, ids.get(id)]]
    })
    expect(said).toEqual([
      ['i-only', 'name of i-only'],
      ['p-twin', 'name of p-only'],
      ['p-only', 'name of p-only'],
    ])
    // Nothing is left to undo, and earlier records find the policies by what this one says.
    expect((await world.ctx.undo.list()).records.map(({state}) => state)).toEqual(['undone'])
  })
})

describe('a detachment that is taken back only in part', () => {
  const cases = Array.from({length: 8}, (_, at) => LAST + 1 + at).flatMap((at) =>
    FAULTS.map((fault): [Fault, number] => [fault, at]),
  )
  it.each(cases)('is taken back as a whole by undo: %s at write %i', async (fault, at) => {
    await reset()
    const before = account()
    const {ctx, writes} = await faulty((write) =>
      write === LAST ? 'refused' : write === at ? fault : undefined,
    )
    const error = await revoke(ctx).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(writes.length).toBeGreaterThan(at)
    if (error instanceof UserError) {
      expect(error.details).not.toHaveProperty('detached')
      expect(error.next).toContain(`zt undo ${String(error.details['undo'])}`)
    }
    await undoAll()
    expect(account()).toBe(before)
  })
})

describe('the undo of a detachment', () => {
  const cases = Array.from({length: 8}, (_, at) => at).flatMap((at) =>
    FAULTS.map((fault): [Fault, number] => [fault, at]),
  )
  it.each(cases)('is finished by another after it was %s write %i', async (fault, at) => {
    await reset()
    const before = account()
    // The deletion of the last inline policy cannot be undone.
    const first = await faulty((write) => (write === LAST ? 'killed before' : undefined))
    await expect(revoke(first.ctx)).rejects.toBe(killed)
    const {ctx, writes} = await faulty((write) => (write === at ? fault : undefined))
    await expect(undoAll(ctx)).rejects.toThrow()
    expect(writes.length).toBeGreaterThan(at)
    await undoAll()
    expect(account()).toBe(before)
  })
})

describe('a revocation whose edit cannot be recorded', () => {
  it('leaves the token enabled', async () => {
    await reset()
    const undo = new UndoRecords(path.join(world.folder, 'undo'))
    undo.begin = () =>
      Promise.reject(new UserError({kind: 'config', code: 'FILE_NOT_WRITABLE', message: 'full'}))
    const {ctx, writes} = await faulty(ignored)
    const error = await failure(revokeToken({...ctx, undo}, {token: 'ci', detach: true}))
    expect(error.code).toBe('FILE_NOT_WRITABLE')
    expect(error.details).not.toHaveProperty('disabled')
    expect(writes).toEqual([])
  })

  it('keeps no record of an edit that was not begun because the token could not be disabled', async () => {
    await reset()
    const {ctx, writes} = await faulty((write) => (write === 0 ? 'refused' : undefined))
    await failure(revokeToken(ctx, {token: 'ci', detach: true}))
    expect(writes).toEqual(['updateServiceToken'])
    expect((await world.ctx.undo.list()).records).toEqual([])
  })
})

describe('what an interrupted revocation says', () => {
  const again = 'zt token revoke ci --detach'
  const enable = 'To enable it again: zt token enable ci'

  it.each<[string, string, string[], RegExp, RegExp[]]>([
    ['before the edit', 'updateServiceToken', [again, enable], /No rule was changed.*may be disabled now/, []],
    ['at the first change', 'replacePolicy', [again, enable, 'zt undo ID'], /is disabled now/, []],
    ['at the deletion of a policy', 'deletePolicy', [again, enable, 'zt undo ID'], /is disabled now/, [/Changed before that: .*Robots/]],
    ['at the deletion of the token', 'deleteServiceToken', [again, 'Or put it back: zt undo ID'], /disabled now, or already deleted/, [/It was taken out of/, /^Deleted, because/]],
  ])('%s', async (_, at, next, state, more) => {
    await reset()
    let left: UserError | undefined
    const {ctx} = await faulty((_write, name) => {
      if (name === at) left ??= world.unfinished.said()
      return undefined
    })
    await revoke(ctx)
    const said = left?.next.map((line) => line.replace(/(zt undo) \w+/, '$1 ID')) ?? []
    expect(said).toEqual(next)
    const why = left?.why ?? ''
    expect(why).toMatch(state)
    for (const one of more) expect(left?.whyLines.some((line) => one.test(line)), why).toBe(true)
    expect(left?.code).toBe('INTERRUPTED')
  }) // prettier-ignore
})

describe('what a failed revocation says', () => {
  it('calls deleted what it deleted, and taken out what it was taken out of', async () => {
    await reset()
    const {ctx} = await faulty((_, name) => (name === 'deleteServiceToken' ? 'refused' : undefined))
    const {whyLines, details} = await failure(revokeToken(ctx, {token: 'ci', detach: true}))
    expect(whyLines).toEqual([
      'The service token is disabled now.',
      'It was taken out of the policy "name of p-both", the policy "name of i-both" of "Old", the Access group "Robots".',
      'Deleted, because each admitted this token only: the policy "name of p-only", the policy "name of p-only", the policy "name of i-only" of "Old", the policy "name of i-last" of "Last".',
    ])
    expect(details).toMatchObject({disabled: true, undo: expect.any(String) as string})
  })

  it('does not call a token disabled that may be deleted by now', async () => {
    await reset()
    const api = await world.ctx.api()
    let sent = false
    const no = new ApiError({kind: 'permission', code: 'FORBIDDEN', message: 'no', status: 403})
    const blind = interposed(api, async ({name}, run) => {
      if (sent) throw no
      sent = name === 'deleteServiceToken'
      return run()
    })
    const error = await failure(
      revokeToken({...world.ctx, api: () => Promise.resolve(blind)}, {token: 'ci', detach: true}),
    )
    expect(world.tokenNames()).toEqual(['cd'])
    expect(error).toMatchObject({code: 'FORBIDDEN', outcomeUnknown: true})
    expect(error.whyLines.slice(0, 2)).toEqual([
      'Cloudflare confirmed the deletion, but zt could not check it.',
      'The service token is disabled now, or already deleted.',
    ])
    expect(error.next.join()).not.toContain('token enable')
  })

  it('does not offer to enable a token that was disabled before', async () => {
    await reset()
    const [token] = world.state.data.serviceTokens
    if (token) token.object['enabled'] = false
    const {ctx} = await faulty((write) => (write === 0 ? 'refused' : undefined))
    const {why, next} = await failure(revokeToken(ctx, {token: 'ci', detach: true}))
    expect(why).toContain('The service token was disabled before, and still is.')
    expect(next.join()).not.toContain('token enable')
  })
})

describe('a service token with which an application authenticates for SCIM', () => {
  it.each([true, false])(
    'is left alone, since Cloudflare would not delete it (detach: %s)',
    async (detach) => {
      await reset()
      const authentication = {scheme: 'access_service_token', client_id: 'ci.access'}
      if (!detach) Object.assign(world.state.data, {policies: [], inlinePolicies: [], groups: []})
      if (!detach) for (const app of world.state.data.apps) app['policies'] = []
      Object.assign(world.app('Wiki'), {scim_config: {enabled: true, authentication}})
      const {ctx, writes} = await faulty(ignored)
      const error = await failure(revokeToken(ctx, {token: 'ci', detach}))
      expect(error).toMatchObject({kind: 'conflict', code: 'TOKEN_IN_USE'})
      expect(error.details['references']).toContainEqual(
        expect.objectContaining({kind: 'scim', name: 'Wiki'}),
      )
      expect(error.why).toContain('SCIM provisioning of "Wiki"')
      expect(writes).toEqual([])
    },
  )
})
