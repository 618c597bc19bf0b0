import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {fileName, IndexFiles} from '../../src/lib/secrets/index-files.js'

const SYSTEMS = ['linux', 'darwin', 'win32'] as const

describe('a name of a file that is made of a name', () => {
  it.each<[name: string, onUnix: string, onWindows: string]>([
    ['git.example.com', 'git.example.com', 'git.example.com'],
    ['*.example.com', '%2A.example.com', '%2A.example.com'],
    ['.hidden', '%2Ehidden', '%2Ehidden'],
    ['..', '%2E.', '%2E%2E'],
    ['a/b\\c:d', 'a%2Fb%5Cc%3Ad', 'a%2Fb%5Cc%3Ad'],
    ['con', 'con', '%63on'],
    ['NUL.example', 'NUL.example', '%4EUL.example'],
    ['com1.example', 'com1.example', '%63om1.example'],
    ['LPT9', 'LPT9', '%4CPT9'],
    ['console.example', 'console.example', 'console.example'],
    ['com10', 'com10', 'com10'],
    ['prod.', 'prod.', 'prod%2E'],
    ['jürgen', 'j%C3%BCrgen', 'j%C3%BCrgen'],
  ])('%s: %s, on Windows %s', (name, onUnix, onWindows) => {
    expect(fileName(name, 'linux')).toBe(onUnix)
    expect(fileName(name, 'darwin')).toBe(onUnix)
    expect(fileName(name, 'win32')).toBe(onWindows)
  })

  it('can be read back, is of ASCII alone, and is one that the system keeps as it is', () => {
    const name = fc.oneof(
      fc.string({unit: 'grapheme', minLength: 1}),
      fc
        .constantFrom('con', 'aux', 'com0', 'prn')
        .chain((one) => fc.constantFrom('', '.', '.x', 'x').map((end) => one + end)),
    )
    fc.assert(
      fc.property(name, fc.constantFrom(...SYSTEMS), (text, platform) => {
        const file = fileName(text, platform)
        expect(decodeURIComponent(file)).toBe(text)
        expect(file).toMatch(/^[A-Za-z0-9%_!~'()-][A-Za-z0-9%_!~'().-]*$/)
        if (platform === 'win32') expect(`${file}.json`).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)\./i)
        if (platform === 'win32') expect(file).not.toMatch(/\.$/)
      }),
    )
  })
})

describe('two profiles that one directory is made for, as case is not distinguished', () => {
  let directory: string
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-index-'))
    for (const kind of ['index', 'hosts']) {
      await fs.mkdir(path.join(directory, kind, 'prod'), {recursive: true})
      await fs.symlink('prod', path.join(directory, kind, 'Prod'))
    }
  })
  afterEach(() => fs.rm(directory, {recursive: true, force: true}))

  it('see each its own entries and bindings alone', async () => {
    const index = new IndexFiles(directory)
    for (const [at, profile] of ['prod', 'Prod'].entries()) {
      const entry = {
        clientId: 'c',
        name: 'n',
        accountId: 'a',
        store: 'vault' as const,
        storedAt: '2026-01-01T00:00:00Z',
      }
      await index.put({...entry, profile, tokenId: `of-${profile}`, expiresAt: undefined})
      await index.bind({
        profile,
        host: `h${at}.example`,
        tokenId: `of-${profile}`,
        boundAt: '2026-01-01T00:00:00Z',
      })
    }
    for (const profile of ['prod', 'Prod']) {
      expect((await index.list(profile)).map(({tokenId}) => tokenId)).toEqual([`of-${profile}`])
      expect((await index.bindings(profile)).map(({tokenId}) => tokenId)).toEqual([`of-${profile}`])
    }
  })
})

describe('the binding for an address', () => {
  let index: IndexFiles
  let directory: string
  const bind = (host: string): Promise<unknown> =>
    index.bind({profile: 'p', host, tokenId: 'x', boundAt: '2026-01-01T00:00:00Z'})
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-index-'))
    index = new IndexFiles(directory)
  })
  afterEach(() => fs.rm(directory, {recursive: true, force: true}))

  it.each<[host: string, path: string | undefined, bound: string | undefined]>([
    ['a.example', undefined, 'a.example'],
    ['a.example', '/', 'a.example'],
    ['a.example', '/hooks', 'a.example/hooks'],
    ['a.example', '/hooks/deep/er', 'a.example/hooks/deep'],
    ['a.example', '/HOOKS', 'a.example'],
    ['a.example', '/x/news', 'a.example/*/news'],
    ['b.example', '/', '*.example'],
    ['b.example', '/hooks', '*.example/hooks'],
    ['only.path.example', '/', undefined],
    ['only.path.example', '/p', 'only.path.example/p'],
    ['c.test', '/', undefined],
  ])('is the most specific: %s %s is %s', async (host, at, bound) => {
    for (const one of [
      ...['*.example', 'a.example', 'a.example/*/news', 'a.example/hooks/deep', 'a.example/hooks'],
      ...['*.example/hooks', 'only.path.example/p'],
    ])
      await bind(one)
    expect((await index.bindingFor('p', host, at))?.host).toBe(bound)
  })

  it('has a file of its own for each host and path, whatever their length, and wherever case does not count', async () => {
    const all = [
      'a.example',
      'a.example/x',
      'a.example/X',
      'a.example/%2F',
      'a.example/%2f',
      'a.example/.',
      'a.example/*',
    ]
    const long = ['a', 'b'].map((end) => `a.example/${'long/'.repeat(80)}${end}`)
    for (const host of [...all, ...long]) await bind(host)
    const names = await fs.readdir(path.join(directory, 'hosts', 'p'))
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(all.length + long.length)
    expect(Math.max(...names.map((name) => name.length))).toBeLessThan(200)
    for (const host of [...all, ...long]) expect(await index.unbind('p', host)).toBe(true)
    expect(await index.bindings('p')).toEqual([])
  })

  it('with a path has a version that an earlier zt refuses: it would take it for the whole host', async () => {
    for (const [host, version] of [
      ['a.example', 1],
      ['a.example/x', 2],
    ] as const) {
      await bind(host)
      const [name = ''] = await fs.readdir(path.join(directory, 'hosts', 'p'))
      const text = await fs.readFile(path.join(directory, 'hosts', 'p', name), 'utf8')
      expect(JSON.parse(text)).toMatchObject({version, host})
      await index.unbind('p', host)
    }
  })
})

describe('an entry of another version of zt', () => {
  let directory: string
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-index-'))
    await fs.mkdir(path.join(directory, 'index', 'prod'), {recursive: true})
  })
  afterEach(() => fs.rm(directory, {recursive: true, force: true}))

  it.each<[string, object, object]>([
    ['an earlier one, without the number of the secret', {}, {name: 'n'}],
    ['a later one, with fields that are not known', {secretVersion: 3, later: true}, {secretVersion: 3}],
  ])('is read: %s', async (_, more, known) => {
    const entry = {
      ...{version: 1, tokenId: 'token', clientId: 'c', name: 'n', profile: 'prod', accountId: 'a'},
      ...{store: 'vault', storedAt: '2026-01-01T00:00:00Z', ...more},
    }
    await fs.writeFile(path.join(directory, 'index', 'prod', 'token.json'), JSON.stringify(entry), {
      mode: 0o600,
    })
    expect(await new IndexFiles(directory).list('prod')).toMatchObject([{tokenId: 'token', ...known}])
  })
})
