import fs from 'node:fs/promises'
import http from 'node:http'
import type {AddressInfo} from 'node:net'
import path from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {NameCache} from '../../src/lib/completion/name-cache.js'
import {INSTALLING, SCRIPTS, SHELLS} from '../../src/lib/completion/scripts.js'
import {Secret} from '../../src/lib/core/secret.js'
import {startSandboxApi} from '../../src/lib/sandbox/api/server.js'
import {SandboxState} from '../../src/lib/sandbox/state.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {createVaultIdentity} from '../../src/lib/secrets/vault/identity.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {BuiltZt, type End, type RunOptions} from '../support/built-zt.js'
import {FakeHelper} from '../support/fake-helper.js'
import {SecretService} from '../support/secret-service.js'
import {AMPLE_MS} from '../support/patience.js'

const noKeyring = await SecretService.missing()
if (noKeyring !== undefined) process.stderr.write(`SKIPPED: a locked keychain at TAB: ${noKeyring}\n`)

let zt: BuiltZt
beforeEach(async () => {
  zt = await BuiltZt.make({ZT_STORE: 'vault'})
})
afterEach(() => zt.end())

async function writeConfig(profiles: object): Promise<void> {
  const file = path.join(zt.home, 'CONFIG', 'zt', 'config.json')
  await fs.mkdir(path.dirname(file), {recursive: true})
  await fs.writeFile(file, JSON.stringify({version: 1, currentProfile: 'mine', profiles}))
}

/** As fish asks; the last word is the one at the cursor. */
const atTab = (line: string, options?: RunOptions): Promise<End> =>
  zt.run(['__complete', 'fish', '--', ...line.split(' ')], options)
const silent = (...candidates: string[]): End => ({
  code: 0,
  stdout: ['words', ...candidates, ''].join('\n'),
  stderr: '',
})

describe('zt completion', () => {
  it.each(SHELLS)('prints the script for %s', async (shell) => {
    expect((await zt.run(['completion', shell])).stdout).toBe(SCRIPTS[shell])
    expect(await zt.json(['completion', shell])).toEqual({shell, script: SCRIPTS[shell], warnings: []})
  })

  it.each(SHELLS)('says how to install it where the shell is %s', async (shell) => {
    const {stdout} = await zt.run(['completion'], {env: {SHELL: `/usr/local/bin/${shell}`}})
    for (const line of INSTALLING[shell]) expect(stdout).toContain(line)
    for (const other of SHELLS.filter((one) => one !== shell))
      expect(stdout).not.toContain(`completion ${other}`)
  })

  it('says it for all where it has none for the shell, and refuses one that it does not know', async () => {
    const {stdout} = await zt.run(['completion'], {env: {SHELL: '/bin/tcsh'}})
    for (const shell of SHELLS) expect(stdout).toContain(`completion ${shell}`)
    expect(await zt.run(['completion', 'tcsh'])).toMatchObject({code: 2, stdout: ''})
  })
})

describe('at TAB', () => {
  let state: SandboxState
  let api: Awaited<ReturnType<typeof startSandboxApi>>
  const requests: string[] = []

  beforeEach(async () => {
    state = await SandboxState.open({file: path.join(zt.home, 'state.json')})
    requests.length = 0
    api = await startSandboxApi({
      state,
      onExchange: ({method, path: where}) => requests.push(`${method} ${where.replace(/^.*access/, '')}`),
    })
    const {accountId} = state
    await writeConfig({mine: {apiUrl: api.url, accountId, store: 'vault'}, other: {accountId: 'another'}})
    zt.env['CLOUDFLARE_API_TOKEN'] = state.apiToken
  })
  afterEach(() => api.close())

  it('the API is asked once, however many shells want to know', async () => {
    await zt.run(['token', 'create', 'ci'])
    requests.length = 0
    const ends = await Promise.all([1, 2, 3, 4].map(() => atTab('token show ')))
    expect(ends.map(({code, stderr}) => [code, stderr])).toEqual(ends.map(() => [0, '']))
    expect(await atTab('token show ')).toEqual(silent('ci'))
    expect(requests).toEqual(['GET /service_tokens'])
    expect(await atTab('--profile other token show ')).toEqual(silent())
  })

  it('names are right after each change by zt, and need no request after a list', async () => {
    await atTab('token show ')
    await zt.run(['token', 'create', 'ci'])
    expect(await atTab('token show ')).toEqual(silent('ci'))
    await zt.run(['token', 'rename', 'ci', 'cd'])
    expect(await atTab('token show ')).toEqual(silent('cd'))
    await zt.run(['group', 'create', 'robots', '--token', 'cd'])
    expect(await atTab('group show ')).toEqual(silent('robots'))
    await zt.run(['group', 'delete', 'robots', '--yes'])
    expect(await atTab('group show ')).toEqual(silent())
    await zt.run(['token', 'revoke', 'cd', '--yes'])
    await zt.run(['token', 'list'])
    requests.length = 0
    expect(await atTab('token show ')).toEqual(silent())
    expect(requests).toEqual([])
  })

  it('nothing is asked of a person, and no vault is opened that needs a passphrase', async () => {
    const passphraseFile = path.join(zt.home, 'passphrase')
    await fs.writeFile(passphraseFile, 'correct horse', {mode: 0o600})
    const file = path.join(zt.home, 'CONFIG', 'zt', 'identity.txt')
    // Opened sooner than age's usual ones.
    await createVaultIdentity(file, new Secret('correct horse'), 10)
    const directory = path.join(zt.home, 'DATA', 'zt', 'vault')
    const vault = new Vault({directory, identity: {file, passphraseFile}})
    await vault.set({kind: 'api-token', id: 'mine'}, new Secret(state.apiToken))
    const env = {CLOUDFLARE_API_TOKEN: ''}
    expect(await atTab('app show ', {env, stdinStaysOpen: true})).toEqual(silent())
    expect(requests).toEqual([])
    // What a command has listed since then is offered.
    await zt.run(['app', 'list'])
    const application = silent('GitLab\tgitlab-ssh.widgetcorp.tech')
    expect(await atTab('app show ', {env})).toEqual(application)
    requests.length = 0
    const opened = {...env, ZT_VAULT_PASSPHRASE_FILE: passphraseFile}
    expect(await atTab('group show ', {env: opened})).toEqual(silent())
    expect(requests).toEqual(['GET /groups'])
  })
})

