import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {Journal, type JournalEntry, type Spooled} from '../../src/lib/secrets/journal/journal.js'
import {newSpoolKey, readSpool, reserveSpool, writeSpool} from '../../src/lib/secrets/journal/spool.js'
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
    const {entries, damaged} = await journal.list()
    expect(entries.map(({id}) => id)).toEqual([early.id, late.id])
    expect(entries[1]).toEqual(late)
    expect(damaged.map((file) => path.basename(file)).sort()).toEqual([
      'alien.json',
      'broken.json',
      'newer.json',
    ])
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
      kind: 'config',
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
})
