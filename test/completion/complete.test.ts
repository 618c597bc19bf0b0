import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import type {Interceptor, Scope} from 'nock'
import nock from '../support/nock.js'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {UndoRecords} from '../../src/lib/access/edit/records.js'
import {askForNames} from '../../src/lib/command/ask-for-names.js'
import {complete} from '../../src/lib/completion/complete-main.js'
import {NameCache} from '../../src/lib/completion/name-cache.js'
import type {NameKind} from '../../src/lib/completion/types.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {knownStores} from '../../src/lib/secrets/stores.js'
import {FakeHelper} from '../support/fake-helper.js'
import {words} from '../support/manifest.js'

const API = 'https://api.cloudflare.com/client/v4'
const of = (profile: string, accountId = 'acc') => ({apiUrl: API, accountId, profile})

let home: string
let env: Record<string, string>
let cache: NameCache

beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-complete-'))
  env = {CLOUDFLARE_API_TOKEN: 'an-api-token'}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  cache = new NameCache(path.join(home, 'CACHE', 'zt'))
  await config({
    mine: {accountId: 'acc'},
    other: {accountId: 'acc', sandbox: true},
    third: {accountId: 'two'},
  })
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

async function config(profiles: object): Promise<void> {
  const file = path.join(home, 'CONFIG', 'zt', 'config.json')
  await fs.mkdir(path.dirname(file), {recursive: true})
  await fs.writeFile(file, JSON.stringify({version: 1, currentProfile: 'mine', profiles}))
}

const run = (...argv: string[]): Promise<string> =>
  complete(argv, {env, cwd: home, words, ask: askForNames, patienceMs: 60_000})
/** What fish is offered: the last word is the one at the cursor. */
async function offered(...line: string[]): Promise<string[]> {
  const [, ...lines] = (await run('fish', '--', ...line)).split('\n').slice(0, -1)
  return lines.map((one) => one.split('\t')[0] ?? '')
}
const kept = (profile: string, kind: NameKind, ...names: string[]): Promise<void> =>
  cache.keep(of(profile), kind, names.map((name, at) => ({id: `id-${at}`, name})), undefined) // prettier-ignore

/** Makes what is kept so much older. */
async function age(profile: string, kind: NameKind, minutes: number): Promise<void> {
  const old = new NameCache(path.join(home, 'CACHE', 'zt'), () => Date.now() - minutes * 60_000)
  const {names = []} = cache.read(of(profile), kind) ?? {}
  await old.keep(of(profile), kind, names, cache.mark(of(profile), kind))
}

function answers(where: string, ...names: string[]): Scope {
  const result = names.map((name, at) => ({id: `id-${at}`, name}))
  return nock(API)
    .get(new RegExp(`/accounts/acc/access/${where}`))
    .query(true)
    .reply(200, {success: true, result, result_info: {total_pages: 1, total_count: result.length}})
}

