import {spawn, spawnSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {Locks} from '../../src/lib/system/lock.js'
import {renew, thisProcess} from '../../src/lib/system/processes.js'
import {AMPLE_MS} from '../support/patience.js'
import {bePatient} from '../../src/lib/core/patience.js'

let directory: string
let locks: Locks

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-lock-'))
  locks = new Locks(path.join(directory, 'locks'))
})
afterEach(() => fs.rm(directory, {recursive: true, force: true}))

const tickets = async (): Promise<string[]> => fs.readdir(path.join(directory, 'locks'))

describe('a lock', () => {
  it('is held by one at a time, and by everyone in the end', async () => {
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
  ])('%s', async (_, passes) => {
    bePatient('1')
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
    await vi.waitUntil(() => looks.mock.calls.length > seen + 8, AMPLE_MS)
    now += 900
    if (passes) await (await second)?.release()
    expect((await third) !== undefined).toBe(passes)
    vi.restoreAllMocks()
    bePatient('40')
  })

  it('keeps names apart, whatever they contain, and does not write them down', async () => {
    const names = ['a', 'b', 'a/../b', '', 'x'.repeat(5000), 'ä\u0000']
    for (const name of names) expect(await locks.acquire(name)).toBeDefined()
    expect((await tickets()).join()).not.toContain('xxx')
  })

  it('says so where it cannot be written', async () => {
    await fs.writeFile(path.join(directory, 'locks'), 'a file in the place of the directory')
    await expect(locks.acquire('it')).rejects.toMatchObject({kind: 'not-written', code: 'FILE_NOT_WRITABLE'})
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

/** A process that has numbers of its own, as a container's, and the host's name and directories. */
const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc']
const apart =
  process.platform === 'linux' && spawnSync(UNSHARE[0] ?? '', [...UNSHARE.slice(1), 'true']).status === 0
if (!apart)
  process.stderr.write(
    'SKIPPED: locks between containers: unshare --pid needs root on Linux; run this as root there\n',
  )

describe.skipIf(!apart)('a lock between containers that have one name', () => {
  const holder = (how: string[], times: number, dies = false): Promise<number | null> =>
    new Promise((resolve) => {
      const script = path.join(import.meta.dirname, 'lock-holder.mjs')
      const args = [script, path.join(directory, 'locks'), path.join(directory, 'counter'), String(times), dies ? 'yes' : 'no'] // prettier-ignore
      const [program = '', ...words] = [...how, process.execPath, ...args]
      spawn(program, words, {stdio: 'inherit'}).once('close', resolve)
    })

  it('is had by one at a time', async () => {
    await fs.writeFile(path.join(directory, 'counter'), '0')
    const codes = await Promise.all([holder(UNSHARE, 8), holder(UNSHARE, 8), holder([], 8)])
    expect(codes).toEqual([0, 0, 0])
    expect(await fs.readFile(path.join(directory, 'counter'), 'utf8')).toBe('24')
  })

  it('is not taken from one whose number is not there, and is once its mark is not renewed', async () => {
    await fs.writeFile(path.join(directory, 'counter'), '0')
    // The first process of a namespace survives its own signals.
    await holder([...UNSHARE, 'sh', '-c', '"$@"; exit $?', 'sh'], 1, true)
    expect(await locks.acquire('counter')).toBeUndefined()
    const [ticket = ''] = await tickets()
    const then = new Date(Date.now() - 5 * 60_000)
    await fs.utimes(path.join(directory, 'locks', ticket), then, then)
    expect(await locks.acquire('counter')).toBeDefined()
  })
})

describe('the mark of one who has a lock', () => {
  it('is renewed, by the clock of the file system, and stays what it was', async () => {
    const lock = await locks.acquire('it')
    const [ticket = ''] = await tickets()
    const file = path.join(directory, 'locks', ticket)
    const [before, mark] = [await fs.readFile(file, 'utf8'), thisProcess()]
    await fs.utimes(file, new Date(0), new Date(0))
    await renew(file, mark)
    expect(await fs.readFile(file, 'utf8')).toBe(before)
    expect((await fs.stat(file)).mtimeMs).toBeGreaterThan(Date.parse('2020-01-01'))
    await lock?.release()
  })

  it('is not renewed through a link that is in its place', async () => {
    await fs.mkdir(path.join(directory, 'locks'))
    const [file, target] = [path.join(directory, 'locks', 'x'), path.join(directory, 'target')]
    await fs.writeFile(target, 'theirs')
    await fs.symlink(target, file)
    await expect(renew(file, thisProcess())).rejects.toThrow()
    expect(await fs.readFile(target, 'utf8')).toBe('theirs')
  })

  it('that cannot be removed is reported by the release, and does not keep its own process out', async () => {
    const lock = await locks.acquire('it')
    const rm = vi.spyOn(fs, 'rm').mockRejectedValue(Object.assign(new Error(), {code: 'EROFS'}))
    await expect(lock?.release()).rejects.toMatchObject({
      code: 'FILE_NOT_WRITABLE',
      why: 'The file system is read-only.',
    })
    rm.mockRestore()
    expect(await tickets()).toHaveLength(1)
    expect(await locks.isHeld('it')).toBe(false)
  })
})

describe('a directory of locks that others may write to', () => {
  it('is refused', async () => {
    await fs.mkdir(path.join(directory, 'locks'))
    await fs.chmod(path.join(directory, 'locks'), 0o777)
    await expect(locks.acquire('it')).rejects.toMatchObject({code: 'UNSAFE_PERMISSIONS'})
    expect(await tickets()).toEqual([])
  })
})

describe('a ticket of another process', () => {
  const mark = {host: os.hostname(), pid: process.pid}
  const elsewhere = {started: 'boot/1', space: 'boot pid:[1] time:[1]', beats: true}
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
    ['of a PID that does not exist', JSON.stringify({...mark, pid: 2 ** 22 + 1, started: 'x'}), 0, true],
    ['of a living process of which no start is known', JSON.stringify(mark), 0, false],
    ['of another machine, new', JSON.stringify({...mark, host: 'elsewhere', pid: 1}), 0, false],
    ['of another machine, old', JSON.stringify({...mark, host: 'elsewhere', pid: 1}), 11 * 60_000, true],
    [
      'of another container of this name, new',
      JSON.stringify({...mark, ...elsewhere, pid: 2 ** 22 + 1}),
      60_000,
      false,
    ],
    [
      'of another container of this name, not renewed',
      JSON.stringify({...mark, ...elsewhere}),
      3 * 60_000,
      true,
    ],
    ['of another container, as from the future', JSON.stringify({...mark, ...elsewhere}), -3_600_000, true],
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
