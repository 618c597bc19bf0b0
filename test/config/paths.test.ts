import {createRequire} from 'node:module'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {pathsFrom} from '../../src/lib/config/paths.js'

type Variables = Readonly<Record<string, string>>
const ON_UNIX = ['linux', 'darwin'] as const
const HOME = 'C:\\Users\\Jo Do'
const LOCAL = `${HOME}\\AppData\\Local\\zt`

describe('on Windows', () => {
  it.each<[what: string, env: Variables, config: string, data: string]>([
    ['nothing', {}, `${HOME}\\AppData\\Roaming\\zt`, `${LOCAL}\\Data`],
    ['empty variables', {APPDATA: '', LOCALAPPDATA: ''}, `${HOME}\\AppData\\Roaming\\zt`, `${LOCAL}\\Data`],
    [
      'relative ones',
      {APPDATA: 'x\\y', LOCALAPPDATA: 'x'},
      `${HOME}\\AppData\\Roaming\\zt`,
      `${LOCAL}\\Data`,
    ],
    [
      'ones on a drive',
      {APPDATA: 'C:x', LOCALAPPDATA: 'D:'},
      `${HOME}\\AppData\\Roaming\\zt`,
      `${LOCAL}\\Data`,
    ],
    ['no drive', {APPDATA: '\\x', LOCALAPPDATA: '/x'}, `${HOME}\\AppData\\Roaming\\zt`, `${LOCAL}\\Data`],
    ['both', {APPDATA: 'D:\\R', LOCALAPPDATA: 'D:\\L'}, 'D:\\R\\zt', 'D:\\L\\zt\\Data'],
    ['a slash at the end', {APPDATA: 'D:\\R\\', LOCALAPPDATA: 'D:/L/'}, 'D:\\R\\zt', 'D:\\L\\zt\\Data'],
    [
      'a share',
      {APPDATA: '\\\\srv\\homes$\\jo', LOCALAPPDATA: '//srv/l/jo'},
      '\\\\srv\\homes$\\jo\\zt',
      '\\\\srv\\l\\jo\\zt\\Data',
    ],
    ['names in another case', {AppData: 'D:\\R', LocalAppData: 'D:\\L'}, 'D:\\R\\zt', 'D:\\L\\zt\\Data'],
    [
      'XDG before them',
      {XDG_CONFIG_HOME: 'E:\\c', XDG_DATA_HOME: 'E:/d', APPDATA: 'D:\\R', LOCALAPPDATA: 'D:\\L'},
      'E:\\c\\zt',
      'E:\\d\\zt',
    ],
    [
      'XDG of another system',
      {XDG_CONFIG_HOME: '/home/jo/.config', XDG_DATA_HOME: '~\\d'},
      `${HOME}\\AppData\\Roaming\\zt`,
      `${LOCAL}\\Data`,
    ],
  ])('%s', (_what, env, config, data) => {
    expect(pathsFrom(env, 'win32', HOME)).toMatchObject({config, data})
  })

  it('what may be lost lies beside the data, and not in it', () => {
    expect(pathsFrom({LOCALAPPDATA: 'C:\\L'}, 'win32', HOME)).toMatchObject({
      data: 'C:\\L\\zt\\Data',
      state: 'C:\\L\\zt\\State',
      cache: 'C:\\L\\zt\\Cache',
    })
  })
})

describe.each(ON_UNIX)('on %s', (platform) => {
  it.each<[env: Variables, home: string, config: string, data: string]>([
    [{}, '/home/u', '/home/u/.config/zt', '/home/u/.local/share/zt'],
    [{}, '/home/u/', '/home/u/.config/zt', '/home/u/.local/share/zt'],
    [{}, '/Users/Jo Do', '/Users/Jo Do/.config/zt', '/Users/Jo Do/.local/share/zt'],
    [{XDG_CONFIG_HOME: '/x', XDG_DATA_HOME: '/y/'}, '/home/u', '/x/zt', '/y/zt'],
    [{XDG_CONFIG_HOME: 'x', XDG_DATA_HOME: ''}, '/h', '/h/.config/zt', '/h/.local/share/zt'],
    [{XDG_CONFIG_HOME: 'C:\\x', xdg_data_home: '/y'}, '/h', '/h/.config/zt', '/h/.local/share/zt'],
    [{APPDATA: '/a', LOCALAPPDATA: '/l'}, '/h', '/h/.config/zt', '/h/.local/share/zt'],
  ])('%j with the home %s: %s and %s', (env, home, config, data) => {
    expect(pathsFrom(env, platform, home)).toMatchObject({config, data})
  })
})

describe('the place of the compiled code', () => {
  interface LoadBundle {
    cacheDirectory: (env: Variables, platform: NodeJS.Platform, home: string) => string | undefined
  }
  const {cacheDirectory} = createRequire(import.meta.url)('../../bin/load-bundle.cjs') as LoadBundle

  it('is in the cache directory on every system, whatever the environment', () => {
    const place = fc.constantFrom(
      '',
      'x',
      '/x',
      '/x/',
      'C:\\x',
      'C:x',
      'c:/x y/',
      '\\x',
      '\\\\srv\\x',
      '\\\\',
      '//s/x',
    )
    const env = fc.record({XDG_CACHE_HOME: place, LOCALAPPDATA: place}, {requiredKeys: []})
    fc.assert(
      fc.property(env, fc.constantFrom(...ON_UNIX, 'win32' as const), (variables, platform) => {
        const home = platform === 'win32' ? 'C:\\Users\\u' : '/home/u'
        expect(cacheDirectory(variables, platform, home)).toBe(pathsFrom(variables, platform, home).cache)
      }),
      {numRuns: 500},
    )
  })

  it('is none where no home is known', () => {
    for (const home of ['', 'rel']) expect(cacheDirectory({}, 'linux', home)).toBeUndefined()
  })
})
