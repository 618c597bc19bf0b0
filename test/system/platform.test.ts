import {describe, expect, it} from 'vitest'
import {
  certainFile,
  homeDirectory,
  isFullPath,
  searchDirectories,
  variableOf,
  namedFile,
} from '../../src/lib/system/platform.js'

describe('a full path', () => {
  it.each<[text: string, onUnix: boolean, onWindows: boolean]>([
    ['/a', true, false],
    ['//server/share', true, true],
    ['C:\\a', false, true],
    ['c:/a', false, true],
    ['C:\\', false, true],
    ['C:a', false, false],
    ['C:', false, false],
    ['\\a', false, false],
    ['\\\\server\\share', false, true],
    ['\\\\?\\C:\\a', false, true],
    ['\\\\', false, false],
    ['a', false, false],
    ['', false, false],
    ['~/a', false, false],
  ])('%j: %s, on Windows %s', (text, onUnix, onWindows) => {
    expect(isFullPath(text, 'linux')).toBe(onUnix)
    expect(isFullPath(text, 'darwin')).toBe(onUnix)
    expect(isFullPath(text, 'win32')).toBe(onWindows)
  })
})

describe('a search path', () => {
  it.each<[what: string, platform: NodeJS.Platform, searchPath: string | undefined, directories: string[]]>([
    ['none', 'linux', undefined, []],
    ['empty entries and relative ones', 'linux', ':/a::b:./c:/a:/d e:', ['/a', '/d e']],
    ['quotes are part of a name', 'darwin', '"/a":/b"', ['/b"']],
    ['none', 'win32', undefined, []],
    [
      'quotes around a semicolon, drives, shares',
      'win32',
      'C:\\Windows;"C:\\a;b\\c";;.;C:;\\x;C:x;\\\\s\\d;"D:\\e";C:\\Windows',
      ['C:\\Windows', 'C:\\a;b\\c', '\\\\s\\d', 'D:\\e'],
    ],
    ['a quote without its partner', 'win32', 'C:\\a;"C:\\b;C:\\c', ['C:\\a', 'C:\\b;C:\\c']],
    ['colons of drives', 'win32', 'C:\\a:D:\\b', ['C:\\a:D:\\b']],
  ])('%s (%s)', (_what, platform, searchPath, directories) => {
    expect(searchDirectories(searchPath, platform)).toEqual(directories)
  })
})

describe('a variable', () => {
  it.each<[env: Record<string, string>, platform: NodeJS.Platform, value: string | undefined]>([
    [{PATH: 'a', Path: 'b'}, 'win32', 'a'],
    [{Path: 'b'}, 'win32', 'b'],
    [{Path: 'b'}, 'linux', undefined],
    [{Path: 'b'}, 'darwin', undefined],
    [{}, 'win32', undefined],
  ])('PATH in %j on %s', (env, platform, value) => {
    expect(variableOf(env, 'PATH', platform)).toBe(value)
  })
})

describe('the home directory', () => {
  const says = (homedir: string | undefined, database: string | undefined) => {
    const answer = (value: string | undefined): string => {
      if (value === undefined) throw new Error('ENOENT')
      return value
    }
    return {homedir: () => answer(homedir), userInfo: () => ({homedir: answer(database)})}
  }

  it.each<
    [homedir: string | undefined, database: string | undefined, platform: NodeJS.Platform, home: string]
  >([
    ['/h', '/d', 'linux', '/h'],
    ['/h/', '/d', 'darwin', '/h/'],
    ['', '/d', 'linux', '/d'],
    [' ', '/d', 'linux', '/d'],
    ['rel', '/d', 'darwin', '/d'],
    [undefined, '/d', 'linux', '/d'],
    ['C:\\Users\\u', 'D:\\u', 'win32', 'C:\\Users\\u'],
    ['\\u', 'D:\\u', 'win32', 'D:\\u'],
  ])('HOME %j, the system %j on %s: %s', (homedir, database, platform, home) => {
    expect(homeDirectory(says(homedir, database), platform)).toBe(home)
  })

  it.each<[homedir: string | undefined, platform: NodeJS.Platform, variable: string]>([
    ['', 'linux', 'HOME'],
    [undefined, 'darwin', 'HOME'],
    ['x', 'win32', 'USERPROFILE'],
  ])('is missing (%j on %s): the error says how to give one', (homedir, platform, variable) => {
    expect(() => homeDirectory(says(homedir, undefined), platform)).toThrow(
      expect.objectContaining({code: 'NO_HOME', why: expect.stringContaining(variable) as string}),
    )
  })
})

