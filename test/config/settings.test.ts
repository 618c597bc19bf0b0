import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {pathsFrom} from '../../src/lib/config/paths.js'
import {configFile, readConfig, updateProfile, useProfile} from '../../src/lib/config/profiles.js'
import {loadSettings, type LoadSettings} from '../../src/lib/config/settings.js'
import type {Settings} from '../../src/lib/config/types.js'
import {readSeed} from '../../src/lib/sandbox/seed.js'

let home: string
let env: Record<string, string>

beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-config-'))
  env = {XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, XDG_STATE_HOME: home, XDG_CACHE_HOME: home}
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

const cwd = (): string => path.join(home, 'work')
const load = (
  flags: LoadSettings['flags'] = {},
  more: Record<string, string> = {},
  missing: 'new' | undefined = undefined,
): Promise<Settings> => loadSettings({env: {...env, ...more}, cwd: cwd(), flags, missingProfile: missing})

async function write(file: string, content: unknown): Promise<void> {
  await fs.mkdir(path.dirname(file), {recursive: true})
  await fs.writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
}
const user = (content: unknown): Promise<void> => write(configFile(pathsFrom(env)), content)
const project = (content: unknown): Promise<void> => write(path.join(cwd(), '.zt.json'), content)

describe('which profile and account', () => {
  const profiles = Object.fromEntries(
    ['flag', 'environment', 'project', 'profile', 'default'].map((name) => [name, {accountId: `of-${name}`}]),
  )

  it('is said by flags before the environment before the project before the user, whichever are there', async () => {
    const sources = fc.subarray(['flag', 'environment', 'project', 'profile'] as const)
    await fc.assert(
      fc.asyncProperty(sources, async (there) => {
        const has = (source: (typeof there)[number]): boolean => there.includes(source)
        await user({version: 1, profiles, ...(has('profile') && {currentProfile: 'profile'})})
        await project(has('project') ? {profile: 'project'} : {})
        const settings = await load(
          has('flag') ? {profile: 'flag'} : {},
          has('environment') ? {ZT_PROFILE: 'environment'} : {},
        )
        const expected = there[0] ?? 'default'
        expect([settings.profileName, settings.profileSource]).toEqual([expected, expected])
        expect(settings.accountId).toBe(`of-${expected}`)
      }),
      {numRuns: 40},
    )
  })

  it.each([
    [{account: 'f'}, {CLOUDFLARE_ACCOUNT_ID: 'e'}, 'f', 'flag'],
    [{}, {CLOUDFLARE_ACCOUNT_ID: 'e'}, 'e', 'environment'],
    [{}, {CLOUDFLARE_ACCOUNT_ID: ' '}, 'p', 'project'],
    [{profile: 'flag'}, {}, 'of-flag', 'profile'],
    [{}, {ZT_PROFILE: 'environment'}, 'of-environment', 'profile'],
  ] as const)('the account with %j and %j is %s', async (flags, more, accountId, accountSource) => {
    await user({version: 1, profiles})
    await project({profile: 'project', account: 'p'})
    expect(await load(flags, more)).toMatchObject({accountId, accountSource})
  })

  it('finds the project above the directory', async () => {
    await user({version: 1, profiles})
    await write(path.join(home, '.zt.json'), {profile: 'project'})
    await fs.mkdir(cwd())
    expect(await load()).toMatchObject({profileName: 'project'})
  })
})

