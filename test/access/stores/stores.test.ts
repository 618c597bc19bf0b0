import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {inspect} from 'node:util'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {checkStores, type Problem} from '../../../src/lib/access/stores/check.js'
import {listStores} from '../../../src/lib/access/stores/list.js'
import {moveSecrets} from '../../../src/lib/access/stores/move.js'
import {useStore, type UseStoreOptions} from '../../../src/lib/access/stores/use.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {readConfig, updateProfile} from '../../../src/lib/config/profiles.js'
import {loadSettings} from '../../../src/lib/config/settings.js'
import type {Profile, Settings} from '../../../src/lib/config/types.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import type {KeepingStoreKind} from '../../../src/lib/secrets/stores.js'
import {FaultyStore, World} from '../../support/access-world.js'

const API_TOKEN = 'api-token/default'
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'

let world: World
let ctx: AccessContext
let home: string
let stores: Map<string, FaultyStore>

beforeEach(async () => {
  // No helper of this machine is a store here.
  vi.stubEnv('PATH', '')
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-stores-'))
  world = await World.open()
  stores = new Map([['vault', world.store]])
  ctx = {...world.ctx, storeOf: (kind) => Promise.resolve(storeOf(kind))}
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await world.end()
  await fs.rm(home, {recursive: true, force: true})
})

function storeOf(kind: string): FaultyStore {
  const store = stores.get(kind) ?? new FaultyStore(kind)
  stores.set(kind, store)
  return store
}

async function settings(profile?: Partial<Profile>): Promise<Settings> {
  const env = Object.fromEntries(
    ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [`XDG_${kind}_HOME`, home]),
  )
  const {paths} = await loadSettings({env, cwd: home, flags: {}})
  if (profile) await updateProfile(paths, 'default', profile)
  return loadSettings({env, cwd: home, flags: {}})
}

const profileNow = async (): Promise<Profile | undefined> =>
  (await readConfig((await settings()).paths)).profiles['default']

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof UserError)) throw error
  expect(inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)).not.toContain('cfast_')
  return error
}

const full = (): UserError =>
  new UserError({kind: 'needs-action', code: 'DISK_FULL', message: 'The disk is full'})
const refuse = (): never => {
  throw full()
}

