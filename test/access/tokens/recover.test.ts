import fs from 'node:fs/promises'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {countUnfinished} from '../../../src/lib/access/tokens/journal-entries.js'
import {recoverUnfinished} from '../../../src/lib/access/tokens/recover.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../../src/lib/access/tokens/rotate.js'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {noAnswer} from '../../../src/lib/api/errors.js'
import {ApiError} from '../../../src/lib/core/errors.js'
import {UserError} from '../../../src/lib/core/errors.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {noProgress} from '../../../src/lib/core/progress.js'
import {World} from '../../support/access-world.js'
import {Crash, Mortal} from '../../support/crash.js'

let world: World
beforeEach(async () => {
  world = await World.open()
})
afterEach(() => world.end())

/** What the sandbox's edge would say to what the store holds. */
function opens(id: string): boolean {
  const kept = world.store.kept.get(`service-token/${id}`)
  if (kept === undefined) return false
  const {client_id, client_secret} = JSON.parse(kept) as Record<string, string>
  return world.authenticates(client_id ?? '', client_secret ?? '')
}

/** No token works whose secret is not here, none is left half made, and nothing waits. */
async function expectSettled(): Promise<void> {
  for (const {object} of world.state.data.serviceTokens) {
    expect(String(object['name'])).not.toContain('~zt-')
    expect(object['enabled']).toBe(true)
    expect(opens(String(object['id']))).toBe(true)
  }
  const ids = world.state.data.serviceTokens.map(({object}) => String(object['id']))
  expect([...world.store.kept.keys()].sort()).toEqual(ids.map((id) => `service-token/${id}`).sort())
  expect((await world.ctx.index.list()).map(({tokenId}) => tokenId).sort()).toEqual([...ids].sort())
  expect((await world.ctx.journal.list()).entries).toEqual([])
}

/** The times in the journal are moved back, past all that a list may lag. */
async function ageJournal(): Promise<void> {
  const old = new Date(Date.now() - 3600_000).toISOString()
  for (const operation of (await world.ctx.journal.list()).entries) {
    await world.ctx.journal.update({...operation, ...(operation.sentAt !== undefined && {sentAt: old})})
  }
}

async function dies(run: (ctx: AccessContext) => Promise<unknown>, mortal: Mortal): Promise<void> {
  await run(mortal.context(world.ctx)).catch((error: unknown) => {
    if (!mortal.died) throw error
  })
}

const scenarios: [string, (ctx: AccessContext) => Promise<unknown>, prepare?: boolean][] = [
  ['token create', (ctx) => createServiceToken(ctx, {name: 'ci'})],
  ['token rotate', (ctx) => rotateServiceToken(ctx, {token: 'ci', grace: '24h'}), true],
  ['token rotate --grace 0', (ctx) => rotateServiceToken(ctx, {token: 'ci', grace: '0'}), true],
]