describe.each<[string, (text: string) => Buffer]>([
  ['UTF-8 with a byte order mark', (text) => Buffer.from(`\uFEFF${text}`)],
  ['UTF-16', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
])('files as PowerShell writes them, in %s', (_, encode) => {
  it('are read: the configuration, a project and a seed', async () => {
    const config = JSON.stringify({version: 1, profiles: {a: {accountName: 'Übung'}}})
    await user('')
    await fs.writeFile(configFile(pathsFrom(env)), encode(config))
    await project('')
    await fs.writeFile(path.join(cwd(), '.zt.json'), encode('{"profile":"a"}'))
    expect(await load()).toMatchObject({profileName: 'a', profileSource: 'project'})
    const seed = path.join(home, 'seed.json')
    await fs.writeFile(seed, encode('{"service_tokens":[{"name":"Übung"}]}'))
    expect(await readSeed(seed)).toMatchObject({service_tokens: [{name: 'Übung'}]})
  })
})

describe('what a project may not say', () => {
  it.each(['apiUrl', 'store', 'connectTo', 'caFile', 'token', '__proto__'])(
    'refuses %s, because a clone could send secrets elsewhere',
    async (field) => {
      await project(`{"profile":"default",${JSON.stringify(field)}:"https://evil.example"}`)
      await expect(load()).rejects.toMatchObject({kind: 'config', code: 'BROKEN_FILE'})
    },
  )
})

describe('a damaged file', () => {
  it.each([
    ['', /json/i],
    ['{"version":1,"profiles":', /json/i],
    ['[]', /version is missing/],
    ['{"version":"2","profiles":{}}', /version/],
    ['{"version":2,"profiles":{}}', /newer zt wrote it \(version 2/, 'NEWER_FILE'],
    [
      '{"version":1,"profiles":{"a":{"store":"plain-text"}}}',
      /profiles\.a\.store should be the name of a secret store/,
    ],
    ['{"version":1,"profiles":{"a":"canary-secret"}}', /profiles\.a/],
  ])(
    'config.json with %j is named, not quoted, and stays as it is',
    async (content, why, code = 'BROKEN_FILE') => {
      await user(content)
      const file = configFile(pathsFrom(env))
      const paths = pathsFrom(env)
      for (const attempt of [
        () => load(),
        () => updateProfile(paths, 'b', {}),
        () => useProfile(paths, 'a'),
      ]) {
        const error = (await attempt().catch((reason: unknown) => reason)) as Error & {why: string}
        expect(error).toMatchObject({kind: 'config', code})
        expect(error.message).toContain(file)
        expect(`${error.message} ${error.why}`).toMatch(why)
        expect(JSON.stringify(error) + String(error.stack)).not.toContain('canary-secret')
      }
      expect(await fs.readFile(file, 'utf8')).toBe(content)
    },
  )
})

describe('writing a profile', () => {
  it('keeps what a newer zt wrote, and other profiles', async () => {
    const content = {
      version: 1,
      future: {x: 1},
      profiles: {a: {accountId: 'a', future: [2]}, b: {accountId: 'b'}},
    }
    await user(content)
    await updateProfile(pathsFrom(env), 'a', {accountName: 'A'})
    await useProfile(pathsFrom(env), 'b')
    expect(await readConfig(pathsFrom(env))).toEqual({
      ...content,
      currentProfile: 'b',
      profiles: {a: {accountId: 'a', future: [2], accountName: 'A'}, b: {accountId: 'b'}},
    })
  })

  it('loses none of many changes at once', async () => {
    const paths = pathsFrom(env)
    const names = Array.from({length: 20}, (_, at) => `p${at}`)
    await Promise.all(names.map((name) => updateProfile(paths, name, {accountId: name})))
    await Promise.all([useProfile(paths, 'p3'), updateProfile(paths, 'p4', {store: 'vault'})])
    const {profiles, currentProfile} = await readConfig(paths)
    expect(Object.keys(profiles)).toEqual(expect.arrayContaining(names))
    expect(currentProfile).toBe('p3')
    expect(profiles['p4']).toEqual({accountId: 'p4', store: 'vault'})
  })

  it('makes files and directories that no one else can read', async () => {
    env['XDG_CONFIG_HOME'] = path.join(home, 'new')
    await updateProfile(pathsFrom(env), 'a', {})
    const file = configFile(pathsFrom(env))
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600)
    expect((await fs.stat(path.dirname(file))).mode & 0o777).toBe(0o700)
  })

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '-a',
    'a b',
    'x'.repeat(65),
    'ü',
    'a\n',
    'constructor',
    'toString',
    '__proto__',
  ])('takes no profile called %j', async (name) => {
    const bad = {code: 'BAD_PROFILE_NAME'}
    await expect(updateProfile(pathsFrom(env), name, {})).rejects.toMatchObject(bad)
    if (name !== '') await expect(load({profile: name}, {}, 'new')).rejects.toMatchObject(bad)
    expect(await fs.readdir(home)).toEqual([])
  })

  it('knows no profile that was not made, and names those that were', async () => {
    await user({version: 1, profiles: {work: {}}})
    for (const attempt of [() => load({profile: 'wrk'}), () => useProfile(pathsFrom(env), 'wrk')]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'PROFILE_NOT_FOUND',
        why: expect.stringContaining('work') as string,
        next: ['zt profile list', 'To add it: zt login --profile wrk'],
      })
    }
    expect(await load({profile: 'wrk'}, {}, 'new')).toMatchObject({profileExists: false})
  })
})

describe('bad values', () => {
  it.each([
    [{apiUrl: 'ftp://x'}, {}, 'BAD_API_URL'],
    [{apiUrl: 'https://user:canary-secret@x'}, {}, 'BAD_API_URL'],
    [{apiUrl: 'nowhere'}, {}, 'BAD_API_URL'],
    [{connectTo: 'nowhere'}, {}, 'BAD_CONNECT_TO'],
    [{connectTo: 'x:99999'}, {}, 'BAD_CONNECT_TO'],
    [{}, {ZT_STORE: 'plain'}, 'UNKNOWN_STORE'],
    ...['long', '2h', '-1s', '5', '1h1s'].map(
      (text) => [{}, {ZT_RATE_LIMIT_WAIT: text}, 'BAD_RATE_LIMIT_WAIT'] as const,
    ),
    [{}, {CF_ACCESS_CLIENT_ID: 'x'}, 'HALF_A_PAIR'],
    [{}, {CF_ACCESS_CLIENT_SECRET: 'canary-secret'}, 'HALF_A_PAIR'],
  ] as const)('%j with %j is %s', async (flags, more, code) => {
    const error = await load(flags, more).catch((reason: unknown) => reason)
    expect(error).toMatchObject({kind: 'usage', code})
    expect(JSON.stringify(error) + String(error)).not.toContain('canary-secret')
  })
})