describe('using a store', () => {
  const use = async (kind: KeepingStoreKind, more: Partial<UseStoreOptions> = {}) =>
    useStore(ctx, await settings(), {
      kind,
      recipients: [],
      mayShareApiToken: () => Promise.resolve(true),
      dryRun: false,
      ...more,
    })

  beforeEach(async () => {
    await settings({store: 'vault'})
    storeOf('vault').kept.set(API_TOKEN, 'the-api-token')
  })

  it('moves the API token there, leaves service tokens, and says so', async () => {
    await createServiceToken(ctx, {name: 'ci'})
    expect(await use('keychain')).toMatchObject({
      store: {kind: 'keychain'},
      previous: 'vault',
      apiToken: {state: 'moved', from: 'vault', copyLeft: false},
      left: [{store: 'vault', tokens: ['ci']}],
    })
    expect([...storeOf('keychain').kept]).toEqual([[API_TOKEN, 'the-api-token']])
    expect(storeOf('vault').kept.has(API_TOKEN)).toBe(false)
    expect(await profileNow()).toEqual({store: 'keychain'})
  })

  it('changes nothing when it is only tried', async () => {
    expect(await use('keychain', {dryRun: true})).toMatchObject({apiToken: {state: 'moved'}})
    expect([...storeOf('keychain').kept]).toEqual([])
    expect(storeOf('vault').kept.get(API_TOKEN)).toBe('the-api-token')
    expect(await profileNow()).toEqual({store: 'vault'})
  })

  it.each([
    ['is locked', (store: FaultyStore) => (store.state = 'locked'), 'STORE_NOT_READY'],
    ['can only be read', (store: FaultyStore) => (store.writable = false), 'STORE_READ_ONLY'],
    ['forgets', (store: FaultyStore) => (store.set = () => Promise.resolve()), 'STORE_REHEARSAL_FAILED'],
    [
      'cannot give',
      (store: FaultyStore) =>
        (store.get = () => Promise.reject(new UserError({kind: 'config', code: 'X', message: 'x'}))),
      'X',
    ],
  ])('refuses one that %s, with the profile as it was', async (_, spoil, code) => {
    spoil(storeOf('keychain'))
    expect(await failure(use('keychain'))).toMatchObject({code})
    expect(storeOf('vault').kept.get(API_TOKEN)).toBe('the-api-token')
    expect([...storeOf('keychain').kept]).toEqual([])
    expect(await profileNow()).toEqual({store: 'vault'})
  })

  it.each([
    ['cannot be opened', (old: FaultyStore) => (old.state = 'locked')],
    ['fails', (old: FaultyStore) => (old.get = () => Promise.reject(full()))],
  ])('leaves the API token where it is when its store %s, and looks for it there', async (_, spoil) => {
    spoil(storeOf('vault'))
    expect(await use('keychain')).toMatchObject({apiToken: {state: 'stays', store: 'vault'}})
    expect(storeOf('vault').kept.get(API_TOKEN)).toBe('the-api-token')
    expect(await profileNow()).toEqual({store: 'keychain', apiTokenStore: 'vault'})
    expect(await settings()).toMatchObject({profileStore: 'keychain', apiTokenStore: 'vault'})
  })

  it('leaves the API token where it can be read when the new store cannot be', async () => {
    await use('keychain')
    storeOf('vault').readable = false
    expect(await use('vault', {recipients: [RECIPIENT]})).toMatchObject({
      store: {readable: false},
      apiToken: {state: 'stays', store: 'keychain'},
    })
    expect(await profileNow()).toEqual({
      store: 'vault',
      apiTokenStore: 'keychain',
      vaultRecipients: [RECIPIENT],
    })
    storeOf('vault').readable = true
    expect(await use('vault')).toMatchObject({apiToken: {state: 'moved', from: 'keychain'}})
    expect(await profileNow()).toEqual({store: 'vault'})
  })

  it('says when the old store does not let go of its copy', async () => {
    storeOf('vault').delete = (key) =>
      key.kind === 'api-token' ? Promise.reject(full()) : Promise.resolve(true)
    expect(await use('keychain')).toMatchObject({apiToken: {state: 'moved', copyLeft: true}})
    expect(await profileNow()).toEqual({store: 'keychain'})
  })

  it('does the same a second time', async () => {
    await use('keychain')
    expect(await use('keychain')).toMatchObject({apiToken: {state: 'there', store: 'keychain'}})
    expect([...storeOf('keychain').kept.keys()]).toEqual([API_TOKEN])
  })

  it.each([['age1x'], ['AGE-SECRET-KEY-1X']])('touches nothing for the recipient %s', async (bad) => {
    const set = vi.spyOn(storeOf('vault'), 'set')
    expect(await failure(use('vault', {recipients: [RECIPIENT, bad]}))).toMatchObject({code: 'BAD_RECIPIENT'})
    expect(set).not.toHaveBeenCalled()
    expect(await profileNow()).toEqual({store: 'vault'})
  })

  const identity = async (): Promise<string> => path.join((await settings()).paths.config, 'identity.txt')
  const passphrase = (text: string) => ({newPassphrase: () => Promise.resolve(new Secret(text))})

  it('makes an identity with a passphrase once, and asks for none when it cannot', async () => {
    storeOf('vault').kept.clear()
    expect(await failure(use('vault', passphrase('')))).toMatchObject({code: 'EMPTY_PASSPHRASE'})
    await use('vault', passphrase('p'))
    const made = await fs.readFile(await identity(), 'utf8')
    expect(made).toContain('BEGIN AGE ENCRYPTED FILE')
    const asked = vi.fn()
    expect(await failure(use('vault', {newPassphrase: asked}))).toMatchObject({code: 'IDENTITY_EXISTS'})
    expect(asked).not.toHaveBeenCalled()
    expect(await fs.readFile(await identity(), 'utf8')).toBe(made)
  })

  it('makes no new identity for a vault whose own is lost', async () => {
    expect(await failure(use('vault', passphrase('p')))).toMatchObject({code: 'IDENTITY_LOST'})
    await expect(fs.access(await identity())).rejects.toThrow()
  })
})

