import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {UserError} from '../../src/lib/core/errors.js'
import {Secret} from '../../src/lib/core/secret.js'
import {Journal, type JournalEntry, type Spooled} from '../../src/lib/secrets/journal/journal.js'
import {newSpoolKey, readSpool, reserveSpool, writeSpool} from '../../src/lib/secrets/journal/spool.js'
import {Unread} from '../../src/lib/system/own-json.js'
import {FaultyStore} from '../support/access-world.js'

let directory: string
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-journal-'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const CANARY = 'cfast_canary0123456789canary0123456789canary01234567'
const spooled = (more: Partial<Spooled> = {}): Spooled => ({
  tokenId: randomUUID(),
  clientId: 'f00d.access',
  clientSecret: new Secret(CANARY),
  expiresAt: '2030-01-01T00:00:00Z',
  previous: undefined,
  ...more,
})
const plain = (one: Spooled | undefined): unknown =>
  one && {
    ...one,
    clientSecret: one.clientSecret.expose(),
    previous: one.previous && {...one.previous, clientSecret: one.previous.clientSecret.expose()},
  }

describe('the spool', () => {
  const file = (): string => path.join(directory, 'x.spool')

  it('returns what was written, whatever that is, in room that was there before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({unit: 'binary', maxLength: 600}),
        fc.option(fc.string({unit: 'binary', maxLength: 600}), {nil: undefined}),
        async (secret, previous) => {
          const key = newSpoolKey()
          const one = spooled({
            clientSecret: new Secret(secret),
            previous: previous === undefined ? undefined : {clientSecret: new Secret(previous), until: 'x'},
          })
          await fs.rm(file(), {force: true})
          await reserveSpool(file())
          const {size, ino} = await fs.stat(file())
          await writeSpool(file(), 'id', key, one)
          expect(plain(await readSpool(file(), 'id', key))).toEqual(plain(one))
          expect(await fs.stat(file())).toMatchObject({size, ino})
        },
      ),
      {numRuns: 40},
    )
  })

  it.each<[string, Partial<Spooled>]>([
    ['a new token', {}],
    ['a token that never expires', {expiresAt: undefined}],
    ['a rotated one', {secretVersion: 7, updatedAt: '2026-01-01T00:00:00Z', previous: {clientSecret: new Secret('old'), until: '2026-02-01T00:00:00Z'}}],
    ['more than fits in the reserved room', {clientSecret: new Secret('s'.repeat(8192))}],
  ])('gives back %s, with its fields and no more', async (_, more) => {
    const key = newSpoolKey()
    expect(Buffer.from(key.expose(), 'base64url')).toHaveLength(32)
    await reserveSpool(file())
    expect((await fs.stat(file())).size).toBe(4096)
    await writeSpool(file(), 'id', key, spooled({tokenId: 't', ...more}))
    const read = await readSpool(file(), 'id', key)
    expect(plain(read)).toStrictEqual(plain(spooled({tokenId: 't', ...more})))
    expect((await fs.readFile(file())).subarray(0, 8).toString()).toBe('ztspool1')
  }) // prettier-ignore

  it('is neither written nor read where others can read it', async () => {
    const key = newSpoolKey()
    await reserveSpool(file())
    await fs.chmod(file(), 0o640)
    const unsafe = {code: 'UNSAFE_PERMISSIONS', message: `${file()} can be read by others`}
    await expect(writeSpool(file(), 'id', key, spooled())).rejects.toMatchObject(unsafe)
    expect((await fs.readFile(file())).every((byte) => byte === 0)).toBe(true)
    await expect(readSpool(file(), 'id', key)).rejects.toMatchObject(unsafe)
  })

  it('is closed after writing, also when that fails', async () => {
    await reserveSpool(file())
    const open = vi.spyOn(fs, 'open')
    const fileDescriptor = async (): Promise<unknown> =>
      ((await open.mock.results.at(-1)?.value) as fs.FileHandle).fd
    try {
      await writeSpool(file(), 'id', newSpoolKey(), spooled())
      expect(await fileDescriptor()).toBe(-1)
      await fs.chmod(file(), 0o644)
      await expect(writeSpool(file(), 'id', newSpoolKey(), spooled())).rejects.toThrow()
      expect(open).toHaveBeenCalledTimes(2)
      expect(await fileDescriptor()).toBe(-1)
    } finally {
      open.mockRestore()
    }
  })

  it('is not written through a link, nor where no room was reserved', async () => {
    const other = path.join(directory, 'other')
    await reserveSpool(other)
    await fs.symlink(other, file())
    await expect(writeSpool(file(), 'id', newSpoolKey(), spooled())).rejects.toMatchObject({code: 'ELOOP'})
    await fs.rm(file())
    await expect(writeSpool(file(), 'id', newSpoolKey(), spooled())).rejects.toMatchObject({code: 'ENOENT'})
  })

  it('holds no plain text, and is readable by its owner alone', async () => {
    await reserveSpool(file())
    await writeSpool(file(), 'id', newSpoolKey(), spooled())
    const content = await fs.readFile(file(), 'latin1')
    expect(content).not.toContain('cfast_')
    expect(content).not.toContain('f00d.access')
    expect((await fs.stat(file())).mode & 0o777).toBe(0o600)
  })

  it('opens for no other key and no other operation', async () => {
    const key = newSpoolKey()
    await reserveSpool(file())
    await writeSpool(file(), 'id', key, spooled())
    expect(await readSpool(file(), 'id', newSpoolKey())).toBeUndefined()
    expect(await readSpool(file(), 'id', new Secret('nonsense'))).toBeUndefined()
    expect(await readSpool(file(), 'other', key)).toBeUndefined()
    expect(await readSpool(file(), 'id', key)).toBeDefined()
  })

  it('counts as empty where it is absent, only reserved, cut off, or changed at any byte', async () => {
    const key = newSpoolKey()
    expect(await readSpool(file(), 'id', key)).toBeUndefined()
    await reserveSpool(file())
    expect(await readSpool(file(), 'id', key)).toBeUndefined()
    await writeSpool(file(), 'id', key, spooled())
    const whole = await fs.readFile(file())
    const written = whole.findLastIndex((byte) => byte !== 0) + 1
    for (let at = 0; at < written; at += 3) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 0x55
      await fs.writeFile(file(), changed)
      expect(await readSpool(file(), 'id', key), `byte ${at}`).toBeUndefined()
      // A write in place that was cut off: the beginning is new, the rest as it was reserved.
      const cut = Buffer.concat([whole.subarray(0, at), Buffer.alloc(whole.length - at)])
      await fs.writeFile(file(), cut)
      expect(await readSpool(file(), 'id', key), `cut at ${at}`).toBeUndefined()
      await fs.writeFile(file(), whole.subarray(0, at))
      expect(await readSpool(file(), 'id', key), `short at ${at}`).toBeUndefined()
    }
  })

  it('does not take the place of another that is there', async () => {
    const key = newSpoolKey()
    await reserveSpool(file())
    await writeSpool(file(), 'id', key, spooled())
    await reserveSpool(file())
    expect(await readSpool(file(), 'id', key)).toBeDefined()
  })
})