describe('how long to wait where Cloudflare asks for it', () => {
  it.each([
    ['', undefined],
    ['0', 0],
    ['0s', 0],
    ['90s', 90],
    ['1m30s', 90],
    ['1.9s', 1],
    ['1h', 3600],
  ])('"%s" is %s seconds', async (text, seconds) => {
    expect((await load({}, {ZT_RATE_LIMIT_WAIT: text})).rateLimitWait).toBe(seconds)
  })
})

describe('a profile whose name differs by case only', () => {
  beforeEach(() => user({version: 1, profiles: {Prod: {accountId: 'a'}}}))

  it.each(['prod', 'PROD'])('is not made: %s', async (name) => {
    const taken = {
      kind: 'conflict',
      code: 'PROFILE_NAME_TAKEN',
      next: ['Use it: --profile Prod', 'Choose another name'],
    }
    await expect(load({profile: name}, {}, 'new')).rejects.toMatchObject(taken)
    await expect(updateProfile(pathsFrom(env), name, {})).rejects.toMatchObject(taken)
    expect((await readConfig(pathsFrom(env))).profiles).toEqual({Prod: {accountId: 'a'}})
  })

  it('of an older file stays usable, as does the other', async () => {
    await user({version: 1, profiles: {Prod: {accountId: 'a'}, prod: {accountId: 'b'}}})
    for (const [name, accountId] of [
      ['Prod', 'a'],
      ['prod', 'b'],
    ] as const) {
      expect(await load({profile: name}, {}, 'new')).toMatchObject({profileName: name, accountId})
      expect(await updateProfile(pathsFrom(env), name, {store: 'vault'})).toMatchObject({accountId})
    }
  })
})

describe('directories', () => {
  it.each([
    [{}, 'linux', '/home/u/.config/zt', '/home/u/.local/share/zt'],
    [{XDG_CONFIG_HOME: '/x', XDG_DATA_HOME: '/y'}, 'linux', '/x/zt', '/y/zt'],
    [
      {XDG_CONFIG_HOME: 'relative', XDG_DATA_HOME: ''},
      'linux',
      '/home/u/.config/zt',
      '/home/u/.local/share/zt',
    ],
    [{XDG_CONFIG_HOME: '/x'}, 'darwin', '/x/zt', '/home/u/.local/share/zt'],
  ] as const)('%j on %s are %s and %s', (variables, platform, config, data) => {
    expect(pathsFrom(variables, platform, '/home/u')).toMatchObject({config, data})
  })
})

describe('where secrets go', () => {
  it.each([
    [{}, {}, {}, {credentialHelper: undefined, vaultRecipients: [], apiTokenStore: undefined}],
    [{}, {ZT_CREDENTIAL_HELPER: 'pass'}, {}, {credentialHelper: 'pass'}],
    [{}, {ZT_CREDENTIAL_HELPER: 'helper:pass'}, {}, {credentialHelper: 'pass'}],
    [
      {store: 'helper:pass'},
      {ZT_STORE: 'vault'},
      {store: 'keychain'},
      {store: 'helper:pass', profileStore: 'keychain'},
    ],
    [{}, {}, {store: 'vault', apiTokenStore: 'keychain'}, {store: 'vault', apiTokenStore: 'keychain'}],
    [{}, {}, {store: 'vault'}, {apiTokenStore: 'vault'}],
    [
      {},
      {ZT_VAULT_RECIPIENT: 'age1a, age1b'},
      {vaultRecipients: ['age1c']},
      {vaultRecipients: ['age1a', 'age1b']},
    ],
    [{}, {}, {vaultRecipients: ['age1c']}, {vaultRecipients: ['age1c'], environmentRecipients: []}],
  ])(
    'with the flags %j, the environment %j and the profile %j: %j',
    async (flags, more, profile, expected) => {
      await user({version: 1, profiles: {default: profile}})
      expect(await load(flags, more)).toMatchObject(expected)
    },
  )

  it.each([
    [{store: 'plain'}, {}, 'UNKNOWN_STORE'],
    [{store: 'helper:'}, {}, 'UNKNOWN_STORE'],
    [{}, {ZT_STORE: 'helper:../x'}, 'UNKNOWN_STORE'],
    [{}, {ZT_CREDENTIAL_HELPER: '../x'}, 'BAD_CREDENTIAL_HELPER'],
    [{}, {ZT_CREDENTIAL_HELPER: 'a b'}, 'BAD_CREDENTIAL_HELPER'],
  ])('refuses %j with %j', async (flags, more, code) => {
    await expect(load(flags, more)).rejects.toMatchObject({kind: 'usage', code})
  })
})