describe('names', () => {
  it.each<[NameKind, string, string[]]>([
    ['token', 'service_tokens', ['token', 'show', '']],
    ['application', 'apps', ['app', 'show', '']],
    ['group', 'groups', ['group', 'show', '']],
    ['policy', 'policies', ['policy', 'show', '']],
  ])('of the kind %s are asked for once, and then come from the cache', async (kind, where, line) => {
    const asked = answers(where, 'one', 'two')
    expect(await offered(...line)).toEqual(['one', 'two'])
    expect(asked.isDone()).toBe(true)
    // No further request is answered.
    expect(await offered(...line)).toEqual(['one', 'two'])
    expect(cache.read(of('mine'), kind)?.fresh).toBe(true)
  })

  it('are asked for again when they are five minutes old', async () => {
    await kept('mine', 'token', 'old')
    await age('mine', 'token', 6)
    answers('service_tokens', 'new')
    expect(await offered('token', 'show', '')).toEqual(['new'])
    expect(await offered('token', 'show', '')).toEqual(['new'])
  })

  const failures: [string, (request: Interceptor) => void][] = [
    ['refuses', (request) => request.reply(403, {success: false, errors: [{code: 10000}]})],
    [
      'asks for a pause',
      (request) => request.reply(429, {success: false, errors: []}, {'retry-after': '60'}),
    ],
    ['is not there', (request) => request.times(3).replyWithError('gone')],
    ['says nonsense', (request) => request.times(3).reply(200, 'nonsense')],
  ]
  it.each(failures)(
    'are the old ones and those of this machine where the API %s, and it is left alone then',
    async (_what, fail) => {
      await kept('mine', 'token', 'old')
      await age('mine', 'token', 60)
      await new IndexFiles(path.join(home, 'DATA', 'zt')).put({
        tokenId: 'x',
        clientId: 'x.access',
        name: 'here',
        profile: 'mine',
        accountId: 'acc',
        store: 'vault',
        storedAt: '2026-01-01T00:00:00Z',
        expiresAt: undefined,
      })
      let requests = 0
      fail(nock(API).get(/service_tokens/).query(() => (requests++, true))) // prettier-ignore
      nock(API).get(/tokens\/verify/).reply(200, {success: true, result: {id: 'x', status: 'active'}}) // prettier-ignore
      expect(await offered('token', 'show', '')).toEqual(['old', 'here'])
      const first = requests
      expect(first).toBeGreaterThan(0)
      nock.cleanAll()
      answers('service_tokens', 'would be there')
      expect(await offered('token', 'show', '')).toEqual(['old', 'here'])
    },
  )

  it('of another profile or account are not offered', async () => {
    await kept('mine', 'token', 'of mine')
    nock(API).get(/./).times(9).reply(403, {}) // prettier-ignore
    expect(await offered('token', 'show', '--profile', 'other', '')).toEqual([])
    expect(await offered('--profile', 'third', 'token', 'show', '')).toEqual([])
    expect(await offered('token', 'show', '--account=two', '')).toEqual([])
    expect(await offered('token', 'show', '')).toEqual(['of mine'])
  })

  it.each([
    ['a zone is meant', {}, ['token', 'show', '--zone', 'x', '']],
    ['that is switched off', {ZT_COMPLETION_NAMES: 'off'}, ['token', 'show', '']],
    ['there is no API token', {CLOUDFLARE_API_TOKEN: ''}, ['token', 'show', '']],
    ['the profile is not there', {ZT_PROFILE: 'nobody'}, ['group', 'show', '']],
  ])('are not asked for where %s', async (_what, more, line) => {
    env = {...env, ...more}
    const asked = answers('.*', 'one')
    expect(await offered(...line)).toEqual([])
    expect(asked.isDone()).toBe(false)
  })

  it('are not asked for where the account would have to be asked for first', async () => {
    await config({mine: {}})
    const asked = nock(API).get(/./).reply(200, {success: true, result: []}) // prettier-ignore
    expect(await offered('token', 'show', '')).toEqual([])
    expect(asked.isDone()).toBe(false)
  })

  it.each([
    ['pass', true],
    ['elsewhere', false],
  ])('are asked for with an API token in the helper %s: %s', async (name, readable) => {
    const helper = await FakeHelper.make(path.join(home, 'bin'), name)
    await config({mine: {accountId: 'acc', store: `helper:${name}`}})
    const before = process.env['PATH']
    process.env['PATH'] = `${path.join(home, 'bin')}:${before ?? ''}`
    env['CLOUDFLARE_API_TOKEN'] = ''
    try {
      await offered('token', 'show', '')
    } finally {
      process.env['PATH'] = before
    }
    const calls = await helper.calls()
    expect(calls.some(({argv}) => argv.includes('get'))).toBe(readable)
    // gpg does not prompt.
    for (const call of calls) expect(call.env['PASSWORD_STORE_GPG_OPTS']).toBe('--pinentry-mode=error')
  })

  it('that two objects have are offered once', async () => {
    answers('service_tokens', 'same', 'same')
    expect(await offered('token', 'show', '')).toEqual(['same'])
  })

  it.each(['a\nb', 'a\tb', '\u001b[31mred', '\u0007', 'a\u202eb', '\ud800', 'a\u200bb', 'a\u00a0b'])(
    'that are not what they look like are given by their id, and behind a flag not at all: %j',
    async (name) => {
      await kept('mine', 'token', name, 'fine')
      expect(await offered('token', 'show', '')).toEqual(['id-0', 'fine'])
      expect(await offered('app', 'add-rule', 'x', '--token=')).toEqual(['--token=fine'])
    },
  )

  it('that are empty are left out', async () => {
    await kept('mine', 'token', '', 'fine')
    expect(await offered('token', 'show', '')).toEqual(['fine'])
  })

  it('that begin with a dash are given by their id, unless they stand behind the flag', async () => {
    await kept('mine', 'token', '-y')
    expect(await run('zsh', '--', 'token', 'show', '')).toBe('words\nid-0\t-y\n')
    expect(await run('fish', '--', 'store', 'move', 'x', '--token=')).toBe('words\n')
    expect(await offered('app', 'add-rule', 'x', '--token=')).toEqual(['--token=-y'])
  })
})

