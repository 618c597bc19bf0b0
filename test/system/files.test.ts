import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {UserError} from '../../src/lib/core/errors.js'
import {
  parseOwnJson,
  readFileIfThere,
  refuseIfOthersCanRead,
  removeFile,
  syncDirectory,
  writeFileAtomic,
} from '../../src/lib/system/files.js'
import {unusableFile} from '../../src/lib/system/own-files.js'

let directory: string
beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-files-'))
})
afterEach(async () => {
  await fs.rm(directory, {recursive: true, force: true})
})

describe('writeFileAtomic', () => {
  it('makes the directories 0700 and the file 0600, and leaves nothing else', async () => {
    const file = path.join(directory, 'a', 'b', 'c.json')
    await writeFileAtomic(file, 'one')
    await writeFileAtomic(file, 'two')
    expect(await fs.readFile(file, 'utf8')).toBe('two')
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    expect((await fs.stat(path.dirname(file))).mode & 0o777).toBe(0o700)
    expect(await fs.readdir(path.dirname(file))).toEqual(['c.json'])
  })

  it('with many writers at once leaves one whole version', async () => {
    const file = path.join(directory, 'x')
    const versions = Array.from({length: 50}, (_, i) => `${i}-`.repeat(2000))
    await Promise.all(versions.map((version) => writeFileAtomic(file, version)))
    expect(versions).toContain(await fs.readFile(file, 'utf8'))
    expect(await fs.readdir(directory)).toEqual(['x'])
  })

  it('says which file and why when it cannot be written, and keeps the old one', async () => {
    const inTheWay = path.join(directory, 'file')
    await fs.writeFile(inTheWay, 'old')
    await expect(writeFileAtomic(path.join(inTheWay, 'x'), 'new')).rejects.toMatchObject({
      kind: 'not-written',
      code: 'FILE_NOT_WRITABLE',
      why: 'A part of its path is a file.',
    })
    const full = path.join(directory, 'is-a-directory')
    await fs.mkdir(path.join(full, 'x'), {recursive: true})
    await expect(writeFileAtomic(full, 'new')).rejects.toMatchObject({code: 'FILE_NOT_WRITABLE'})
    expect(await fs.readFile(inTheWay, 'utf8')).toBe('old')
    expect((await fs.readdir(directory)).sort()).toEqual(['file', 'is-a-directory'])
  })
})

describe('reading', () => {
  it('returns undefined for a missing file, and a readable error for a directory', async () => {
    expect(await readFileIfThere(path.join(directory, 'none'))).toBeUndefined()
    await expect(readFileIfThere(directory)).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
      kind: 'config',
    })
  })

  it('of broken JSON names the file and does not quote it', () => {
    expect.assertions(2)
    try {
      parseOwnJson('{"token": "CANARY', '/x/config.json')
    } catch (error) {
      expect(error).toMatchObject({kind: 'config', code: 'BROKEN_FILE'})
      expect(JSON.stringify(error) + String(error)).not.toContain('CANARY')
    }
  })
})

describe('removeFile', () => {
  it('tells whether there was one', async () => {
    const file = path.join(directory, 'x')
    await fs.writeFile(file, '')
    expect(await removeFile(file)).toBe(true)
    expect(await removeFile(file)).toBe(false)
  })
})

describe('refuseIfOthersCanRead', () => {
  it.each([
    [0o600, true],
    [0o700, true],
    [0o640, false],
    [0o604, false],
    [0o620, false],
  ])('mode %o: %s', async (mode, fine) => {
    const file = path.join(directory, 'x')
    await fs.writeFile(file, '')
    await fs.chmod(file, mode)
    const check = refuseIfOthersCanRead(file)
    if (fine) await expect(check).resolves.toBeUndefined()
    else await expect(check).rejects.toMatchObject({kind: 'needs-action', code: 'UNSAFE_PERMISSIONS'})
  })

  it('suggests a chmod that fixes it', async () => {
    const file = path.join(directory, 'x')
    await fs.writeFile(file, '', {mode: 0o644})
    const error = (await refuseIfOthersCanRead(file).catch((thrown: unknown) => thrown)) as {next: string[]}
    execFileSync('/bin/sh', ['-c', error.next[0] ?? 'false'])
    await expect(refuseIfOthersCanRead(file)).resolves.toBeUndefined()
  })
})

