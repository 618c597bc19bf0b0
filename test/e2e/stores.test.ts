import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {storeWorld} from '../support/store-world.js'
import {hasTmux, Terminal} from '../support/terminal.js'

interface Store {
  store: string
  state: string
  inUse: boolean
  tokens: number
  readable: boolean
}

let zt: BuiltZt

beforeEach(async () => {
  ;({zt} = await storeWorld())
})
afterEach(() => zt.end())

const list = async (): Promise<Record<string, Store>> => {
  const {stores} = await zt.json<{stores: Store[]}>(['store', 'list'])
  return Object.fromEntries(stores.map((one) => [one.store, one]))
}

describe('the stores, as a script meets them', () => {
  it('are listed, used, moved between and checked', async () => {
    await zt.json(['sandbox', 'start'])
    expect(await list()).toMatchObject({
      keychain: {state: 'absent', inUse: false},
      'helper:fake': {state: 'ready', inUse: false},
      vault: {state: 'ready', inUse: true},
    })
    for (const name of ['a', 'b']) await zt.json(['token', 'create', name])
    const used = await zt.json(['store', 'use', 'helper:fake', '--yes'])
    expect(used).toMatchObject({
      previous: 'vault',
      apiToken: {state: 'moved'},
      left: [{store: 'vault', tokens: ['a', 'b']}],
    })
    await zt.json(['whoami'])
    expect(await zt.json(['store', 'move', 'helper:fake', '--dry-run'])).toMatchObject({
      tokens: [{state: 'would-move'}, {state: 'would-move'}],
    })
    await zt.json(['store', 'move', 'helper:fake'])
    expect(await list()).toMatchObject({'helper:fake': {inUse: true, tokens: 2}, vault: {tokens: 0}})
    expect(
      (await fs.readdir(path.join(zt.home, 'DATA', 'zt', 'vault'))).filter((name) => name.endsWith('.age')),
    ).toEqual([])
    expect(await zt.json(['store', 'check'])).toMatchObject({problems: []})
    const text = await zt.run(['store', 'list'], {env: {COLUMNS: '80'}})
    for (const line of text.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('end with 9 when one secret cannot be moved, and move the others', async () => {
    await zt.json(['sandbox', 'start'])
    for (const name of ['a', 'b']) await zt.json(['token', 'create', name])
    const entries = path.join(zt.home, 'DATA', 'zt', 'vault')
    const [first = ''] = (await fs.readdir(entries)).filter((name) => name.startsWith('service-token-'))
    await fs.writeFile(path.join(entries, first), 'damaged')
    const end = await zt.run(['store', 'move', 'helper:fake', '--json'])
    expect(end.code).toBe(2)
    const {tokens} = JSON.parse(end.stdout) as {tokens: {state: string; error: {code: string} | null}[]}
    expect(tokens.map(({state}) => state).sort()).toEqual(['failed', 'moved'])
    expect(tokens.find(({error}) => error)?.error?.code).toBe('VAULT_DAMAGED')
  })

  it('lose nothing when a move is killed, again and again, and end it when it is let', async () => {
    await zt.json(['sandbox', 'start'])
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) await zt.json(['token', 'create', name])
    for (const [round, to] of [
      'helper:fake',
      'vault',
      'helper:fake',
      'vault',
      'helper:fake',
      'vault',
    ].entries()) {
      const killed = spawn(process.execPath, [bin, 'store', 'move', to], {
        env: zt.env,
        cwd: zt.home,
        stdio: 'ignore',
      })
      const ended = new Promise((resolve) => killed.once('close', resolve))
      setTimeout(() => killed.kill('SIGKILL'), 250 + round * 120)
      await ended
      const {problems} = await zt.json<{problems: {code: string}[]}>(['store', 'check', '--fix'], {}).catch(
        async () =>
          JSON.parse((await zt.run(['store', 'check', '--fix', '--json'])).stdout) as {
            problems: {code: string}[]
          },
      )
      for (const {code} of problems)
        expect(['DUPLICATE', 'STRAY_SPOOL_KEY', 'TEMPORARY_FILE']).toContain(code)
      await zt.json(['store', 'move', to])
    }
    await zt.json([
      'app',
      'add-rule',
      'GitLab',
      '--service-auth',
      ...names.flatMap((name) => ['--token', name]),
    ])
    for (const name of names) {
      const {stdout} = await zt.run([
        'ssh',
        'git@gitlab-ssh.widgetcorp.tech',
        '--token',
        name,
        '--yes',
        '--',
        '-T',
      ])
      expect(stdout).toContain('Welcome to GitLab, @')
    }
  })

  it('are written by CI with a recipient alone, and read where the identity is', async () => {
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start', '--store', 'helper:fake'])
    const elsewhere = await BuiltZt.make()
    await elsewhere.json(['store', 'use', 'vault'])
    const identity = path.join(elsewhere.home, 'CONFIG', 'zt', 'identity.txt')
    const [, recipient = ''] = /public key: (age1\S+)/.exec(await fs.readFile(identity, 'utf8')) ?? []
    const env = {CLOUDFLARE_API_TOKEN: apiToken, ZT_VAULT_RECIPIENT: recipient, ZT_STORE: 'vault'}
    const {token} = await zt.json<{token: {id: string}}>(['token', 'create', 'from-ci'], {env})
    await expect(fs.access(path.join(zt.home, 'CONFIG', 'zt', 'identity.txt'))).rejects.toThrow()
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'from-ci'], {env})
    const unread = await zt.run(['ssh', 'git@gitlab-ssh.widgetcorp.tech', '--', '-T'], {env})
    expect(unread.stderr).toContain('can be written here, but not read')
    const login = await zt.run(['login', '--store', 'vault'], {
      env: {ZT_VAULT_RECIPIENT: recipient},
      input: apiToken,
    })
    expect(login).toMatchObject({code: 9})
    const read = await zt.run(['ssh', 'git@gitlab-ssh.widgetcorp.tech', '--', '-T'], {
      env: {...env, ZT_VAULT_IDENTITY: identity},
    })
    expect(read.stdout).toContain('Welcome to GitLab, @')
    expect(token.id).not.toBe('')
    const used = await zt.json(['store', 'use', 'vault', '--recipient', recipient])
    expect(used).toMatchObject({readable: false, apiToken: {state: 'stays', store: 'helper:fake'}})
    await zt.json(['whoami'])
    const refused = await zt.run(['store', 'move', 'vault'])
    expect(refused).toMatchObject({code: 9})
    await elsewhere.end()
  })

  it('have one identity when twenty processes need it for the first time', async () => {
    const ends = await Promise.all(
      Array.from({length: 20}, () => zt.run(['store', 'use', 'vault', '--profile', 'default', '--json'])),
    )
    expect(ends.map(({code, stderr}) => `${code}${stderr}`)).toEqual(ends.map(() => '0'))
    expect((await fs.readdir(path.join(zt.home, 'CONFIG', 'zt'))).sort()).toEqual([
      'config.json',
      'identity.txt',
    ])
    expect(await fs.readdir(path.join(zt.home, 'DATA', 'zt', 'vault'))).toEqual([])
  })

  it.each([
    [['store', 'use', 'env'], 2],
    [['store', 'use', 'plain'], 2],
    [['store', 'use'], 2],
    [['store', 'use', 'keychain', '--recipient', 'age1x'], 2],
    [['store', 'use', 'vault', '--recipient', 'age1x'], 2],
    [['store', 'use', 'vault', '--passphrase', '--recipient', 'age1x'], 2],
    [['store', 'use', 'vault', '--passphrase'], 2],
    [['store', 'use', 'keychain'], 9],
    [['store', 'use', 'helper:nowhere'], 9],
    [['store', 'move'], 2],
    [['store', 'move', 'env'], 2],
    [['store', 'move', 'vault', '--from', 'x'], 2],
    [['store', 'move', 'vault', '--token', 'x'], 5],
    [['token', 'create', 'x', '--store', 'nonsense'], 2],
  ])('%j ends with %i, says what to do next, and changes nothing', async (args, code) => {
    const profile = ['--profile', 'default']
    const files = async (): Promise<string[]> =>
      (await fs.readdir(zt.home, {recursive: true})).filter((name) => !name.startsWith('CACHE'))
    const before = await files()
    const end = await zt.run([...args, ...profile])
    expect(end).toMatchObject({code, stdout: ''})
    expect(end.stderr).toMatch(/^error: .*\n(.*\n)*next:/)
    expect(end.stderr).not.toContain('Parsing')
    expect(await files()).toEqual(before)
  })

  it('take a passphrase from its file, once', async () => {
    const file = path.join(zt.home, 'passphrase')
    await fs.writeFile(file, 'correct horse\n', {mode: 0o600})
    const env = {ZT_VAULT_PASSPHRASE_FILE: file, ZT_PROFILE: ''}
    await zt.json(['store', 'use', 'vault', '--passphrase'], {env})
    const identity = path.join(zt.home, 'CONFIG', 'zt', 'identity.txt')
    expect(await fs.readFile(identity, 'utf8')).toContain('BEGIN AGE ENCRYPTED FILE')
    expect(await zt.run(['store', 'use', 'vault', '--passphrase'], {env})).toMatchObject({code: 7})
    const unasked = await zt.run(['store', 'use', 'vault'], {env: {ZT_PROFILE: ''}})
    expect(unasked).toMatchObject({code: 9})
    expect(unasked.stderr).toContain('ZT_VAULT_PASSPHRASE_FILE')
  })

  it.skipIf(!hasTmux)('ask for a new passphrase twice, and show nothing of it', async () => {
    zt.env['ZT_PROFILE'] = ''
    const terminal = await Terminal.start(zt, ['store', 'use', 'vault', '--passphrase'])
    try {
      await terminal.shows(/Passphrase of the new identity/)
      await terminal.type('correct horse')
      await terminal.press('Enter')
      await terminal.shows(/Passphrase again/)
      await terminal.type('correct horse')
      await terminal.press('Enter')
      await terminal.shows(/Secrets are now saved in/)
      expect(await terminal.exitCode()).toBe(0)
      expect(await terminal.screen()).not.toContain('horse')
    } finally {
      await terminal.close()
    }
  })
})