describe('what this machine knows', () => {
  const bind = (host: string): Promise<unknown> =>
    new IndexFiles(path.join(home, 'DATA', 'zt')).bind({
      profile: 'mine',
      host,
      tokenId: 'x',
      boundAt: '2026-01-01T00:00:00Z',
    })

  it('is offered for a host: those that are bound, and those of applications that are known', async () => {
    await bind('git.example.com')
    await bind('*.example.com')
    await bind('git.example.com/hooks')
    const domains = ['wiki.example.com/private', 'git.example.com', '*.x.example']
    await cache.keep(of('mine'), 'application', [{id: '1', name: 'Wiki', domains}], undefined)
    expect(await offered('forward', '')).toEqual(['list', 'stop', 'git.example.com', 'wiki.example.com'])
    expect(await offered('ssh', 'me@')).toEqual(expect.arrayContaining(['me@git.example.com']))
    expect(await run('bash', '--', ' @:=', 'zt ssh me@w')).toBe('words\nwiki.example.com\n')
    expect(await run('bash', '--', ' @:=', 'zt curl https:')).toBe(
      'part\n//git.example.com/hooks\n//git.example.com/\n//wiki.example.com/private\n',
    )
  })

  it.each([
    [
      ['profile', 'use', ''],
      ['mine', 'other', 'third'],
    ],
    [
      ['--account', ''],
      ['acc', 'two'],
    ],
  ])('is offered for %j', async (line, expected) => {
    expect(await offered(...line)).toEqual(expected)
  })

  it('is offered for a store, in the order in which stores are chosen', async () => {
    await FakeHelper.make(path.join(home, 'bin'), 'one')
    env['PATH'] = path.join(home, 'bin')
    const stores = await knownStores(env['PATH'])
    expect(stores).toEqual(expect.arrayContaining(['keychain', 'helper:one', 'vault']))
    expect(await offered('store', 'use', '')).toEqual(stores)
    expect(await offered('login', '--store=')).toEqual(stores.map((store) => `--store=${store}`))
  })
})