describe.each(scenarios)('%s, killed', (_, run, prepared = false) => {
  const prepare = async (): Promise<void> => {
    if (prepared) await createServiceToken(world.ctx, {name: 'ci'})
  }

  it('at every effect, is finished or undone by recovery', async () => {
    await prepare()
    const recording = new Mortal()
    await run(recording.context(world.ctx))
    expect(recording.effects.length).toBeGreaterThan(10)
    for (const [effect, label] of recording.effects.entries()) {
      for (const after of [false, true]) {
        await world.end()
        world = await World.open()
        await prepare()
        const mortal = new Mortal({effect, after})
        await dies(run, mortal)
        const {entries} = await world.ctx.journal.list()
        // Ctrl-C at that moment would not have been silent, if there is something to recover.
        if (entries.some(({sentAt, endedAt}) => sentAt !== undefined && endedAt === undefined))
          expect(mortal.left?.next).toEqual(['zt token recover'])
        const first = await recoverUnfinished(world.ctx)
        await ageJournal()
        const second = await recoverUnfinished(world.ctx)
        const settlements = [...first.recovered, ...second.recovered].map(({settlement}) => settlement)
        try {
          await expectSettled()
          expect(settlements.filter((one) => one !== 'waiting').length).toBeLessThanOrEqual(1)
        } catch (error) {
          throw new Error(
            `killed ${after ? 'after' : 'before'} ${label} (${effect}): ${settlements.join()}`,
            {
              cause: error,
            },
          )
        }
      }
    }
  })

  it('and recovery, killed at every one of its effects, still ends well', async () => {
    await prepare()
    const recording = new Mortal()
    await run(recording.context(world.ctx))
    // The deaths after which the most is left to do: the secret exists, and is or is not in the spool.
    const deaths = recording.effects.flatMap((label, effect) =>
      /^(api\.(create|rotate)ServiceToken|spool\.write|store\.set|api\.updateServiceToken)$/.test(label)
        ? [effect]
        : [],
    )
    expect(deaths.length).toBeGreaterThan(2)
    for (const effect of deaths) {
      for (let at = 0, more = true; more; at++) {
        await world.end()
        world = await World.open()
        await prepare()
        await dies(run, new Mortal({effect, after: true}))
        await ageJournal()
        const mortal = new Mortal({effect: at, after: at % 2 === 0})
        await dies((ctx) => recoverUnfinished(ctx), mortal)
        more = mortal.died
        await recoverUnfinished(world.ctx)
        await expectSettled()
      }
    }
  })
})

