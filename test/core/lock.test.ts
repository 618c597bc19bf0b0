import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {Locks} from '../../src/lib/core/lock.js'
import {AMPLE_MS} from '../support/patience.js'

let directory: string
let locks: Locks

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-lock-'))
  locks = new Locks(path.join(directory, 'locks'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const tickets = async (): Promise<string[]> => fs.readdir(path.join(directory, 'locks'))

describe('a lock', () => {
  it('is had by one at a time, and by everybody in the end', async () => {
    let inside = 0
    let most = 0
    let count = 0
    await Promise.all(
      Array.from({length: 30}, async () => {
        const lock = await locks.acquire('it', AMPLE_MS)
        expect(lock).toBeDefined()
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
        count++
        inside--
        await lock?.release()
      }),
    )
    expect({most, count}).toEqual({most: 1, count: 30})
    expect(await tickets()).toEqual([])
  })

  it('is not waited for without patience, and leaves nothing of who asked', async () => {
    const lock = await locks.acquire('it')
    expect(await locks.acquire('it')).toBeUndefined()
    expect(await locks.isHeld('it')).toBe(true)
    expect(await tickets()).toHaveLength(1)
    await lock?.release()
    expect(await locks.isHeld('it')).toBe(false)
    expect(await locks.acquire('it')).toBeDefined()
  })

  it('names the process that has it', async () => {
    expect(await locks.holder('it')).toBeUndefined()
    const lock = await locks.acquire('it')
    expect(await locks.holder('it')).toBe(process.pid)
    await lock?.release()
    expect(await locks.holder('it')).toBeUndefined()
  })

  it.each([
    ['is waited for as long again each time that it passes on', true],
    ['is waited for only so long where it does not', false],
  ])(
    '%s',
    async (_, passes) => {
      let now = 1000
      vi.spyOn(Date, 'now').mockImplementation(() => now)
      const looks = vi.spyOn(fs, 'readdir')
      const first = await locks.acquire('it', 1000)
      const second = locks.acquire('it', 1000)
      await vi.waitUntil(async () => (await tickets()).length === 2)
      const third = locks.acquire('it', 1000)
      await vi.waitUntil(async () => (await tickets()).length === 3)
      now += 900
      if (passes) await first?.release()
      const seen = looks.mock.calls.length
      await vi.waitUntil(() => looks.mock.calls.length > seen + 8, 60_000)
      now += 900
      if (passes) await (await second)?.release()
      expect((await third) !== undefined).toBe(passes)
      vi.restoreAllMocks()
    },
    120_000,
  )

  it('keeps names apart, whatever stands in them, and does not write them down', async () => {
    const names = ['a', 'b', 'a/../b', '', 'x'.repeat(5000), 'ä\u0000']
    for (const name of names) expect(await locks.acquire(name)).toBeDefined()
    expect((await tickets()).join()).not.toContain('xxx')
  })

  it('says so where it cannot be written', async () => {
    await fs.writeFile(path.join(directory, 'locks'), 'a file in the place of the directory')
    await expect(locks.acquire('it')).rejects.toMatchObject({kind: 'config', code: 'FILE_NOT_WRITABLE'})
    expect(await locks.isHeld('it')).toBe(false)
  })

  it('holds between processes, those included that are killed while they have it', async () => {
    const counter = path.join(directory, 'counter')
    await fs.writeFile(counter, '0')
    const run = (times: number, dies: boolean): Promise<number | null> =>
      new Promise((resolve) => {
        const script = path.join(import.meta.dirname, 'lock-holder.mjs')
        const args = [script, path.join(directory, 'locks'), counter, String(times), dies ? 'yes' : 'no']
        spawn(process.execPath, args, {stdio: 'inherit'}).once('close', resolve)
      })
    const codes = await Promise.all([run(10, false), run(10, true), run(10, false), run(10, true)])
    expect(codes).toEqual([0, null, 0, null])
    expect(await fs.readFile(counter, 'utf8')).toBe('38')
    expect(await locks.acquire('counter', 1000)).toBeDefined()
  })
})

describe('a ticket of another process', () => {
  const mark = {host: os.hostname(), pid: process.pid}
  /** The hash of "it", as `acquire` writes it. */
  async function key(): Promise<string> {
    const lock = await locks.acquire('it')
    const [name = ''] = await tickets()
    await lock?.release()
    return name.split('.')[0] ?? ''
  }

  it.each([
    [
      'of a process that has the number of an earlier one',
      JSON.stringify({...mark, started: 'another boot/1'}),
      0,
      true,
    ],
    ['of a number that nobody has', JSON.stringify({...mark, pid: 2 ** 22 + 1, started: 'x'}), 0, true],
    ['of a living process of which no start is known', JSON.stringify(mark), 0, false],
    ['of another machine, new', JSON.stringify({...mark, host: 'elsewhere', pid: 1}), 0, false],
    ['of another machine, old', JSON.stringify({...mark, host: 'elsewhere', pid: 1}), 11 * 60_000, true],
    ['that is no JSON', '{', 0, true],
    ['that is empty', '', 0, true],
  ])('counts %s for what it is', async (_, content, ageMs, free) => {
    const file = path.join(directory, 'locks', `${await key()}.1.77-abcdef`)
    await fs.writeFile(file, content)
    const then = new Date(Date.now() - ageMs)
    await fs.utimes(file, then, then)
    expect(await locks.isHeld('it')).toBe(!free)
    const lock = await locks.acquire('it')
    expect(lock !== undefined).toBe(free)
  })
})
