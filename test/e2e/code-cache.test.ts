import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

let zt: BuiltZt
let directory: string
beforeEach(async () => {
  zt = await BuiltZt.make()
  directory = path.join(zt.home, 'CACHE', 'zt', 'code')
})
afterEach(() => zt.end())

/** Says nothing on stderr. */
const command = (env: NodeJS.ProcessEnv = {}): Promise<unknown> =>
  zt.run(['profile', 'list', '--json'], {env}).then(({code, stderr}) => ({code, stderr}))
const fine = {code: 0, stderr: ''}

function flipped(content: Buffer): Buffer {
  const at = content.length >> 1
  content[at] = (content[at] ?? 0) ^ 1
  return content
}

async function cached(): Promise<{file: string; mode: number; mtimeMs: number; content: Buffer} | undefined> {
  const [name, ...more] = await fs.readdir(directory).catch(() => [])
  expect(more).toEqual([])
  if (name === undefined) return undefined
  const file = path.join(directory, name)
  const {mode, mtimeMs} = await fs.stat(file)
  return {file, mode: mode & 0o777, mtimeMs, content: await fs.readFile(file)}
}

describe('the compiled code in the cache', () => {
  it('is left there by the first run, for this user alone, and taken by the next', async () => {
    expect(await command()).toEqual(fine)
    const first = await cached()
    expect(first).toMatchObject({mode: 0o600})
    expect((await fs.stat(directory)).mode & 0o777).toBe(0o700)
    expect(await command()).toEqual(fine)
    expect(await cached()).toEqual(first)
  })

  it.each<[what: string, spoil: (file: string, content: Buffer) => Promise<void>]>([
    ['damaged', (file, content) => fs.writeFile(file, content.subarray(0, content.length / 2))],
    ['empty', (file) => fs.writeFile(file, '')],
    ['no code at all', (file) => fs.writeFile(file, 'x'.repeat(10_000))],
    ['zeroed behind its first page', (file, content) => fs.writeFile(file, content.fill(0, 4096))],
    ['changed in one bit', (file, content) => fs.writeFile(file, flipped(content))],
    ['without what binds it to its text', (file, content) => fs.writeFile(file, content.subarray(64))],
    ['of another text', (file, content) => fs.writeFile(file, content.fill(0xff, 4, 16))],
    ['open to others', (file) => fs.chmod(file, 0o666)],
  ])('is replaced when it is %s', async (_what, spoil) => {
    await command()
    const before = await cached()
    await spoil(before?.file ?? '', Buffer.from(before?.content ?? ''))
    expect(await command()).toEqual(fine)
    const after = await cached()
    expect(after).toMatchObject({mode: 0o600})
    expect(after?.mtimeMs).not.toBe(before?.mtimeMs)
  })

  it('of another text of the same size and time is not run', async () => {
    const root = path.resolve(import.meta.dirname, '../..')
    const copy = path.join(zt.home, 'package')
    for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
      await fs.cp(path.join(root, name), path.join(copy, name), {recursive: true, preserveTimestamps: true})
    const own = await BuiltZt.make({}, [process.execPath, path.join(copy, 'bin', 'zt.cjs')])
    const list = (): Promise<string> => own.run(['profile', 'list']).then(({stdout}) => stdout)
    expect(await list()).toBe('No profiles yet.\n')
    const file = path.join(copy, 'dist', 'zt', 'zt.cjs')
    const {atime, mtime} = await fs.stat(file)
    const text = await fs.readFile(file, 'utf8')
    await fs.writeFile(file, text.replace('No profiles yet.', 'No profile now.'))
    await fs.utimes(file, atime, mtime)
    for (let run = 0; run < 2; run++) expect(await list()).toBe('No profile now.\n')
    await own.end()
  })

  it.each<[what: string, make: (file: string) => Promise<unknown>]>([
    ['a link to a file elsewhere', (file) => fs.symlink(path.join(zt.home, 'elsewhere'), file)],
    ['a named pipe', async (file) => execFileSync('mkfifo', [file])],
  ])('replaces %s without following it', async (_what, make) => {
    await command()
    const {file = '', content} = (await cached()) ?? {}
    await fs.writeFile(path.join(zt.home, 'elsewhere'), content ?? '')
    await fs.rm(file)
    await make(file)
    expect(await command()).toEqual(fine)
    expect((await fs.lstat(file)).isFile()).toBe(true)
    expect(await fs.readFile(path.join(zt.home, 'elsewhere'))).toEqual(content)
  })

  it('is neither read nor written in a directory that others may write to', async () => {
    await command()
    await fs.rm((await cached())?.file ?? '')
    for (const open of [directory, path.dirname(directory)]) {
      await fs.chmod(open, 0o777)
      expect(await command()).toEqual(fine)
      expect(await cached()).toBeUndefined()
      await fs.chmod(open, 0o700)
    }
  })

  it('replaces that of an earlier version, and of no other part', async () => {
    await fs.mkdir(directory, {recursive: true})
    for (const name of ['zt-v1', 'proxy-main-v1']) await fs.writeFile(path.join(directory, name), 'old')
    expect(await command()).toEqual(fine)
    const [other, own, ...more] = (await fs.readdir(directory)).sort()
    expect([other, more]).toEqual(['proxy-main-v1', []])
    expect(own).toMatch(/^zt-v\d\d/)
  })

  it('is there for the proxy too, which ssh waits for', async () => {
    const proxy = ['ssh', 'proxy', 'nowhere.example']
    const [first, second] = [await zt.run(proxy), await zt.run(proxy)]
    expect(first.code).toBe(5)
    expect(second).toEqual(first)
    expect(await fs.readdir(directory)).toEqual([expect.stringMatching(/^proxy-main-v\d\d/)])
  })

  it.each<[what: string, env: NodeJS.ProcessEnv]>([
    ['where it is not wanted', {ZT_CODE_CACHE: 'off'}],
    ['where nothing can be written', {XDG_CACHE_HOME: '/dev/null/nowhere'}],
    ['where no directory can be made', {XDG_CACHE_HOME: '/proc/nowhere'}],
  ])('is done without %s', async (_what, env) => {
    expect(await command(env)).toEqual(fine)
    expect(await cached()).toBeUndefined()
  })

  it('is another under other switches of node, beside the first', async () => {
    const other = {NODE_OPTIONS: '--max-old-space-size=500'}
    for (const env of [{}, other, {}, other]) expect(await command(env)).toEqual(fine)
    expect(await fs.readdir(directory)).toHaveLength(2)
  })

  it('is written whole where many begin at once', async () => {
    expect(await Promise.all(Array.from({length: 6}, () => command()))).toEqual(Array(6).fill(fine))
    const {content} = (await cached()) ?? {content: Buffer.alloc(0)}
    expect(content.length).toBeGreaterThan(100_000)
    expect(await command()).toEqual(fine)
  })
})
