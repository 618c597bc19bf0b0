import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {keepingNames, readNames} from '../../src/lib/command/keep-names.js'
import {forgetServiceTokens, logout} from '../../src/lib/access/account/session.js'
import {NameCache, type NamesOf} from '../../src/lib/completion/name-cache.js'
import {NAME_KINDS} from '../../src/lib/completion/types.js'
import {World} from '../support/access-world.js'

const MINE: NamesOf = {apiUrl: 'https://api.example/v4', accountId: 'a', profile: 'mine'}
const SECOND = 1000
const MINUTE = 60 * SECOND

let home: string
let now: number
let cache: NameCache

beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-names-'))
  now = Date.now()
  cache = new NameCache(path.join(home, 'cache', 'zt'), () => now)
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const names = (...all: string[]): {id: string; name: string}[] =>
  all.map((name, at) => ({id: `id-${at}`, name}))
const keep = (of = MINE, kind: (typeof NAME_KINDS)[number] = 'token'): Promise<void> =>
  cache.keep(of, kind, names('ci'), cache.mark(of, kind))

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await fs.readdir(directory, {recursive: true, withFileTypes: true})
  return entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name))
}

describe('the cache of names', () => {
  it.each([
    [0, true],
    [5 * MINUTE - 1, true],
    [5 * MINUTE, false],
    [24 * 60 * MINUTE, false],
    [24 * 60 * MINUTE + 1, undefined],
    [-1, undefined],
  ])('that is %i ms old is fresh: %s', async (age, fresh) => {
    await keep()
    now += age
    expect(cache.read(MINE, 'token')?.fresh).toBe(fresh)
  })

  it.each([
    ['profile', {...MINE, profile: 'other'}],
    ['account', {...MINE, accountId: 'b'}],
    ['API', {...MINE, apiUrl: 'https://elsewhere.example/v4'}],
  ])('shows another %s nothing', async (_what, other) => {
    await keep()
    expect(cache.read(other, 'token')).toBeUndefined()
    expect(cache.read(MINE, 'token')?.names).toEqual(names('ci'))
    expect(cache.read(MINE, 'group')).toBeUndefined()
  })

  // As on a file system that takes `Mine` for `mine`, or where two accounts' directories have one name.
  it.each([
    ['account', {...MINE, accountId: 'b'}],
    ['profile', {...MINE, profile: 'Mine'}],
  ])('shows another %s nothing, even where it is found in its place', async (_what, other) => {
    await keep(other)
    const [theirs = ''] = await filesBelow(home)
    await keep()
    const [file = ''] = (await filesBelow(home)).filter((one) => one !== theirs)
    await fs.rename(file, theirs)
    expect(cache.read(other, 'token')).toBeUndefined()
  })

  it('is private, and holds names, ids and domains alone', async () => {
    const secretive = {id: '1', name: 'ci', domains: ['a.example'], clientId: 'id', raw: {x: 'secret'}}
    await cache.keep(MINE, 'application', [secretive], undefined)
    const [file = ''] = await filesBelow(home)
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    for (let at = path.dirname(file); at !== path.join(home, 'cache'); at = path.dirname(at))
      expect((await fs.stat(at)).mode & 0o777).toBe(0o700)
    const {names: kept} = JSON.parse(await fs.readFile(file, 'utf8')) as {names: unknown}
    expect(kept).toEqual([{id: '1', name: 'ci', domains: ['a.example']}])
  })

  it.each(['', '{', '[]', '{"version":2}', '{"names":[1]}'])(
    'is not there where its file is %j',
    async (text) => {
      await keep()
      const [file = ''] = await filesBelow(home)
      await fs.writeFile(file, text)
      expect(cache.read(MINE, 'token')).toBeUndefined()
    },
  )

  it('is dropped for every profile of the account, and no other kind or account', async () => {
    const other = {...MINE, profile: 'other'}
    const elsewhere = {...MINE, accountId: 'b'}
    await Promise.all([keep(), keep(other), keep(elsewhere), keep(MINE, 'group')])
    cache.drop(MINE, ['token'])
    expect([cache.read(MINE, 'token'), cache.read(other, 'token')]).toEqual([undefined, undefined])
    expect(cache.read(elsewhere, 'token')).toBeDefined()
    expect(cache.read(MINE, 'group')).toBeDefined()
  })

  it('does not keep a list that was read before a change', async () => {
    await keep()
    const mark = cache.mark(MINE, 'token')
    cache.drop(MINE, ['token'])
    await cache.keep(MINE, 'token', names('of before'), mark)
    expect(cache.read(MINE, 'token')).toBeUndefined()
    await keep()
    expect(cache.read(MINE, 'token')?.names).toEqual(names('ci'))
  })

  it('lets one ask at a time, and after a failure no one for half a minute', () => {
    const other = new NameCache(path.join(home, 'cache', 'zt'), () => now)
    expect(cache.claim(MINE, 'token')).toBe(true)
    expect(other.claim(MINE, 'token')).toBe(false)
    expect(other.claim(MINE, 'group')).toBe(true)
    now += 29 * SECOND
    expect(other.claim(MINE, 'token')).toBe(false)
    now += 2 * SECOND
    expect(other.claim(MINE, 'token')).toBe(true)
    other.release(MINE, 'token')
    expect(cache.claim(MINE, 'token')).toBe(true)
  })

  it('lets no one ask where nothing can be kept', async () => {
    await fs.writeFile(path.join(home, 'cache'), '')
    expect(cache.claim(MINE, 'token')).toBe(false)
    await keep()
    expect(() => cache.drop(MINE)).not.toThrow()
  })
})