describe('the answer', () => {
  it.each([
    [['fish', '--', 'login', '--ca-file', ''], 'files\n'],
    [['bash', '--', ' ', 'zt ssh host -- -'], 'files\n'],
    [['zsh', '--', 'ssh', 'x', '--client=b'], 'words\nauto\nbuiltin\ncloudflared\n'],
    [
      ['fish', '--', 'ssh', 'x', '--client=b'],
      'words\n--client=auto\n--client=builtin\n--client=cloudflared\n',
    ],
    [['bash', '--', ' =', 'zt ssh x --client=b'], 'words\nbuiltin\n'],
    [['bash', '--', ' ', 'zt ssh x --client=b'], 'words\n--client=builtin\n'],
    [['bash'], ''],
    [[], ''],
  ])('to %j is %j', async (argv, answer) => {
    expect(await run(...argv)).toBe(answer)
  })

  it.each<[words: string[], answer: string[]]>([
    [
      ['token', 'show', ''],
      ["'it''s'\tit's\t", "'$x `n'\t$x `n\t", 'plain\tplain\t', "'a,b'\ta,b\t", 'id-4\tid-4\tsays "hi"'],
    ],
    [['token', 'show', 'PL'], ['plain\tplain\t']],
    // What the quote begins is typed already.
    [['token', 'show', "'$x"], ["'$x `n'\t$x `n\t"]],
    [['ssh', 'x', '--client=b'], ['--client=builtin\t--client=builtin\t']],
  ])('to PowerShell at %j is quoted as it reads it: %j', async (line, answer) => {
    await kept('mine', 'token', "it's", '$x `n', 'plain', 'a,b', 'says "hi"')
    const encoded = Buffer.from(line.join('\n')).toString('base64')
    const [, ...lines] = (await run('powershell', encoded)).split('\n').slice(0, -1)
    expect(lines.sort()).toEqual(answer.sort())
  })

  it('to PowerShell is nothing if the question is not in base64', async () => {
    expect(await run('powershell', '$(calc)')).toBe('')
  })

  it('is one line for each candidate, whatever the names and what is typed', async () => {
    const text = fc.string({unit: 'binary', maxLength: 20})
    await fc.assert(
      fc.asyncProperty(fc.array(text, {maxLength: 5}), text, async (names, typed) => {
        await kept('mine', 'token', ...names)
        for (const shell of ['zsh', 'fish']) {
          const lines = (await run(shell, '--', 'token', 'show', typed)).split('\n').slice(1, -1)
          expect(lines.length).toBeLessThanOrEqual(Math.max(names.length, 20))
          for (const line of lines) expect(line).toMatch(/^[^\p{Cc}]+(\t[^\p{Cc}]+)?$/u)
        }
      }),
      {numRuns: 20},
    )
  })
})

describe('zt undo', () => {
  it('offers the edits of the profile that are not undone, the latest twenty, with their commands', async () => {
    const records = new UndoRecords(path.join(home, 'STATE', 'zt', 'undo'))
    const begin = (command: string, profile = 'mine') =>
      records.begin(
        {profile, accountId: 'acc', at: 'then', command, changes: []},
        Date.UTC(2026, 5, 1) + at++,
      )
    let at = 0
    const ids: string[] = []
    for (let one = 0; one < 22; one++) ids.push((await begin(`zt edit ${one}`)).id)
    const undone = await begin('zt undone')
    await records.update({...undone, state: 'undone'})
    await begin('zt other', 'other')
    const file = path.join(home, 'STATE', 'zt', 'undo', '0zzzzzzzz.json')
    await fs.writeFile(file, '{"version": 1}', {mode: 0o600})
    const latest = ids.reverse().slice(0, 20)
    expect((await offered('undo', '')).sort()).toEqual([...latest].sort())
    expect(await run('zsh', '--', 'undo', '')).toContain(`${latest[0]}\tzt edit 21`)
  })

  it('offers nothing where there was no edit, or a record cannot be read', async () => {
    expect(await offered('undo', '')).toEqual([])
    const directory = path.join(home, 'STATE', 'zt', 'undo')
    await fs.mkdir(directory, {recursive: true, mode: 0o700})
    await fs.writeFile(path.join(directory, '0zzzzzzzz.json'), '{', {mode: 0o600})
    expect(await offered('undo', '')).toEqual([])
  })
})