describe('the journal', () => {
  const operation = (more: Partial<JournalEntry> = {}): JournalEntry => ({
    id: randomUUID(),
    kind: 'create',
    profile: 'default',
    accountId: 'account',
    apiUrl: 'https://api.example',
    store: 'vault',
    name: 'ci',
    startedAt: new Date().toISOString(),
    ...more,
  })
  let store: FaultyStore
  let journal: Journal
  beforeEach(() => {
    store = new FaultyStore()
    journal = new Journal(path.join(directory, 'journal'))
  })
  const files = async (): Promise<string[]> =>
    (await fs.readdir(path.join(directory, 'journal')).catch(() => [])).sort()

  it('has the intent, the room and the key before anything is done, and nothing of it afterwards', async () => {
    const one = operation()
    const spool = await journal.begin(one, store)
    expect(await files()).toEqual([`${one.id}.json`, `${one.id}.spool`])
    expect([...store.kept.keys()]).toEqual([`spool-key/${one.id}`])
    await spool.write(spooled())
    // As another process finds it.
    expect(await new Journal(path.join(directory, 'journal')).spoolOf(one, store).read()).toBeDefined()
    await journal.end(one, store)
    expect(await files()).toEqual([])
    expect([...store.kept.keys()]).toEqual([])
  })

  it('lists what has not ended, oldest first, and what it cannot read apart', async () => {
    const late = operation({
      startedAt: '2026-02-01T00:00:00Z',
      kind: 'rotate',
      token: {id: 't', clientId: 'c'},
    })
    const early = operation({startedAt: '2026-01-01T00:00:00Z'})
    await journal.update(late)
    await journal.update(early)
    for (const [name, content] of [
      ['broken.json', '{'],
      ['newer.json', JSON.stringify({...early, version: 2})],
      ['alien.json', JSON.stringify({version: 1, id: '../../etc/passwd'})],
    ] as const) {
      await fs.writeFile(path.join(directory, 'journal', name), content)
    }
    const {entries, unread} = await journal.list()
    expect(entries.map(({id}) => id)).toEqual([early.id, late.id])
    expect(entries[1]).toEqual(late)
    const names = (files: string[]): string[] => files.map((file) => path.basename(file))
    expect(names(unread.damaged)).toEqual(['alien.json', 'broken.json'])
    expect(names(unread.newer)).toEqual(['newer.json'])
  })

  it.each([
    ['does not keep what it is given', (): unknown => (store.set = () => Promise.resolve())],
    ['gives back something else', (): unknown => (store.get = () => Promise.resolve(new Secret('x')))],
  ])('leaves nothing behind when the store %s', async (_, spoil) => {
    spoil()
    await expect(journal.begin(operation(), store)).rejects.toMatchObject({code: 'STORE_REHEARSAL_FAILED'})
    expect(await files()).toEqual([])
    expect([...store.kept.keys()]).toEqual([])
  })

  it('begins nothing where it cannot write, and says where', async () => {
    await fs.writeFile(path.join(directory, 'journal'), 'a file in the place of the directory')
    await expect(journal.begin(operation(), store)).rejects.toMatchObject({
      kind: 'not-written',
      code: 'FILE_NOT_WRITABLE',
    })
    expect([...store.kept.keys()]).toEqual([])
  })

  it('remembers that all was done when only the clearing up fails', async () => {
    const one = operation({sentAt: '2026-01-01T00:00:00Z'})
    await journal.begin(one, store)
    const forget = store.delete.bind(store)
    store.delete = () => Promise.reject(new Error('not now'))
    await expect(journal.end(one, store)).rejects.toThrow('not now')
    const [left] = (await journal.list()).entries
    expect(left?.endedAt).toBeDefined()
    store.delete = forget
    await journal.end(left ?? one, store)
    expect(await files()).toEqual([])
  })

  it('sweeps what processes that died left, when it is old, and nothing else', async () => {
    const one = operation()
    await journal.begin(one, store)
    const at = (name: string): string => path.join(directory, 'journal', name)
    const orphan = `${randomUUID()}.spool`
    const old = new Date(Date.now() - 3600_000)
    for (const name of ['.x.json.1.ab', 'y.spool.1.ab.new', orphan]) {
      await fs.writeFile(at(name), '')
      await fs.utimes(at(name), old, old)
    }
    await fs.writeFile(at('.z.json.1.ab'), '')
    await journal.sweep()
    expect(await files()).toEqual(['.z.json.1.ab', `${one.id}.json`, `${one.id}.spool`])
  })

  it('is read again, and is undefined when it is gone or damaged', async () => {
    const one = operation({
      kind: 'rotate',
      sentAt: 'a',
      storedAt: 'b',
      endedAt: 'c',
      token: {id: 't', clientId: 'c', updatedAt: 'd', secretVersion: 2},
      previousUntil: 'e',
      endsPrevious: true,
    })
    expect(await journal.read(one.id)).toBeUndefined()
    await journal.update(one)
    expect(await journal.read(one.id)).toStrictEqual(one)
    const file = path.join(directory, 'journal', `${one.id}.json`)
    expect(await fs.readFile(file, 'utf8')).toBe(`${JSON.stringify({version: 1, ...one}, null, 2)}\n`)
    await fs.writeFile(file, '{}')
    expect(await journal.read(one.id)).toBeUndefined()
  })

  it.each<[string, object]>([
    ['an ID', {id: 'x'}],
    ['a kind', {kind: 'delete'}],
    ['a profile', {profile: undefined}],
    ['an account', {accountId: 1}],
    ['an address of the API', {apiUrl: undefined}],
    ['a store that keeps', {store: 'print'}],
    ['a name', {name: undefined}],
    ['a time of its start', {startedAt: undefined}],
    ['a time as text', {sentAt: 1}],
    ['a token with an ID that is no path', {token: {id: '../x', clientId: 'c'}}],
    ['a token with a client ID', {token: {id: 't'}}],
    ['a number of the secret', {token: {id: 't', clientId: 'c', secretVersion: '1'}}],
    ['a yes or no', {endsPrevious: 'yes'}],
  ])('takes nothing for an intent that lacks %s', async (_, fault) => {
    const one = operation()
    await journal.update({...one, ...fault, id: one.id})
    if ('id' in fault)
      await fs.writeFile(path.join(directory, 'journal', `${one.id}.json`), JSON.stringify({version: 1, ...one, ...fault})) // prettier-ignore
    expect(await journal.read(one.id)).toBeUndefined()
    expect((await journal.list()).unread.damaged).toHaveLength(1)
  }) // prettier-ignore

  it('lists only its own files, by time and not by name', async () => {
    const [a, b] = ['a', 'b'].map((letter) => `${letter}${randomUUID().slice(1)}`)
    await journal.update(operation({id: a ?? '', startedAt: '2026-02-01T00:00:00Z'}))
    await journal.update(operation({id: b ?? '', startedAt: '2026-01-01T00:00:00Z'}))
    for (const name of ['.x.json', 'x.spool', 'json', 'x.json.new'])
      await fs.writeFile(path.join(directory, 'journal', name), '{')
    const {entries, unread} = await journal.list()
    expect(entries.map(({id}) => id)).toEqual([b, a])
    expect(unread).toEqual(new Unread())
    expect(await new Journal(path.join(directory, 'none')).list()).toEqual({entries: [], unread})
  })

  it('forgets the files of an entry whose store is gone, and asks no store', async () => {
    const one = operation()
    await journal.begin(one, store)
    await journal.discard(one)
    expect(await files()).toEqual([])
    expect([...store.kept.keys()]).toEqual([`spool-key/${one.id}`])
  })

  const notReady = new UserError({kind: 'needs-action', code: 'STORE_NOT_READY', message: 'locked'})
  const failed = new UserError({kind: 'needs-action', code: 'STORE_FAILED', message: 'failed'})
  it.each<[string, Error, string[], string[]]>([
    ['is locked: the key is not there, so it is not asked to delete it', notReady, [], []],
    ['fails: the key may be there, so it is deleted', failed, [], ['spool-key']],
    ['fails with a bug: the intent stays for the recovery', new TypeError('bug'), ['json'], []],
    ['fails with a bug of that code', Object.assign(new Error('bug'), {code: 'STORE_NOT_READY'}), ['json'], []],
  ])('begins nothing when the store %s', async (_, error, left, deleted) => {
    const asked: string[] = []
    store.set = () => Promise.reject(error)
    store.delete = ({kind}) => Promise.resolve(asked.push(kind) > 0)
    await expect(journal.begin(operation(), store)).rejects.toBe(error)
    expect((await files()).map((name) => name.split('.').at(-1))).toEqual(left)
    expect(asked).toEqual(deleted)
  }) // prettier-ignore

  it.each([
    [undefined, false],
    [notReady, false],
    [failed, true],
    [Object.assign(new Error('bug'), {code: 'STORE_NOT_READY'}), true],
  ])('knows after %s whether the store may have the key', async (error, may) => {
    const spool = journal.spoolOf(operation(), store)
    if (error) store.set = () => Promise.reject(error)
    if (error) await expect(spool.open()).rejects.toBe(error)
    expect(spool.keyMayBeKept).toBe(may)
  })

  it('keeps the intent when the store cannot delete the key either', async () => {
    store.get = () => Promise.resolve(undefined)
    store.delete = () => Promise.reject(new Error('not now'))
    const one = operation()
    await expect(journal.begin(one, store)).rejects.toMatchObject({code: 'STORE_REHEARSAL_FAILED'})
    expect((await journal.list()).entries).toMatchObject([{id: one.id, endedAt: one.startedAt}])
  })

  it('has no spool for a store that cannot be read back, and leaves no key there', async () => {
    store.readable = false
    const one = operation()
    const spool = await journal.begin(one, store)
    expect(await files()).toEqual([`${one.id}.json`])
    expect([...store.kept.keys()]).toEqual([])
    await spool.write(spooled())
    expect(await files()).toEqual([`${one.id}.json`])
    store.get = () => Promise.reject(new Error('it cannot be read'))
    expect(await spool.read()).toBeUndefined()
  })

  it('writes the secret only where the key is known', async () => {
    const one = operation()
    await journal.begin(one, store)
    const other = journal.spoolOf(one, store)
    await other.write(spooled())
    expect(await other.read()).toBeUndefined()
    store.kept.clear()
    expect(await other.read()).toBeUndefined()
  })

  it.each([
    [{}, 'start'],
    [{sentAt: 'sent'}, 'sent'],
    [{sentAt: 'sent', endedAt: 'ended'}, 'ended'],
  ])('that could not be cleared away ended at the latest time that is known: %j', async (times, ended) => {
    const one = operation({startedAt: 'start', ...times})
    await journal.begin(one, store)
    store.delete = () => Promise.reject(new Error('not now'))
    await expect(journal.end(one, store)).rejects.toThrow('not now')
    expect(await journal.read(one.id)).toMatchObject({endedAt: ended})
    expect(await files()).toEqual([`${one.id}.json`, `${one.id}.spool`])
  })

  it('leaves the key in the store if it is asked to', async () => {
    const one = operation()
    await journal.begin(one, store)
    await journal.end(one, store, {keyToo: false})
    expect(await files()).toEqual([])
    expect([...store.kept.keys()]).toEqual([`spool-key/${one.id}`])
  })

  it('sweeps nothing that may be in use or is not its own, and no directory stops it', async () => {
    const one = operation()
    await journal.begin(one, store)
    const old = new Date(Date.now() - 3600_000)
    const young = new Date(Date.now() - 30_000)
    const at = (name: string): string => path.join(directory, 'journal', name)
    for (const name of ['a.spool', 'b.spool', 'b.json', 'notes.txt', 'x.spool.json', 'x.spool.spool']) {
      await fs.writeFile(at(name), '')
      await fs.utimes(at(name), old, old)
    }
    await fs.utimes(at(`${one.id}.json`), old, old)
    await fs.utimes(at(`${one.id}.spool`), old, old)
    await fs.writeFile(at('c.spool'), '')
    await fs.utimes(at('c.spool'), young, young)
    await fs.symlink('nowhere', at('.dangling'))
    await journal.sweep()
    expect(await files()).toEqual(
      ['.dangling', 'b.json', 'b.spool', 'c.spool', 'notes.txt', 'x.spool.json', 'x.spool.spool', `${one.id}.json`, `${one.id}.spool`].sort(),
    ) // prettier-ignore
    await new Journal(path.join(directory, 'none')).sweep()
  })
})