describe('moving secrets', () => {
  let ids: string[]
  const move = (more: Partial<Parameters<typeof moveSecrets>[1]> = {}) =>
    moveSecrets(ctx, {to: 'keychain', tokens: [], dryRun: false, ...more})
  const where = async (): Promise<string[]> =>
    (await ctx.index.list()).map(({name, store}) => `${name}: ${store}`).sort()
  const original = new Map<string, string>()

  beforeEach(async () => {
    ids = []
    for (const name of ['a', 'b', 'c']) ids.push((await createServiceToken(ctx, {name})).token.id)
    original.clear()
    for (const [name, value] of world.store.kept) original.set(name, value)
  })

  /** Every secret is somewhere where the index says, and as it was. */
  async function nothingLost(): Promise<void> {
    for (const entry of await ctx.index.list()) {
      const name = `service-token/${entry.tokenId}`
      expect(storeOf(entry.store).kept.get(name), entry.name).toBe(original.get(name))
    }
  }

  it('moves all, or those that are named, and what is there stays', async () => {
    expect(await move({tokens: ['b'], dryRun: true})).toMatchObject([
      {state: 'would-move', token: {name: 'b'}},
    ])
    expect(storeOf('keychain').kept.size).toBe(0)
    expect(await move({tokens: ['b', ids[1] ?? '']})).toMatchObject([{state: 'moved', from: 'vault'}])
    expect(await where()).toEqual(['a: vault', 'b: keychain', 'c: vault'])
    expect((await move()).map(({token, state}) => `${token.name} ${state}`).sort()).toEqual([
      'a moved',
      'b already-there',
      'c moved',
    ])
    expect(world.store.kept.size).toBe(0)
    await nothingLost()
    expect((await move({from: 'vault'})).map(({state}) => state)).toEqual([
      'already-there',
      'already-there',
      'already-there',
    ])
  })

  it('keeps everything else that the index knows', async () => {
    const [before] = await ctx.index.list()
    await ctx.index.put({...before!, previousUntil: '2030-01-01T00:00:00Z'})
    await move()
    expect((await ctx.index.list()).find(({tokenId}) => tokenId === before?.tokenId)).toEqual({
      ...before,
      previousUntil: '2030-01-01T00:00:00Z',
      store: 'keychain',
    })
  })

  it.each([
    ['d', 'STORED_TOKEN_NOT_FOUND'],
    ['cfast_0123456789012345678901234567890123456789xyz', 'STORED_TOKEN_NOT_FOUND'],
  ])('moves nothing when one that is named (%s) is not there', async (name, code) => {
    expect(await failure(move({tokens: ['a', name]}))).toMatchObject({code})
    expect(storeOf('keychain').kept.size).toBe(0)
  })

  it('does not move into what cannot be read back', async () => {
    storeOf('keychain').readable = false
    expect(await failure(move())).toMatchObject({code: 'STORE_WRITE_ONLY'})
    expect(storeOf('keychain').kept.size).toBe(0)
    await nothingLost()
  })

  const faults: [string, () => void, string][] = [
    ['the new store is full', () => (storeOf('keychain').onSave = refuse), 'DISK_FULL'],
    [
      'the new store forgets',
      () => (storeOf('keychain').onSave = () => undefined),
      'STORE_READBACK_MISMATCH',
    ],
    [
      'the new store keeps half',
      () => (storeOf('keychain').onSave = (value) => value.slice(1)),
      'STORE_READBACK_MISMATCH',
    ],
    [
      'the old store has nothing',
      () => world.store.kept.delete(`service-token/${ids[0]}`),
      'SECRET_NOT_FOUND',
    ],
    [
      'another value is there',
      () => storeOf('keychain').kept.set(`service-token/${ids[0]}`, 'another'),
      'SECRETS_DIFFER',
    ],
  ]
  it.each(faults)('stops no other when one fails because %s, and loses nothing', async (_, spoil, code) => {
    const healthy = storeOf('keychain').onSave
    spoil()
    const spoilt = storeOf('keychain').onSave
    if (spoilt !== healthy) {
      let first = true
      storeOf('keychain').onSave = (value) => {
        const use = first ? spoilt : healthy
        first = false
        return use(value)
      }
    }
    const moved = await move()
    const failed = moved.filter(({state}) => state === 'failed')
    expect(failed.map(({error}) => error?.code)).toEqual([code])
    expect(moved.filter(({state}) => state === 'moved').length).toBe(2)
    for (const {token} of failed) expect(await where()).toContain(`${token.name}: vault`)
    if (code !== 'SECRET_NOT_FOUND') await nothingLost()
  })

  it('waits for no one who works on the same token, and deletes no secret that changed under it', async () => {
    const key = `service-token/${ids[0]}`
    const real = world.store.get.bind(world.store)
    let reads = 0
    world.store.get = (one) => {
      if (`${one.kind}/${one.id}` === key && ++reads === 2) world.store.kept.set(key, 'rotated')
      return real(one)
    }
    await move({tokens: ['a']})
    expect(storeOf('keychain').kept.get(key)).toBe('rotated')
    expect(world.store.kept.has(key)).toBe(false)
  })

  it.each(Array.from({length: 16}, (_, at) => at + 1))(
    'loses nothing when it is killed at its step %i, and ends what it began when it is run again',
    async (step) => {
      class Killed extends Error {}
      let steps = 0
      let dead = false
      const mortal = <T extends object>(thing: T, members: string[]): T =>
        new Proxy(thing, {
          get(on, member) {
            const value: unknown = Reflect.get(on, member)
            if (typeof value !== 'function') return value
            if (!members.includes(String(member))) return (value as () => unknown).bind(on) as unknown
            return (...args: unknown[]): unknown => {
              if (dead || ++steps === step) {
                dead = true
                return Promise.reject(new Killed())
              }
              return (value as (...a: unknown[]) => unknown).apply(on, args)
            }
          },
        })
      const mortalCtx: AccessContext = {
        ...ctx,
        storeOf: (kind) => Promise.resolve(mortal(storeOf(kind), ['get', 'set', 'delete'])),
        index: mortal(ctx.index, ['put']),
      }
      await moveSecrets(mortalCtx, {to: 'keychain', tokens: ['a', 'b'], dryRun: false}).catch(
        (error: unknown) => {
          expect(error).toBeInstanceOf(Killed)
        },
      )
      await nothingLost()
      await move()
      await nothingLost()
      expect(await where()).toEqual(['a: keychain', 'b: keychain', 'c: keychain'])
      const {problems} = await checkStores(ctx, await settings(), {fix: true})
      // The try of the store may have been killed: its key is a stray that only a person deletes.
      expect(problems.filter(({fixed}) => !fixed).map(({code}) => code)).toEqual(
        problems.some(({code}) => code === 'STRAY_SPOOL_KEY') ? ['STRAY_SPOOL_KEY'] : [],
      )
      await nothingLost()
      expect([...world.store.kept.keys()].filter((name) => name.startsWith('service-token'))).toEqual([])
    },
  )
})

