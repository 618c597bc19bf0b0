import {describe, expect, it} from 'vitest'
import {despiteScanners, files, filesSync} from '../../src/lib/system/disk.js'

/** A call that fails so many times with this code. */
function held(code: string, times: number) {
  let tried = 0
  const refuse = (): string => {
    if (++tried <= times) throw Object.assign(new Error(code), {code})
    return 'done'
  }
  const later = async (): Promise<string> => refuse()
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

  it("is node's own on other systems", async () => {
    const [fs, fsp] = await Promise.all([import('node:fs'), import('node:fs/promises')])
    expect([filesSync === fs.default, files === fsp.default]).toEqual([true, true])
  })
})