describe('token recover', () => {
  it('says that nothing was interrupted', async () => {
    expect(await recoverUnfinished(world.ctx)).toEqual({
      recovered: [],
      unread: {damaged: [], newer: []},
      elsewhere: [],
    })
    expect(await countUnfinished(world.ctx)).toBe(0)
  })

  it('leaves alone what a living process is at', async () => {
    let during: unknown
    const ctx = {...world.ctx}
    const api = await world.ctx.api()
    ctx.api = () =>
      Promise.resolve({
        ...api,
        createServiceToken: async (params) => {
          expect(await countUnfinished(world.ctx)).toBe(0)
          during = await recoverUnfinished(world.ctx)
          return api.createServiceToken(params)
        },
      })
    await createServiceToken(ctx, {name: 'ci'})
    expect(during).toMatchObject({recovered: [{settlement: 'busy'}]})
    await expectSettled()
  })

  it('changes nothing with --dry-run, and says what it would do', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    world.exchanges.length = 0
    const kept = new Map(world.store.kept)
    const {recovered} = await recoverUnfinished(world.ctx, {dryRun: true})
    expect(recovered).toMatchObject([{settlement: 'finished', entry: {name: 'ci'}}])
    expect(world.changes).toEqual([])
    expect(world.store.kept).toEqual(kept)
    expect(await countUnfinished(world.ctx)).toBe(1)
    await recoverUnfinished(world.ctx)
    await expectSettled()
  })

  it('counts what is settled, at every step', async () => {
    for (const name of ['ci', 'cd'])
      await dies((ctx) => createServiceToken(ctx, {name}), await deathAfter('spool.write'))
    const steps: unknown[][] = []
    const step = (...one: unknown[]): void => void steps.push(one)
    const own = vi
      .spyOn(world.ctx.journal, 'end')
      .mockRejectedValueOnce(new UserError({kind: 'conflict', code: 'X', message: 'no'}))
    await recoverUnfinished({...world.ctx, progress: {...noProgress, step}})
    own.mockRestore()
    expect(steps).toEqual([
      ['Settling "ci"', {done: 0, of: 2}],
      ['Settling "cd"', {done: 1, of: 2}],
    ])
    await recoverUnfinished(world.ctx)
    await expectSettled()
  })

  it('waits while the store cannot be used, and finishes when it can', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    world.store.state = 'locked'
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([
      {settlement: 'waiting', why: expect.stringContaining('locked') as string, next: ['Repair the store']},
    ])
    world.store.state = 'ready'
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'finished'}])
    expect(world.tokenNames()).toEqual(['ci'])
    await expectSettled()
  })

  it('undoes with --undo what could be finished, also without a store', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    world.store.state = 'broken'
    world.store.delete = () => Promise.reject(new UserError({kind: 'needs-action', code: 'X', message: 'no'}))
    expect((await recoverUnfinished(world.ctx, {undo: true})).recovered).toMatchObject([
      {settlement: 'undone'},
    ])
    expect(world.tokenNames()).toEqual([])
    expect((await world.ctx.journal.list()).entries).toEqual([])
  })

  it('says of runs that had ended, and whose files could not be removed, what came of each', async () => {
    const no = new ApiError({kind: 'api', code: 'API_ERROR', message: 'no', status: 400})
    const real = world.store.delete.bind(world.store)
    world.store.delete = (key) => (key.kind === 'spool-key' ? Promise.reject(no) : real(key))
    await createServiceToken(world.ctx, {name: 'ci'})
    // Refused because of its name, before anything is sent; then by the API.
    await expect(createServiceToken(world.ctx, {name: 'ci'})).rejects.toThrow('ci')
    const api = {...(await world.ctx.api()), createServiceToken: () => Promise.reject(no)}
    const ctx = {...world.ctx, api: () => Promise.resolve(api)}
    await expect(createServiceToken(ctx, {name: 'other'})).rejects.toBe(no)
    world.store.delete = real
    const {recovered} = await recoverUnfinished(world.ctx)
    expect(recovered.map(({settlement}) => settlement)).toEqual(['finished', 'undone', 'undone'])
    await expectSettled()
  })

  it('deletes the unfinished token when its spool cannot be opened', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    const [key = ''] = [...world.store.kept.keys()].filter((name) => name.startsWith('spool-key/'))
    world.store.kept.delete(key)
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'undone'}])
    expect(world.tokenNames()).toEqual([])
    await expectSettled()
  })

  it('does not give a second token a name that another took meanwhile', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    const other = await (await world.ctx.api()).createServiceToken({name: 'ci'})
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([
      {settlement: 'undone', why: expect.stringContaining('Another token is called "ci" now') as string},
    ])
    expect(world.state.data.serviceTokens.map(({object}) => object['id'])).toEqual([other.token.id])
  })

  it('does not put an old secret over one that was saved since', async () => {
    await createServiceToken(world.ctx, {name: 'ci'})
    await dies(
      (ctx) => rotateServiceToken(ctx, {token: 'ci', grace: '1h'}),
      await deathAfter('spool.write', (ctx) => rotateServiceToken(ctx, {token: 'ci', grace: '1h'}), true),
    )
    const [name = ''] = [...world.store.kept.keys()].filter((one) => one.startsWith('service-token/'))
    const newer = JSON.stringify({v: 1, client_id: 'x', client_secret: 'imported since'})
    world.store.kept.set(name, newer)
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([
      {settlement: 'finished', why: expect.stringContaining('That one stays') as string},
    ])
    expect(world.store.kept.get(name)).toBe(newer)
  })

  it('refuses to begin again what was interrupted, and names the cure', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    await expect(createServiceToken(world.ctx, {name: 'ci'})).rejects.toMatchObject({
      kind: 'conflict',
      code: 'OPERATION_PENDING',
      next: ['zt token recover'],
    })
    await createServiceToken(world.ctx, {name: 'another'})
    await recoverUnfinished(world.ctx)
    await expectSettled()
  })

  it('names a damaged intent, quotes nothing of it, and leaves it', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    const [file = ''] = await world.journalFiles('.json')
    await fs.writeFile(file, '{"cfast_x": ')
    expect(await recoverUnfinished(world.ctx)).toMatchObject({recovered: [], unread: {damaged: [file]}})
    expect(await fs.readFile(file, 'utf8')).toBe('{"cfast_x": ')
  })

  it('tells of other profiles, and does not touch theirs', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    const other = {...world.ctx, profile: 'other'}
    expect(await recoverUnfinished(other)).toMatchObject({
      recovered: [],
      elsewhere: [{profile: 'default', count: 1}],
    })
    expect(await countUnfinished(world.ctx)).toBe(1)
  })

  it('waits when the profile has another account now', async () => {
    await dies((ctx) => createServiceToken(ctx, {name: 'ci'}), await deathAfter('spool.write'))
    const {recovered} = await recoverUnfinished({...world.ctx, apiUrl: 'https://elsewhere.example'})
    expect(recovered).toMatchObject([{settlement: 'waiting'}])
    expect(world.tokenNames()).toHaveLength(1)
  })
})