describe('what zt does with the names', () => {
  let world: World
  let of: NamesOf

  beforeEach(async () => {
    world = await World.open()
    const {apiUrl, accountId = ''} = world.ctx
    cache = new NameCache(path.join(world.folder, 'cache'))
    of = {apiUrl, accountId, profile: 'default'}
  })
  afterEach(() => world.end())

  const keeping = async (keep = true): Promise<ReturnType<typeof keepingNames>> =>
    keepingNames(await world.ctx.api(), {cache, of, keep})
  const kept = (kind: (typeof NAME_KINDS)[number] = 'token'): string[] | undefined =>
    cache.read(of, kind)?.names.map(({name}) => name)

  it('is nothing while no one completes', async () => {
    const api = await keeping()
    await api.listServiceTokens()
    await api.createServiceToken({name: 'ci'})
    expect(cache.isThere).toBe(false)
  })

  it.each(NAME_KINDS)('keeps a whole list that it reads, of the kind %s', async (kind) => {
    cache.open(of)
    const api = await keeping()
    await readNames(api, kind)
    expect(kept(kind)).toBeDefined()
    expect(kept('application')).toEqual(kind === 'application' ? ['GitLab'] : undefined)
  })

  it('keeps a list that is read page by page, when it is read to its end', async () => {
    cache.open(of)
    const api = await keeping()
    await api.createServiceToken({name: 'ci'})
    for await (const _ of api.serviceTokens()) break
    expect(kept()).toBeUndefined()
    for await (const _ of api.serviceTokens());
    expect(kept()).toEqual(['ci'])
  })

  it('keeps a list whose flags were not given, as a command passes them on', async () => {
    cache.open(of)
    const api = await keeping()
    for await (const _ of api.applications({name: undefined, exact: true}));
    expect(kept('application')).toBeUndefined()
    for await (const _ of api.applications({name: undefined, exact: false}));
    expect(kept('application')).toEqual(['GitLab'])
  })

  it('keeps no part of a list, and nothing where that is switched off', async () => {
    cache.open(of)
    const api = await keeping()
    await api.listServiceTokens({name: 'c'})
    for await (const _ of api.serviceTokens({limit: 3}));
    await (await keeping(false)).listServiceTokens()
    expect(kept()).toBeUndefined()
  })

  it('drops them with each change, also where that fails', async () => {
    cache.open(of)
    const api = await keeping()
    const {token} = await api.createServiceToken({name: 'ci'})
    const changes: (() => Promise<unknown>)[] = [
      () => api.createServiceToken({name: 'cd'}),
      () => api.updateServiceToken(token.id, {name: 'renamed'}),
      () => api.deleteServiceToken(token.id),
      () => api.deleteServiceToken(token.id),
    ]
    for (const change of changes) {
      await api.listServiceTokens()
      expect(kept()).toBeDefined()
      await change().catch(() => undefined)
      expect(kept()).toBeUndefined()
    }
  })

  it.each([
    ['log out', () => logout(world.ctx, undefined)],
    ['begin anew with the sandbox', () => forgetServiceTokens(world.ctx)],
  ])('forgets all of them when you %s', async (_what, act) => {
    for (const kind of NAME_KINDS) await cache.keep(of, kind, names('ci'), undefined)
    await act()
    expect(NAME_KINDS.map(kept)).toEqual([undefined, undefined, undefined, undefined])
  })
})