describe('renaming and removing', () => {
  it.each<[platform: NodeJS.Platform, opened: boolean]>([
    ['linux', true],
    ['darwin', true],
    ['win32', false],
  ])('on %s the directory is opened to make that durable: %s', async (platform, opened) => {
    await expect(syncDirectory(directory, platform)).resolves.toBeUndefined()
    const gone = syncDirectory(path.join(directory, 'gone'), platform)
    if (opened) await expect(gone).rejects.toMatchObject({code: 'ENOENT'})
    else await expect(gone).resolves.toBeUndefined()
  })
})

describe('a file that others can read', () => {
  it.each<[platform: NodeJS.Platform, refused: boolean]>([
    ['linux', true],
    ['darwin', true],
    // It has no such modes: node says 666 of every file there.
    ['win32', false],
  ])('is refused on %s: %s, and the command that fixes it can be copied', async (platform, refused) => {
    const file = path.join(directory, "it's mine")
    await fs.writeFile(file, '')
    await fs.chmod(file, 0o666)
    const looked = refuseIfOthersCanRead(file, platform)
    if (!refused) return expect(looked).resolves.toBeUndefined()
    const error = await looked.catch((reason: unknown) => reason as UserError)
    expect(error).toMatchObject({code: 'UNSAFE_PERMISSIONS'})
    execFileSync('/bin/sh', ['-c', (error as UserError).next[0] ?? ''])
    await expect(refuseIfOthersCanRead(file, platform)).resolves.toBeUndefined()
  })
})

describe('a failed call on a file where nothing expects it', () => {
  const failed = (code: string, syscall?: string, file?: string): Error =>
    Object.assign(new Error(`${code}: secret text, ${syscall ?? ''}`), {
      code,
      syscall,
      ...(file && {path: file}),
    })

  it.each([
    ['ENOSPC', 'write', undefined, 'not-written', 'Cannot write a file (ENOSPC)', 'The disk is full.'],
    ['EDQUOT', 'open', '/x', 'not-written', 'Cannot write /x', "The user's disk quota is exceeded."],
    [
      'EFBIG',
      'write',
      '/x',
      'not-written',
      'Cannot write /x',
      'It is larger than the file system or a limit of this shell (ulimit -f) allows.',
    ],
    ['EROFS', 'open', '/x', 'not-written', 'Cannot write /x', 'The file system is read-only.'],
    ['EACCES', 'mkdir', '/x', 'not-written', 'Cannot write /x', 'Permission denied.'],
    ['EPERM', 'fchmod', undefined, 'not-written', 'Cannot write a file (EPERM)', 'Operation not permitted.'],
    ['EACCES', 'open', '/x', 'config', 'Cannot read /x', 'Permission denied.'],
    ['ENOTDIR', 'scandir', '/x', 'config', 'Cannot read /x', 'A part of its path is a file.'],
    ['ELOOP', 'scandir', '/x', 'config', 'Cannot read /x', 'A part of its path is a link to itself.'],
    ['EIO', 'read', '/x', 'config', 'Cannot read /x', 'The disk or the file system failed.'],
  ])('%s of %s on %s is no bug', (code, syscall, file, kind, message, why) => {
    expect(unusableFile(failed(code, syscall, file))).toMatchObject({kind, message, why})
  })

  it.each([
    ['EACCES', 'listen'],
    ['EACCES', 'connect'],
    ['EACCES', 'spawn ssh'],
    ['EPERM', 'kill'],
    ['ENOENT', 'open'],
    ['EACCES', undefined],
  ])('%s of %s stays what it is', (code, syscall) => {
    const error = failed(code, syscall, '/x')
    expect(unusableFile(error)).toBe(error)
  })
})