/** Dies just after the first effect of this name. */
async function deathAfter(
  label: string,
  run: (ctx: AccessContext) => Promise<unknown> = (ctx) => createServiceToken(ctx, {name: 'ci'}),
  prepared = false,
): Promise<Mortal> {
  const probe = await World.open()
  if (prepared) await createServiceToken(probe.ctx, {name: 'ci'})
  const recording = new Mortal()
  await run(recording.context(probe.ctx))
  await probe.end()
  const effect = recording.effects.indexOf(label)
  if (effect < 0) throw new Crash(`there is no ${label} among ${recording.effects.join()}`)
  return new Mortal({effect, after: true})
}

describe('a lost answer', () => {
  const lost = (): ApiError =>
    noAnswer(
      {
        method: 'POST',
        path: '/service_tokens',
        doing: 'make it',
        apiUrl: 'https://api.example',
        tokenFromEnvironment: false,
      },
      new DOMException('late', 'TimeoutError'),
    )

  /** An API that does what it is asked and then says nothing. */
  async function mute(method: 'createServiceToken' | 'rotateServiceToken'): Promise<AccessContext> {
    const api = await world.ctx.api()
    return {
      ...world.ctx,
      api: () =>
        Promise.resolve({
          ...api,
          [method]: async (...args: unknown[]) => {
            await (api[method] as (...all: unknown[]) => Promise<unknown>)(...args)
            throw lost()
          },
        }),
    }
  }

  it('to create: the token that was made is deleted again, and nothing waits', async () => {
    await expect(createServiceToken(await mute('createServiceToken'), {name: 'ci'})).rejects.toMatchObject({
      kind: 'unreachable',
      code: 'API_TIMEOUT',
      why: expect.stringMatching(/^The token had been created, .* it was deleted again\.$/) as string,
      next: ['Try again'],
    })
    expect(world.tokenNames()).toEqual([])
    await expectSettled()
  })

  it('to create, and the list lags: the token is disabled, and recovery waits for it', async () => {
    const ctx = await mute('createServiceToken')
    const api = await ctx.api()
    let lags = true
    const seen = {...api, listServiceTokens: async () => (lags ? [] : api.listServiceTokens())}
    ctx.api = () => Promise.resolve(seen)
    await expect(createServiceToken(ctx, {name: 'ci'})).rejects.toMatchObject({
      code: 'TOKEN_OUTCOME_UNKNOWN',
      next: ['zt token recover'],
    })
    expect(world.state.data.serviceTokens[0]?.object).toMatchObject({enabled: false})
    expect((await recoverUnfinished(ctx)).recovered).toMatchObject([{settlement: 'waiting'}])
    lags = false
    expect((await recoverUnfinished(ctx)).recovered).toMatchObject([{settlement: 'undone'}])
    expect(world.tokenNames()).toEqual([])
    await expectSettled()
  })

  it('to rotate: the secret before goes on working, as long as the token, and is known as superseded', async () => {
    const {token} = await createServiceToken(world.ctx, {name: 'ci'})
    const ctx = await mute('rotateServiceToken')
    await expect(rotateServiceToken(ctx, {token: 'ci', grace: '1h'})).rejects.toMatchObject({
      code: 'ROTATION_OUTCOME_UNKNOWN',
      next: ['zt token recover'],
    })
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([
      {settlement: 'undone', why: expect.stringContaining('lost with the answer') as string},
    ])
    await expectSettled()
    expect(world.state.data.serviceTokens[0]?.previous?.until).toBe(token.expiresAt)
    await expect(rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})).rejects.toMatchObject({
      code: 'NO_OVERLAP',
    })
    await rotateServiceToken(world.ctx, {token: 'ci', grace: '0'})
    await expectSettled()
  })

  it('to rotate, and nothing was rotated: nothing is changed, once that is sure', async () => {
    await createServiceToken(world.ctx, {name: 'ci'})
    const api = await world.ctx.api()
    const ctx = {
      ...world.ctx,
      api: () => Promise.resolve({...api, rotateServiceToken: () => Promise.reject(lost())}),
    }
    await expect(rotateServiceToken(ctx, {token: 'ci', grace: '1h'})).rejects.toMatchObject({
      code: 'ROTATION_OUTCOME_UNKNOWN',
    })
    world.exchanges.length = 0
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'waiting'}])
    await ageJournal()
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'undone'}])
    expect(world.changes).toEqual([])
    await expectSettled()
  })
})