describe('checking the stores', () => {
  let id: string
  let key: string
  let value: string
  const check = async (fix = false) => checkStores(ctx, await settings(), {fix})
  const brief = (problems: Problem[]): string[] =>
    problems.map(
      ({code, store, subject, fixed}) => `${code} ${store ?? '-'} ${subject}${fixed ? ' fixed' : ''}`,
    )

  beforeEach(async () => {
    await settings({store: 'vault'})
    world.store.kept.set(API_TOKEN, 'the-api-token')
    id = (await createServiceToken(ctx, {name: 'ci'})).token.id
    key = `service-token/${id}`
    value = world.store.kept.get(key) ?? ''
  })

  const everything = (): string =>
    JSON.stringify([...stores].flatMap(([kind, {kept}]) => (kept.size > 0 ? [[kind, [...kept].sort()]] : [])))

  it('finds nothing where all is as it should be', async () => {
    const before = everything()
    const {stores: reports, problems} = await check(true)
    expect(problems).toEqual([])
    expect(reports.filter(isMeant)).toEqual([
      {kind: 'keychain', state: 'ready', entries: 0, why: undefined},
      {kind: 'vault', state: 'ready', entries: 2, why: undefined},
    ])
    expect(everything()).toBe(before)
  })

  interface Case {
    what: string
    spoil: () => unknown
    found: () => string
    fixable: boolean
    why?: RegExp
  }
  const OTHER = '0b5b8b3e-0000-4000-8000-000000000001'
  const cases: Case[] = [
    {
      what: 'an index entry with nothing behind it',
      spoil: () => world.store.kept.delete(key),
      found: () => `INDEX_WITHOUT_SECRET vault ${id}`,
      fixable: true,
    },
    {
      what: 'an index entry whose secret is in another store',
      spoil: () => {
        world.store.kept.delete(key)
        storeOf('keychain').kept.set(key, value)
      },
      found: () => `INDEX_WITHOUT_SECRET vault ${id}`,
      fixable: true,
    },
    {
      what: 'a stray that the account knows',
      spoil: () => ctx.index.remove('default', id),
      found: () => `STRAY_SERVICE_TOKEN vault ${id}`,
      fixable: true,
    },
    {
      what: 'a stray that the account does not know',
      spoil: () => world.store.kept.set(`service-token/${OTHER}`, value),
      found: () => `STRAY_SERVICE_TOKEN vault ${OTHER}`,
      fixable: false,
      why: /no service token with that ID/,
    },
    {
      what: 'a stray with the client ID of another token',
      spoil: async () => {
        await ctx.index.remove('default', id)
        world.store.kept.set(key, value.replace(/"client_id":"[^"]*"/, '"client_id":"other.access"'))
      },
      found: () => `STRAY_SERVICE_TOKEN vault ${id}`,
      fixable: false,
      why: /client ID/,
    },
    {
      what: 'a stray that is damaged',
      spoil: async () => {
        await ctx.index.remove('default', id)
        world.store.kept.set(key, 'cfast_canary')
      },
      found: () => `STRAY_SERVICE_TOKEN vault ${id}`,
      fixable: false,
      why: /damaged/,
    },
    {
      what: 'a copy that a move left behind',
      spoil: () => storeOf('keychain').kept.set(key, value),
      found: () => `DUPLICATE keychain ${id}`,
      fixable: true,
    },
    {
      what: 'a second entry that is no copy',
      spoil: () => storeOf('keychain').kept.set(key, `${value} `),
      found: () => `DUPLICATE keychain ${id}`,
      fixable: false,
      why: /differ/,
    },
    {
      what: 'a copy of an API token',
      spoil: () => storeOf('keychain').kept.set(API_TOKEN, 'the-api-token'),
      found: () => 'DUPLICATE keychain default',
      fixable: true,
    },
    {
      what: 'an API token where its profile does not look',
      spoil: () => {
        world.store.kept.delete(API_TOKEN)
        storeOf('keychain').kept.set(API_TOKEN, 'the-api-token')
      },
      found: () => 'STRAY_API_TOKEN keychain default',
      fixable: false,
    },
    {
      what: 'the API token of a profile that is gone',
      spoil: () => world.store.kept.set('api-token/constructor', 'x'),
      found: () => 'STRAY_API_TOKEN vault constructor',
      fixable: false,
    },
    {
      what: 'a spool key without an operation',
      spoil: () => world.store.kept.set('spool-key/op1', 'x'),
      found: () => 'STRAY_SPOOL_KEY vault op1',
      fixable: false,
    },
    {
      what: 'a host that is bound to a token which is not here',
      spoil: () => ctx.index.bind({profile: 'default', host: 'h.example', tokenId: OTHER, boundAt: ''}),
      found: () => 'BINDING_WITHOUT_TOKEN - h.example',
      fixable: false,
    },
    {
      what: 'an entry of a profile that is gone',
      spoil: async () => {
        const [entry] = await ctx.index.list()
        if (entry) await ctx.index.put({...entry, profile: 'gone'})
      },
      found: () => 'NO_SUCH_PROFILE - gone',
      fixable: false,
    },
  ]

  it.each(cases)('names $what; fixed: $fixable', async ({spoil, found, fixable, why}) => {
    await spoil()
    const before = everything()
    const {problems} = await check()
    expect(brief(problems)).toEqual([found()])
    expect(problems[0]?.next.length).toBeGreaterThan(0)
    expect(everything()).toBe(before)
    const secrets = new Set([...stores.values()].flatMap(({kept}) => [...kept.values()]))
    const fixed = await check(true)
    expect(brief(fixed.problems)).toEqual([`${found()}${fixable ? ' fixed' : ''}`])
    if (why) expect(fixed.problems[0]?.why).toMatch(why)
    expect(JSON.stringify(fixed)).not.toContain('cfast_')
    // Whatever it did, no secret of before is gone.
    expect(new Set([...stores.values()].flatMap(({kept}) => [...kept.values()]))).toEqual(secrets)
    if (fixable) expect((await check()).problems).toEqual([])
    else expect(everything()).toBe(before)
  })

  it('knows a token of another profile, and repairs nothing there', async () => {
    const [entry] = await ctx.index.list()
    await ctx.index.remove('default', id)
    await ctx.index.put({...entry!, profile: 'other'})
    await updateProfile((await settings()).paths, 'other', {store: 'vault'})
    expect((await check(true)).problems).toEqual([])
    world.store.kept.delete(key)
    storeOf('keychain').kept.set(key, value)
    const {problems} = await check(true)
    expect(brief(problems)).toEqual([`INDEX_WITHOUT_SECRET vault ${id}`])
    expect(problems[0]?.why).toMatch(/profile other/)
  })

  it('leaves alone what belongs to a pending operation', async () => {
    const journal = path.join((await settings()).paths.data, 'journal')
    await fs.mkdir(journal, {recursive: true})
    await fs.writeFile(path.join(journal, 'op1.json'), JSON.stringify({tokenId: id}))
    await fs.writeFile(path.join(journal, 'op2.spool'), '')
    world.store.kept.set('spool-key/op1', 'x')
    world.store.kept.set('spool-key/op2', 'x')
    expect((await check(true)).problems).toEqual([])
    world.store.kept.delete(key)
    const {problems} = await check(true)
    expect(brief(problems)).toEqual([`INDEX_WITHOUT_SECRET vault ${id}`])
    expect(problems[0]?.next).toEqual(['zt token recover'])
    expect((await ctx.index.list()).length).toBe(1)
  })

  it('takes nothing for missing in a store that it could not look into', async () => {
    world.store.state = 'locked'
    const {stores: reports, problems} = await check(true)
    expect(problems).toEqual([])
    expect(reports).toContainEqual({
      kind: 'vault',
      state: 'locked',
      entries: undefined,
      why: 'The test says so.',
    })
    expect((await ctx.index.list()).length).toBe(1)
  })

  it('asks a store that cannot list for what it should have, and says so', async () => {
    world.store.list = () => Promise.resolve(undefined) as never
    storeOf('keychain').list = () => Promise.resolve(undefined) as never
    storeOf('keychain').kept.set(key, value)
    world.store.kept.set('spool-key/unseen', 'x')
    const {stores: reports, problems} = await check()
    expect(brief(problems)).toEqual([`DUPLICATE keychain ${id}`])
    expect(reports.filter(isMeant).map(({why}) => why)).toEqual([
      expect.stringContaining('cannot list'),
      expect.stringContaining('cannot list'),
    ])
  })

  it('removes temporary files of dead processes when they are an hour old', async () => {
    const {paths} = await settings()
    const old = path.join(paths.data, 'vault', '.x.age.999999999.0123abcd')
    const young = path.join(paths.config, 'identity.txt.999999999.0123abcd.new')
    for (const file of [old, young]) {
      await fs.mkdir(path.dirname(file), {recursive: true})
      await fs.writeFile(file, '')
    }
    const twoHoursAgo = Date.now() / 1000 - 7200
    await fs.utimes(old, twoHoursAgo, twoHoursAgo)
    expect(brief((await check()).problems)).toEqual(
      [`TEMPORARY_FILE - ${young}`, `TEMPORARY_FILE - ${old}`].sort(),
    )
    expect(brief((await check(true)).problems).sort()).toEqual(
      [`TEMPORARY_FILE - ${young}`, `TEMPORARY_FILE - ${old} fixed`].sort(),
    )
    await expect(fs.access(old)).rejects.toThrow()
    await fs.access(young)
  })
})

/** The stores that these tests are about, whatever others there are. */
function isMeant({kind}: {kind: string}): boolean {
  return /^(keychain|vault|helper:.+)$/.test(kind)
}

describe('listing the stores', () => {
  it('shows what is in use, what is in each, and what is wrong, also of those that only the index names', async () => {
    await createServiceToken(ctx, {name: 'ci'})
    const [entry] = await ctx.index.list()
    await ctx.index.put({...entry!, tokenId: 'x', store: 'helper:gone'})
    storeOf('helper:gone').state = 'absent'
    storeOf('keychain').status = () =>
      Promise.reject(new UserError({kind: 'usage', code: 'X', message: 'No way'}))
    const listed = await listStores(ctx, await settings({store: 'vault'}))
    expect(
      listed
        .filter(isMeant)
        .map(({kind, status, inUse, tokens, apiToken}) => [kind, status.state, inUse, tokens, apiToken]),
    ).toEqual([
      ['keychain', 'broken', false, 0, false],
      ['helper:gone', 'absent', false, 1, false],
      ['vault', 'ready', true, 1, false],
    ])
    expect(listed[0]?.status.why).toBe('No way.')
  })

  it.each<[what: string, prepare: (at: FaultyStore) => void, apiToken: boolean | undefined]>([
    ['has it', (at) => at.kept.set('api-token/default', 'x'), true],
    ['has none, as after a logout', () => undefined, false],
    ['has the one of another profile', (at) => at.kept.set('api-token/other', 'x'), false],
    ['is locked', (at) => (at.state = 'locked'), undefined],
    ['does not say', (at) => (at.has = () => Promise.reject(full())), undefined],
  ])("says whether the profile's API token is in its store, which %s", async (_, prepare, apiToken) => {
    prepare(storeOf('helper:a'))
    const listed = await listStores(ctx, await settings({store: 'vault', apiTokenStore: 'helper:a'}))
    expect(listed.find(({kind}) => kind === 'helper:a')?.apiToken).toBe(apiToken)
    expect(listed.find(({kind}) => kind === 'vault')?.apiToken).toBe(false)
  })

  it('asks all at the same time', async () => {
    const kinds = ['keychain', 'helper:a', 'helper:b'] as const
    let missing: number = kinds.length
    let allAsked = (): void => undefined
    const all = new Promise<void>((resolve) => (allAsked = resolve))
    for (const kind of kinds) {
      const real = storeOf(kind).status.bind(storeOf(kind))
      storeOf(kind).status = async () => {
        // One after the other they would wait for each other for ever.
        if (--missing === 0) allAsked()
        await all
        return real()
      }
    }
    await settings({store: 'helper:a', apiTokenStore: 'helper:b'})
    expect((await listStores(ctx, await settings())).filter(isMeant).length).toBe(4)
  })
})