describe('at TAB nothing goes wrong', () => {
  it('where a helper hangs: it is ended, with all that it has started', async () => {
    const helper = await FakeHelper.make(path.join(zt.home, 'bin'), 'pass')
    await helper.fault({get: 'hang'})
    await writeConfig({mine: {accountId: 'acc', store: 'helper:pass'}})
    expect(await atTab('token show ', {env: {PATH: `${helper.directory}:${process.env['PATH']}`}})).toEqual(
      silent(),
    )
    const grandchild = Number(await fs.readFile(path.join(helper.directory, 'grandchild'), 'utf8'))
    const alive = async (): Promise<boolean> =>
      fs.readFile(`/proc/${grandchild}/stat`, 'utf8').then(
        (stat) => !/\) Z /.test(stat),
        () => false,
      )
    await vi.waitFor(async () => expect(await alive()).toBe(false), {timeout: AMPLE_MS})
  })

  it.skipIf(noKeyring !== undefined)(
    'where the keychain is locked: no prompt appears to unlock it',
    async () => {
      const service = await SecretService.start()
      try {
        const keychain = new Keychain({environment: service.bus})
        await keychain.set({kind: 'api-token', id: 'mine'}, new Secret('a-token'))
        await service.lock()
        let requests = 0
        const server = http.createServer((_, response) => {
          requests++
          response.end('{"success": true, "result": [], "result_info": {"total_pages": 1, "total_count": 0}}')
        })
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        const {port} = server.address() as AddressInfo
        await writeConfig({mine: {apiUrl: `http://127.0.0.1:${port}`, accountId: 'acc', store: 'keychain'}})
        const env = {
          DBUS_SESSION_BUS_ADDRESS: service.bus.dbusAddress,
          XDG_RUNTIME_DIR: service.bus.runtimeDir,
          ZT_DEBUG: '1',
        }
        const end = await atTab('token show ', {env})
        expect(end).toEqual({...silent(), stderr: 'zt __complete: STORE_NOT_READY\n'})
        expect(requests).toBe(0)
        server.close()
      } finally {
        await service.end()
      }
    },
  )

  it('where the API never answers: the names of before are there', async () => {
    const server = http.createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const of = {
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      accountId: 'acc',
      profile: 'mine',
    }
    await writeConfig({mine: {apiUrl: of.apiUrl, accountId: 'acc'}})
    const anHourAgo = new NameCache(path.join(zt.home, 'CACHE', 'zt'), () => Date.now() - 3_600_000)
    await anHourAgo.keep(of, 'token', [{id: '1', name: 'old'}], undefined)
    // With the limit that users have: whenever it is reached, the answer is the same.
    const env = {CLOUDFLARE_API_TOKEN: 'a-token', ZT_PATIENCE: '1'}
    expect(await atTab('token show ', {env})).toEqual(silent('old'))
    server.closeAllConnections()
    server.close()
  })

  it.each<[string, NodeJS.ProcessEnv]>([
    ['a profile that is not there', {ZT_PROFILE: 'nobody'}],
    ['half a pair of credentials', {CF_ACCESS_CLIENT_ID: 'x'}],
    ['an API that is not there', {CLOUDFLARE_API_TOKEN: 'x', CLOUDFLARE_ACCOUNT_ID: 'x', https_proxy: 'x'}],
    ['a cache that cannot be written', {XDG_CACHE_HOME: '/proc'}],
  ])('with %s', async (_what, env) => {
    await writeConfig({mine: {apiUrl: 'http://127.0.0.1:9'}})
    const end = await atTab('token show ', {env})
    expect(end).toEqual(silent())
    expect(await atTab('token sh', {env})).toMatchObject({code: 0, stderr: ''})
  })

  it('with a damaged configuration, and ZT_DEBUG says what it was', async () => {
    await writeConfig({})
    await fs.writeFile(path.join(zt.home, 'CONFIG', 'zt', 'config.json'), '{secret')
    expect(await atTab('token show ')).toEqual(silent())
    const {code, stderr} = await atTab('token show ', {env: {ZT_DEBUG: '1'}})
    expect([code, stderr]).toEqual([0, 'zt __complete: BROKEN_FILE\n'])
    // Commands and flags are still offered.
    expect((await atTab('token sho')).stdout).toContain('show\t')
    expect((await atTab('ssh ')).stdout).toContain('check\t')
  })

  it('with a reader that is gone, or words that mean something else before a command', async () => {
    const gone = await zt.run(['__complete', 'fish', '--', ''], {
      onStart: (child) => child.stdout?.destroy(),
    })
    expect(gone).toMatchObject({code: 0, stderr: ''})
    expect((await atTab('token show --help ')).stdout).toMatch(/^words\n/)
    expect((await atTab('ssh proxy ')).stdout).toMatch(/^words\n/)
  })
})