describe('a rotation', () => {
  const entry = (): JsonObject => {
    const [text = '{}'] = [...world.store.kept.values()]
    return JSON.parse(text) as JsonObject
  }
  const secretsThatWork = (): boolean[] => {
    const {client_id, client_secret, previous} = entry() as {
      client_id: string
      client_secret: string
      previous?: {client_secret: string}
    }
    return [client_secret, previous?.client_secret]
      .filter((one) => one !== undefined)
      .map((secret) => world.authenticates(client_id, secret))
  }

  beforeEach(async () => {
    await createServiceToken(world.ctx, {name: 'ci'})
  })

  it('keeps both secrets, and both work', async () => {
    const before = entry()
    const {previousUntil, previousKept} = await rotateServiceToken(world.ctx, {token: 'ci', grace: '24h'})
    expect(entry()).toMatchObject({
      client_id: before['client_id'],
      previous: {client_secret: before['client_secret'], until: previousUntil},
    })
    expect(entry()['client_secret']).not.toBe(before['client_secret'])
    expect(secretsThatWork()).toEqual([true, true])
    expect(previousKept).toBe(true)
    expect(await world.ctx.index.list()).toMatchObject([{previousUntil}])
    await expectSettled()
  })

  it('with --grace 0 ends the previous secret as soon as the new one is stored, and not earlier', async () => {
    const {client_id, client_secret} = entry() as Record<string, string>
    const before = (): boolean => world.authenticates(client_id ?? '', client_secret ?? '')
    let whileSaving: boolean | undefined
    world.store.onSave = (value) => {
      whileSaving = before()
      return value
    }
    const {previousUntil, previousKept} = await rotateServiceToken(world.ctx, {token: 'ci', grace: '0'})
    expect({previousUntil, previousKept}).toEqual({previousUntil: undefined, previousKept: false})
    expect({whileSaving, afterwards: before()}).toEqual({whileSaving: true, afterwards: false})
    expect(secretsThatWork()).toEqual([true])
    await expectSettled()
  })

  it('--finish ends the previous secret, at Cloudflare and here', async () => {
    const {client_id, client_secret} = entry() as Record<string, string>
    await rotateServiceToken(world.ctx, {token: 'ci', grace: '24h'})
    expect(await finishRotation(world.ctx, {token: 'ci'})).toMatchObject({changed: true})
    expect(world.authenticates(client_id ?? '', client_secret ?? '')).toBe(false)
    expect(entry()).not.toHaveProperty('previous')
    expect(secretsThatWork()).toEqual([true])
    expect(await finishRotation(world.ctx, {token: 'ci'})).toMatchObject({changed: false})
  })

  it('--undo goes back to the previous secret, which then works as long as the token', async () => {
    const before = entry()
    await rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})
    const {until, token} = await undoRotation(world.ctx, {token: 'ci'})
    expect(until).toBe(token.expiresAt)
    expect(entry()).toEqual({...before, superseded: true})
    expect(secretsThatWork()).toEqual([true])
    await expect(undoRotation(world.ctx, {token: 'ci'})).rejects.toMatchObject({code: 'NO_ROTATION'})
  })

  it('--undo comes too late when the previous secret has ended', async () => {
    await rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})
    const later = {...world.ctx, clock: {now: () => Date.now() + 2 * 3600_000}}
    await expect(undoRotation(later, {token: 'ci'})).rejects.toMatchObject({code: 'ROTATION_TOO_OLD'})
  })

  it.each([
    ['30d', 30 * 24 * 3600],
    ['720h', 30 * 24 * 3600],
    ['2592000s', 30 * 24 * 3600],
    ['1w', 7 * 24 * 3600],
    ['90m', 90 * 60],
  ])('lets the previous secret work for exactly the grace period %s', async (grace, seconds) => {
    const now = Date.parse('2030-01-01T00:00:00Z')
    const ctx = {...world.ctx, clock: {now: () => now}}
    const api = {...(await ctx.api()), clockAhead: () => 0}
    ctx.api = () => Promise.resolve(api)
    const {previousUntil} = await rotateServiceToken(ctx, {token: 'ci', grace, dryRun: true})
    expect(Date.parse(previousUntil ?? '') - now).toBe(seconds * 1000)
  })

  it('sends Cloudflare that end, and keeps it beside the secret', async () => {
    const {previousUntil} = await rotateServiceToken(world.ctx, {token: 'ci', grace: '30d'})
    expect(world.state.data.serviceTokens[0]?.previous?.until).toBe(previousUntil)
    expect(entry()).toMatchObject({previous: {until: previousUntil}})
  })

  it.each([
    ['2592001s', 'BAD_GRACE'],
    ['721h', 'BAD_GRACE'],
    ['31d', 'BAD_GRACE'],
    ['forever', 'BAD_GRACE'],
    ['-1h', 'BAD_DURATION'],
    ['soon', 'BAD_DURATION'],
  ])('refuses the grace period %s', async (grace, code) => {
    world.exchanges.length = 0
    await expect(rotateServiceToken(world.ctx, {token: 'ci', grace})).rejects.toMatchObject({
      kind: 'usage',
      code,
    })
    expect(world.exchanges).toEqual([])
  })

  it('is not begun over another, which would end a secret that still works', async () => {
    await rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})
    await expect(rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})).rejects.toMatchObject({
      code: 'ROTATION_UNDER_WAY',
    })
    expect(secretsThatWork()).toEqual([true, true])
  })

  it('changes nothing with --dry-run', async () => {
    const before = entry()
    world.exchanges.length = 0
    expect(await rotateServiceToken(world.ctx, {token: 'ci', grace: '1h', dryRun: true})).toMatchObject({
      previousKept: true,
    })
    expect(world.changes).toEqual([])
    expect(entry()).toEqual(before)
    await expectSettled()
  })

  it("counts the grace period by the server's clock, and says so if this machine's is off", async () => {
    const behind = 3 * 3600_000
    const clock = {now: () => Date.now() - behind}
    const api = await world.ctx.api()
    const ctx: AccessContext = {
      ...world.ctx,
      clock,
      api: () => Promise.resolve({...api, clockAhead: () => behind}),
    }
    const before = Date.now()
    const {previousUntil, warnings} = await rotateServiceToken(ctx, {token: 'ci', grace: '1h'})
    expect(Date.parse(previousUntil ?? '')).toBeGreaterThan(before + 3500_000)
    expect(warnings.join()).toContain('180 min behind')
    expect(secretsThatWork()).toEqual([true, true])
  })

  it.each([
    [
      'fails',
      (): string => {
        throw new UserError({kind: 'needs-action', code: 'X', message: 'no'})
      },
    ],
    ['keeps nothing', (): undefined => undefined],
    ['gives back the old value', (_: string, old: string): string => old],
  ])('is pending when the store %s, and finished when the store works again', async (_, onSave) => {
    const [old = ''] = [...world.store.kept.values()]
    world.store.onSave = (value) => onSave(value, old)
    await expect(rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})).rejects.toMatchObject({
      code: 'ROTATION_PENDING',
      next: expect.arrayContaining(['zt token recover']) as string[],
    })
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'waiting'}])
    world.store.onSave = (value) => value
    expect((await recoverUnfinished(world.ctx)).recovered).toMatchObject([{settlement: 'finished'}])
    expect(secretsThatWork()).toEqual([true, true])
    await expectSettled()
  })
})
