import fc from 'fast-check'
import {beforeAll, describe, expect, it} from 'vitest'
import {randomUUID} from 'node:crypto'
import {Secret} from '../../src/lib/core/secret.js'
import type {SecretKey, SecretStore} from '../../src/lib/secrets/types.js'

export interface OpenedStore {
  store: SecretStore
  /** Another process's view of the same place: nothing that the first has in memory. */
  reopened: SecretStore
  end(): Promise<void>
}

export interface ContractOptions {
  /** How many random values to try; a store with a process for each write takes fewer. */
  runs: number
}

/** What a store on its way through shells, lines and JSON might lose. */
const ODD = [
  '"\'`$(x)\\',
  'a\nb\r\n\tc ',
  '\n x\n',
  'ü\u0301 漢字 🔐',
  'json:"x"',
  '{"client_secret":"x"}',
  'x'.repeat(1280),
  'ü'.repeat(640),
]

const key = (kind: SecretKey['kind'] = 'service-token'): SecretKey => ({kind, id: randomUUID()})

/** What holds for every store that can be written: run on each, the real keychain included. */
export function storeContract(name: string, open: () => Promise<OpenedStore>, {runs}: ContractOptions): void {
  describe(`${name}, as a store of secrets`, () => {
    let opened: OpenedStore
    beforeAll(async () => {
      opened = await open()
      return () => opened.end()
    })

    it('says that it is ready, with nothing to do', async () => {
      expect(await opened.store.status()).toMatchObject({state: 'ready', why: undefined, next: []})
      expect(opened.store.writable).toBe(true)
      expect(opened.store.readable).toBe(true)
      expect(opened.store.label).not.toBe('')
    })

    it('has no entry that was never set, and deletes none', async () => {
      const absent = key()
      expect(await opened.store.get(absent)).toBeUndefined()
      expect(await opened.store.has(absent)).toBe(false)
      expect(await opened.store.delete(absent)).toBe(false)
    })

    it('knows by name what is in it, also as another process sees it, and nothing of it when deleted', async () => {
      const kinds = ['service-token', 'api-token', 'spool-key'] as const
      const keys = kinds.map((kind) => key(kind))
      for (const one of keys) await opened.store.set(one, new Secret('x'))
      const listed = await opened.reopened.list()
      for (const one of keys) {
        expect(await opened.reopened.has(one)).toBe(true)
        if (listed) expect(listed).toContainEqual(one)
      }
      for (const one of keys) expect(await opened.reopened.delete(one)).toBe(true)
      for (const one of keys) expect(await opened.store.has(one)).toBe(false)
      const left = (await opened.store.list()) ?? []
      expect(left.filter(({id}) => keys.some((one) => one.id === id))).toEqual([])
    })

    it('lists each entry once, however often it was replaced', async () => {
      const mine = key()
      for (const value of ['1', '2', '3']) await opened.store.set(mine, new Secret(value))
      expect((await opened.reopened.get(mine))?.expose()).toBe('3')
      const listed = await opened.store.list()
      if (listed) expect(listed.filter(({id}) => id === mine.id)).toEqual([mine])
    })

    it('gives back what was set, also to another process', async () => {
      const mine = key()
      await opened.store.set(mine, new Secret('first'))
      expect((await opened.store.get(mine))?.expose()).toBe('first')
      expect((await opened.reopened.get(mine))?.expose()).toBe('first')
    })

    it('replaces what was there, and forgets it when deleted, once', async () => {
      const mine = key()
      await opened.store.set(mine, new Secret('old'))
      await opened.store.set(mine, new Secret('new'))
      expect((await opened.reopened.get(mine))?.expose()).toBe('new')
      expect(await opened.store.delete(mine)).toBe(true)
      expect(await opened.reopened.get(mine)).toBeUndefined()
      expect(await opened.store.delete(mine)).toBe(false)
    })

    it('keeps entries of one id and different kinds apart', async () => {
      const id = randomUUID()
      await opened.store.set({kind: 'service-token', id}, new Secret('a'))
      await opened.store.set({kind: 'api-token', id}, new Secret('b'))
      expect(await opened.store.delete({kind: 'api-token', id})).toBe(true)
      expect((await opened.store.get({kind: 'service-token', id}))?.expose()).toBe('a')
    })

    it('loses nothing when many write at once', async () => {
      const keys = Array.from({length: 8}, () => key())
      await Promise.all(keys.map((one) => opened.store.set(one, new Secret(one.id))))
      const read = await Promise.all(keys.map((one) => opened.reopened.get(one)))
      expect(read.map((one) => one?.expose())).toEqual(keys.map(({id}) => id))
    })

    it('keeps any text as it was: quotes, newlines, any script', async () => {
      const mine = key()
      const text = fc.string({unit: 'grapheme', minLength: 1, maxLength: 200})
      await fc.assert(
        fc.asyncProperty(text, async (value) => {
          await opened.store.set(mine, new Secret(value))
          expect((await opened.reopened.get(mine))?.expose()).toBe(value)
        }),
        {
          numRuns: runs + ODD.length,
          examples: ODD.map((value): [string] => [value]),
        },
      )
    })

    it.each(['', '../x', 'a/b', 'a b', 'ü', 'x'.repeat(129), 'a\0b'])(
      'takes no id such as %j, and writes nothing',
      async (id) => {
        const bad: SecretKey = {kind: 'service-token', id}
        const failures = await Promise.allSettled([
          opened.store.set(bad, new Secret('canary-value')),
          opened.store.get(bad),
          opened.store.delete(bad),
        ])
        expect(failures.map(({status}) => status)).toEqual(['rejected', 'rejected', 'rejected'])
        expect(JSON.stringify(failures)).not.toContain('canary-value')
      },
    )
  })
}
