import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {despiteScanners, files, filesSync, lastingReason} from '../../src/lib/system/disk.js'

/** A call that fails so many times with this code. */
function held(code: string, times: number) {
  let tried = 0
  const refuse = (..._args: string[]): string => {
    if (++tried <= times) throw Object.assign(new Error(code), {code})
    return 'done'
  }
  const later = async (..._args: string[]): Promise<string> => refuse()
  const sync = {openSync: refuse, renameSync: refuse, rmSync: refuse, linkSync: refuse, statSync: refuse}
  return {
    tried: () => tried,
    calls: {...sync, open: later, rename: later, rm: later, link: later, stat: later},
  }
}

type Name = keyof ReturnType<typeof held>['calls']
const CHANGING: Name[] = ['open', 'rename', 'rm', 'link', 'openSync', 'renameSync', 'rmSync', 'linkSync']
const LOOKING: Name[] = ['stat', 'statSync']
const NOW = {pauseSync: () => undefined}

describe('a call on a file', () => {
  it.each(CHANGING.flatMap((name) => ['EPERM', 'EACCES', 'EBUSY'].map((code) => [name, code] as const)))(
    'is tried again on Windows, where a scanner has the file: %s, %s',
    async (name, code) => {
      const scanner = held(code, 3)
      const calls = despiteScanners(scanner.calls, {platform: 'win32', ...NOW})
      expect([await calls[name](), scanner.tried()]).toEqual(['done', 4])
    },
  )

  it.each<[why: string, platform: NodeJS.Platform, name: Name, code: string]>([
    ...CHANGING.flatMap((name): [string, NodeJS.Platform, Name, string][] => [
      ['it means what it says', 'linux', name, 'EPERM'],
      ['it means what it says', 'darwin', name, 'EBUSY'],
      ['the disk is full', 'win32', name, 'ENOSPC'],
      ['it is not there', 'win32', name, 'ENOENT'],
    ]),
    ...LOOKING.map((name): [string, NodeJS.Platform, Name, string] => [
      'it only looks, and is denied',
      'win32',
      name,
      'EPERM',
    ]),
  ])('is not where %s (%s, %s, %s)', async (_why, platform, name, code) => {
    const refused = held(code, Infinity)
    const calls = despiteScanners(refused.calls, {platform, ...NOW})
    await expect((async () => calls[name]())()).rejects.toMatchObject({code})
    expect(refused.tried()).toBe(1)
  })

  it.each([...CHANGING, ...LOOKING])('is given up in the end, with its reason: %s', async (name) => {
    const kept = held('EBUSY', Infinity)
    const calls = despiteScanners(kept.calls, {platform: 'win32', patienceMs: () => 0, ...NOW})
    await expect((async () => calls[name]())()).rejects.toMatchObject({code: 'EBUSY'})
    expect(kept.tried()).toBe(1)
  })

  it.each<[name: Name, args: string[], reason: 'directory' | 'read-only', again: boolean]>([
    ['openSync', ['C:\\x\\a'], 'read-only', false],
    ['open', ['C:\\x\\a'], 'directory', false],
    ['renameSync', ['C:\\x\\new', 'C:\\x\\a'], 'read-only', false],
    ['rename', ['C:\\x\\new', 'C:\\x\\a'], 'directory', false],
    ['rename', ['C:\\x\\a', 'C:\\x\\b'], 'read-only', true],
    ['rm', ['C:\\x\\a'], 'directory', true],
    ['rmSync', ['C:\\x\\a'], 'read-only', true],
  ])('that is denied, %s %j, where it is a %s: tried again %s', async (name, args, reason, again) => {
    for (const [code, tried] of [
      ['EPERM', again ? 4 : 1],
      ['EACCES', again ? 4 : 1],
      ['EBUSY', 4],
    ] as const) {
      const scanner = held(code, 3)
      const reasonFor = (file: string) => (file === 'C:\\x\\a' ? reason : undefined)
      const calls = despiteScanners(scanner.calls, {platform: 'win32', reasonFor, ...NOW})
      const ends = (async () => calls[name](...args))()
      if (tried === 4) await expect(ends).resolves.toBe('done')
      else await expect(ends).rejects.toMatchObject({code})
      expect(scanner.tried()).toBe(tried)
    }
  })

  it('that was denied to the end is not waited for again in that directory, and is in another', async () => {
    const tries = async (file: string, code: string, patience: number): Promise<number> => {
      const scanner = held(code, 3)
      const holding = {
        platform: 'win32',
        patienceMs: () => patience,
        reasonFor: () => undefined,
        ...NOW,
      } as const
      await (async () => despiteScanners(scanner.calls, holding).openSync(file))().catch(() => undefined)
      return scanner.tried()
    }
    const LONG = 3600_000
    expect(await tries('C:\\Denied\\a', 'EPERM', 0)).toBe(1)
    expect(await tries('c:\\denied\\b', 'EACCES', LONG)).toBe(1)
    expect(await tries('C:\\Denied\\b', 'EBUSY', LONG)).toBe(4)
    expect(await tries('C:\\other\\b', 'EPERM', LONG)).toBe(4)
  })

  it('on a directory or a file that is read-only is seen to be one', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-disk-'))
    try {
      const [writable, locked] = ['a', 'b'].map((name) => path.join(directory, name)) as [string, string]
      for (const file of [writable, locked]) fs.writeFileSync(file, '')
      fs.chmodSync(locked, 0o444)
      expect([directory, writable, locked, path.join(directory, 'none')].map(lastingReason)).toEqual([
        'directory',
        undefined,
        'read-only',
        undefined,
      ])
    } finally {
      fs.rmSync(directory, {recursive: true})
    }
  })

  it("is node's own on other systems", async () => {
    const fsp = await import('node:fs/promises')
    expect([filesSync === fs, files === fsp.default]).toEqual([true, true])
  })
})
