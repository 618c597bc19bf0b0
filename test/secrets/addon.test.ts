import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {AddonError, openAddon} from '../../src/lib/secrets/keychain/addon.js'

const CONTENT = Buffer.from('\x7fELF and more')
const NAME = `${createHash('sha256').update(CONTENT).digest('hex')}.node`
const isRoot = process.getuid?.() === 0

let folder: string
let directory: string
let file: string

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-addon-'))
  directory = path.join(folder, 'cache', 'zt', 'addon')
  file = path.join(directory, NAME)
})
afterEach(() => {
  fs.rmSync(folder, {recursive: true, force: true})
})

/** What is read by the descriptor that came of it. */
function opened(): Buffer {
  const handle = openAddon(CONTENT, directory)
  try {
    const read = Buffer.alloc(1000)
    return read.subarray(0, fs.readSync(handle, read, 0, read.length, 0))
  } finally {
    fs.closeSync(handle)
  }
}

const modeOf = (one: string): number => fs.lstatSync(one).mode & 0o777

describe('the file from which the addon is loaded', () => {
  it('is made for its owner alone, in directories of its owner alone', () => {
    expect(opened()).toEqual(CONTENT)
    expect(fs.readdirSync(directory)).toEqual([NAME])
    expect(modeOf(file)).toBe(0o600)
    for (const one of ['cache', 'cache/zt', 'cache/zt/addon'])
      expect(modeOf(path.join(folder, one))).toBe(0o700)
  })

  it('is used again as it is', () => {
    opened()
    const {ino} = fs.statSync(file)
    expect(opened()).toEqual(CONTENT)
    expect(fs.statSync(file).ino).toBe(ino)
  })

  it.each<[what: string, spoil: () => void]>([
    ['is shorter', () => fs.truncateSync(file, 3)],
    ['is longer', () => fs.appendFileSync(file, 'x')],
    [
      'has one other byte',
      () => fs.writeFileSync(file, Buffer.from(CONTENT).fill('E', 1, 2).fill('F', 2, 3)),
    ],
    ['may be written by a group', () => fs.chmodSync(file, 0o620)],
    ['may be written by all', () => fs.chmodSync(file, 0o602)],
    ['may not be read', () => fs.chmodSync(file, 0o000)],
    [
      'is a link, though to the same content',
      () => {
        fs.writeFileSync(path.join(folder, 'other'), CONTENT, {mode: 0o600})
        fs.rmSync(file)
        fs.symlinkSync(path.join(folder, 'other'), file)
      },
    ],
    [
      'is a pipe, on which reading would wait for ever',
      () => {
        fs.rmSync(file)
        execFileSync('mkfifo', [file])
      },
    ],
  ])('is made again where it %s', (_what, spoil) => {
    opened()
    spoil()
    expect(opened()).toEqual(CONTENT)
    expect(fs.lstatSync(file).isFile()).toBe(true)
    expect(fs.readFileSync(file)).toEqual(CONTENT)
    expect(fs.readdirSync(directory)).toEqual([NAME])
    expect(modeOf(file) & 0o022).toBe(0)
  })

  it.runIf(isRoot)('is made again if it belongs to another user', () => {
    opened()
    fs.chownSync(file, 65534, 65534)
    expect(opened()).toEqual(CONTENT)
    expect(fs.statSync(file).uid).toBe(0)
  })

  it('stays what was looked at when another one takes its place', () => {
    const handle = openAddon(CONTENT, directory)
    fs.writeFileSync(path.join(folder, 'other'), 'evil')
    fs.renameSync(path.join(folder, 'other'), file)
    const read = Buffer.alloc(CONTENT.length)
    fs.readSync(handle, read, 0, read.length, 0)
    expect(read).toEqual(CONTENT)
    fs.closeSync(handle)
  })
})

describe('on Windows, which has no owners and modes', () => {
  const {getuid} = process
  beforeEach(() => {
    Object.assign(process, {getuid: undefined})
  })
  afterEach(() => {
    Object.assign(process, {getuid})
  })

  it('the file is used again whatever its mode is, and made again where its content is another', () => {
    opened()
    fs.chmodSync(file, 0o666)
    const {ino} = fs.statSync(file)
    expect(opened()).toEqual(CONTENT)
    expect(fs.statSync(file).ino).toBe(ino)
    fs.appendFileSync(file, 'x')
    expect(opened()).toEqual(CONTENT)
    expect(fs.readFileSync(file)).toEqual(CONTENT)
  })
})

describe('the directory of the addon', () => {
  it('is closed to others where it was open', () => {
    fs.mkdirSync(directory, {recursive: true})
    fs.chmodSync(directory, 0o777)
    opened()
    expect(modeOf(directory)).toBe(0o700)
  })

  it.each<[what: string, spoil: () => void, why: RegExp]>([
    ['a link', () => fs.symlinkSync(folder, directory), /not a directory of your own/],
    ['a file', () => fs.writeFileSync(directory, ''), /not a directory of your own/],
    [
      'one that holds a directory of that name',
      () => fs.mkdirSync(file, {recursive: true}),
      /cannot be written/,
    ],
    ['below a file', () => (directory = path.join('/etc/hosts', 'zt', 'addon')), /cannot be written/],
    ['where none can be', () => (directory = '/proc/none/zt/addon'), /cannot be written/],
  ])('is refused where it is %s', (_what, spoil, why) => {
    fs.mkdirSync(path.dirname(directory), {recursive: true})
    spoil()
    expect(() => opened()).toThrow(AddonError)
    expect(() => opened()).toThrow(why)
    expect(fs.readdirSync(folder)).toEqual(['cache'])
  })

  it.runIf(isRoot)('is refused where it is another user’s', () => {
    fs.mkdirSync(directory, {recursive: true})
    fs.chownSync(directory, 65534, 65534)
    expect(() => opened()).toThrow(/not a directory of your own/)
  })
})