describe('a file that a person named', () => {
  const home = (): string => 'C:\\Users\\ü'

  it.each<[platform: NodeJS.Platform, text: string, file: string]>([
    ['win32', '~\\x.pem', 'C:\\Users\\ü\\x.pem'],
    ['win32', '~/a/x.pem', 'C:\\Users\\ü\\a\\x.pem'],
    ['win32', '~x', '~x'],
    ['win32', 'C:\\nulls\\console.txt', 'C:\\nulls\\console.txt'],
    ['win32', '\\\\?\\C:\\x', '\\\\?\\C:\\x'],
    ['win32', '-', '-'],
    ...[
      '..\\x.pem',
      '.',
      '..',
      'a..b',
      ' a.pem',
      'a b.pem',
      'C:x.pem',
      '\\\\s\\d$\\x',
      '\\\\?\\UNC\\s\\d\\x',
      "it's (1).pem",
    ].map((text): ['win32', string, string] => ['win32', text, text]),
    ['linux', 'a:b', 'a:b'],
    ['darwin', 'a. ', 'a. '],
    ['linux', '~/x', '~/x'],
    ['linux', 'nul', 'nul'],
  ])('on %s, %s is %s', (platform, text, file) => {
    expect(namedFile(text, platform, home)).toBe(file)
  })

  it.each([
    ...['NUL', 'C:\\x\\nul.txt', 'con', 'aux .pem', 'COM1:', 'CONOUT$', '\\\\.\\pipe\\x', '\\\\.\\NUL'],
    ...['C:nul', 'com\u00b9', 'LPT\u00b3.txt', 'Prn.tar.gz', '\\\\?\\pipe\\x', '~\\con'],
  ])('on Windows is not the device %s', (text) => {
    expect(() => namedFile(text, 'win32', home)).toThrow(
      expect.objectContaining({code: 'NOT_A_FILE', message: expect.stringContaining('device') as string}),
    )
  })

  it.each([
    ...['x.txt:hidden', 'x.txt::$DATA', 'C:\\a\\b:c\\d', '\\\\?\\C:\\x:y', 'file:///C:/x'],
    ...['x.', 'x ', 'a.\\x', '...', 'x. .', ' ', 'a?', '*.pem', '<x>', 'a|b', 'a"b', 'a\nb'],
  ])('on Windows is nothing that no file can be called: %j', (text) => {
    expect(() => namedFile(text, 'win32', home)).toThrow(expect.objectContaining({code: 'NOT_A_FILE'}))
  })
})

describe('a file that a variable or a setting names', () => {
  const home = (): string => 'C:\\Users\\u'

  it.each(['/etc/ssl/ca.pem', '\\ca.pem', 'C:ca.pem', 'c:', '/'])(
    'is not read on Windows if it depends on the drive: %s',
    (text) => {
      expect(() => certainFile(text, 'ZT_CA_FILE', 'win32', home)).toThrow(
        expect.objectContaining({code: 'DRIVE_NOT_NAMED', message: expect.stringContaining(text) as string}),
      )
      for (const platform of ['linux', 'darwin'] as const)
        expect(certainFile(text, 'ZT_CA_FILE', platform, home)).toBe(text)
    },
  )

  it.each([
    ['C:\\ca.pem', 'C:\\ca.pem'],
    ['\\\\s\\d\\ca.pem', '\\\\s\\d\\ca.pem'],
    ['ca.pem', 'ca.pem'],
    ['~\\ca.pem', 'C:\\Users\\u\\ca.pem'],
  ])('is, on Windows: %s as %s', (text, file) => {
    expect(certainFile(text, 'ZT_CA_FILE', 'win32', home)).toBe(file)
  })
})
