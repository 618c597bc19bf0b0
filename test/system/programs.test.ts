import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {findProgram, findShim, isProgramFile, isShim} from '../../src/lib/system/programs.js'

const PATH = 'C:\\a;C:\\b'
/** Finds files as Windows does, whatever the case. */
const windows = (...files: string[]) => ({
  platform: 'win32' as const,
  isProgram: (file: string) => files.some((one) => one.toUpperCase() === file.toUpperCase()),
})

describe('a program on Windows', () => {
  it.each<
    [what: string, name: string, env: Record<string, string>, there: string[], found: string | undefined]
  >([
    ['its ending is added', 'ssh', {PATH}, ['C:\\b\\ssh.EXE'], 'C:\\b\\ssh.exe'],
    ['the first directory wins', 'ssh', {PATH}, ['C:\\b\\ssh.exe', 'C:\\a\\ssh.exe'], 'C:\\a\\ssh.exe'],
    ['without PATHEXT', 'x', {PATH}, ['C:\\a\\x.exe', 'C:\\a\\x.com'], 'C:\\a\\x.com'],
    [
      'in the order of PATHEXT, in any case',
      'x',
      {PATH, PATHEXT: '.cmd; .exe;.Com'},
      ['C:\\a\\x.exe', 'C:\\a\\x.com'],
      'C:\\a\\x.exe',
    ],
    ['a PATHEXT without it', 'x', {PATH, PATHEXT: '.PY'}, ['C:\\a\\x.exe'], 'C:\\a\\x.exe'],
    ['PATH and PATHEXT by other names', 'x', {Path: PATH, PathExt: '.EXE'}, ['C:\\a\\x.exe'], 'C:\\a\\x.exe'],
    ['with its ending said', 'curl.exe', {PATH}, ['C:\\a\\curl.exe'], 'C:\\a\\curl.exe'],
    ['with a dot in its name', 'python3.11', {PATH}, ['C:\\a\\python3.11.exe'], 'C:\\a\\python3.11.exe'],
    ['a file without an ending starts nothing', 'x', {PATH}, ['C:\\a\\x'], undefined],
    [
      'a batch file is passed over for the program behind it',
      'x',
      {PATH, PATHEXT: '.COM;.EXE;.BAT;.CMD'},
      ['C:\\a\\x.cmd', 'C:\\b\\x.exe'],
      'C:\\b\\x.exe',
    ],
    ['a batch file alone', 'x', {PATH, PATHEXT: '.CMD'}, ['C:\\a\\x.cmd', 'C:\\a\\x.bat'], undefined],
    ['a batch file by its name', 'x.cmd', {PATH}, ['C:\\a\\x.cmd'], undefined],
    [
      'not where one is',
      'x',
      {PATH: '.;;C:a;\\b'},
      ['.\\x.exe', 'x.exe', 'C:a\\x.exe', '\\b\\x.exe'],
      undefined,
    ],
    ['no PATH', 'x', {}, ['x.exe'], undefined],
  ])('%s', (_what, name, env, there, found) => {
    expect(findProgram(name, env, windows(...there))).toBe(found)
  })

  it.each<[name: string, there: string, found: string | undefined]>([
    ['npm', 'C:\\b\\npm.cmd', 'C:\\b\\npm.cmd'],
    ['npm.cmd', 'C:\\b\\npm.cmd', 'C:\\b\\npm.cmd'],
    ['run', 'C:\\a\\run.bat', 'C:\\a\\run.bat'],
    ['ssh', 'C:\\a\\ssh.exe', undefined],
  ])('%s as a batch file: %s', (name, there, found) => {
    expect(findShim(name, {PATH}, windows(there))).toBe(found)
  })

  it('a batch file is one by its ending, in any case, and only there', () => {
    for (const name of ['a.cmd', 'C:\\a.BAT', 'a.b.Cmd']) {
      expect(isShim(name, 'win32')).toBe(true)
      expect(isShim(name, 'linux')).toBe(false)
    }
    for (const name of ['a.exe', 'cmd', 'a.cmd.exe', 'a']) expect(isShim(name, 'win32')).toBe(false)
  })
})

describe('a file that can be started', () => {
  const failing = (code: string) => (): never => {
    throw Object.assign(new Error(code), {code})
  }
  const stat = (isFile: boolean) => () => ({isFile: () => isFile, isDirectory: () => !isFile})
  type Look = NonNullable<Parameters<typeof isProgramFile>[2]>
  const looking = (accessSync: () => void, statSync: () => unknown, lstatSync: () => unknown): Look =>
    ({accessSync, statSync, lstatSync}) as unknown as Look
  const nothing = () => undefined

  it.each<[what: string, look: Look, onWindows: boolean, elsewhere: boolean]>([
    ['a file', looking(nothing, stat(true), stat(true)), true, true],
    ['a directory', looking(nothing, stat(false), stat(false)), false, false],
    ['none', looking(failing('ENOENT'), failing('ENOENT'), failing('ENOENT')), false, false],
    ['one of the Microsoft Store', looking(nothing, failing('EACCES'), stat(true)), true, false],
    ['the same in an older node', looking(nothing, failing('UNKNOWN'), stat(true)), true, false],
    [
      'a directory that is closed to this user',
      looking(nothing, failing('EACCES'), stat(false)),
      false,
      false,
    ],
    ['a file below one', looking(failing('EACCES'), nothing, failing('EACCES')), false, false],
    ['a link to itself', looking(failing('ELOOP'), nothing, stat(true)), false, false],
  ])('%s', (_what, look, onWindows, elsewhere) => {
    expect(isProgramFile('x', 'win32', look)).toBe(onWindows)
    for (const platform of ['linux', 'darwin'] as const)
      expect(isProgramFile('x', platform, look)).toBe(elsewhere)
  })
})

it.each(['linux', 'darwin'] as const)('on %s a program is a file that may be executed', async (platform) => {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-programs-'))
  try {
    const [first, second] = [path.join(directory, 'a'), path.join(directory, 'b')]
    await fs.mkdir(path.join(first, 'tool'), {recursive: true})
    await fs.mkdir(second)
    await fs.writeFile(path.join(first, 'data'), '', {mode: 0o644})
    await fs.writeFile(path.join(second, 'tool'), '', {mode: 0o755})
    await fs.writeFile(path.join(second, 'x.exe'), '', {mode: 0o755})
    const env = {PATH: `${first}::${second}`, PATHEXT: '.EXE'}
    expect(findProgram('tool', env, {platform})).toBe(path.join(second, 'tool'))
    for (const name of ['data', 'x', 'none']) expect(findProgram(name, env, {platform})).toBeUndefined()
    expect(findShim('x', env, {platform})).toBeUndefined()
  } finally {
    await fs.rm(directory, {recursive: true, force: true})
  }
})
