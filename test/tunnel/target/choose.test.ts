import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import {loadSettings} from '../../../src/lib/config/settings.js'
import type {Settings} from '../../../src/lib/config/types.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {IndexFiles} from '../../../src/lib/secrets/index-files.js'
import {
  chooseToken,
  confirmedToken,
  environmentText,
  findNamed,
  findTarget,
  mayUseEnvironment,
  onlyPreviousText,
  sharedBy,
} from '../../../src/lib/tunnel/target/target.js'

/** How stores were opened; the store has the secrets of all tokens but token-b. */
const opened = vi.hoisted((): [kind: string, options: unknown][] => [])

vi.mock('../../../src/lib/secrets/stores.js', async (original) => ({
  ...(await original<typeof import('../../../src/lib/secrets/stores.js')>()),
  openStore: (kind: string, options: unknown) => {
    opened.push([kind, options])
    return Promise.resolve({
      label: 'the store of the test',
      get: ({id}: {id: string}) => {
        const pair = {v: 1, client_id: `${id}.access`, client_secret: `secret-of-${id}`}
        return Promise.resolve(id === 'token-b' ? undefined : new Secret(JSON.stringify(pair)))
      },
    })
  },
}))

const HOST = 'a.example.com'
let home: string
let settings: Settings
let index: IndexFiles

beforeAll(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-choose-'))
  settings = await settingsWith({})
  index = new IndexFiles(settings.paths.data)
  for (const [tokenId, name] of [
    ['token-a', 'ci'],
    ['token-b', "Bob's token"],
  ] as const) {
    await index.put({
      ...{tokenId, clientId: `${tokenId}.access`, name, profile: 'default'},
      ...{accountId: 'acc', store: 'vault', storedAt: '2026-01-01T00:00:00Z', expiresAt: undefined},
    })
  }
  for (const [host, tokenId, profile] of [
    [HOST, 'token-a', 'default'],
    ['b.example.com', 'token-b', 'default'],
    ['lost.example.com', 'token-z', 'default'],
    ['z.example.com', 'token-a', 'another'],
    ['y.example.com', 'token-a', 'another'],
    ['z.example.com', 'token-a', 'third'],
  ] as const)
    await index.bind({host, tokenId, profile, boundAt: '2026-01-01T00:00:00Z'})
})
afterAll(() => fs.rm(home, {recursive: true, force: true}))
beforeEach(() => {
  opened.length = 0
})
afterEach(async () => {
  for (const {host} of await index.bindings('default'))
    if (host.includes('/')) await index.unbind('default', host)
})

function settingsWith(variables: Record<string, string>): Promise<Settings> {
  const env: Record<string, string> = {...variables}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  return loadSettings({env, cwd: home, flags: {}})
}

const withPair = (clientId: string, secret = 'from-the-environment'): Promise<Settings> =>
  settingsWith({CF_ACCESS_CLIENT_ID: clientId, CF_ACCESS_CLIENT_SECRET: secret})

/** Everything that an error says. */
async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const {kind, code, message, why, next, details} = error
    return {kind, code, message, why, next, details}
  }
  return undefined
}

const environment = {dbusAddress: 'unix:path=/bus', runtimeDir: '/run/user/1'}

describe('the token for a host', () => {
  it('is the one that it is bound to', async () => {
    expect(await chooseToken({settings, host: HOST})).toEqual({
      ...{tokenId: 'token-a', store: 'vault', name: 'ci', by: 'binding', bound: true},
    })
  })

  it.each<[path: string | undefined, tokenId: string]>([
    [undefined, 'token-a'],
    ['/', 'token-a'],
    ['/hooks', 'token-b'],
    ['/hooks/a', 'token-b'],
    ['/hooksy', 'token-a'],
    ['/a/../hooks', 'token-b'],
    ['/hooks/../a', 'token-a'],
    ['/%68ooks', 'token-b'],
  ])('is that of the path, as Access would choose the application: %s %s', async (path, tokenId) => {
    await index.bind({profile: 'default', host: `${HOST}/hooks`, tokenId: 'token-b', boundAt: ''})
    expect(await chooseToken({settings, host: HOST, path})).toMatchObject({tokenId, bound: true})
    expect(await chooseToken({settings, host: HOST, path, token: 'token-b'})).toMatchObject({
      bound: tokenId === 'token-b',
    })
  })

  it.each([
    ['token-a', 'token-a', 'ci', true],
    ["Bob's token", 'token-b', "Bob's token", false],
  ])('is the one that was named: %s', async (token, tokenId, name, bound) => {
    expect(await chooseToken({settings, host: HOST, token})).toEqual({
      ...{tokenId, store: 'vault', name, by: 'name', bound},
    })
    expect(await chooseToken({settings, host: 'z.example.com', token})).toMatchObject({bound: false})
  })

  it.each([
    ['a.example.com', 'token-a.access', true],
    ['b.example.com', 'token-a.access', false],
    ['z.example.com', 'token-a.access', false],
    ['a.example.com', 'foreign.access', false],
    ['z.example.com', 'foreign.access', false],
    ['lost.example.com', 'foreign.access', false],
  ])("is the environment's: %s, %s, bound: %s", async (host, clientId, bound) => {
    const fromEnvironment = {tokenId: 'env', store: 'env', name: 'CF_ACCESS_CLIENT_ID', by: 'name', bound}
    expect(await chooseToken({settings: await withPair(clientId), host, token: 'env'})).toEqual(
      fromEnvironment,
    )
  })

  it("is the environment's where the host is bound to the same token", async () => {
    expect(await chooseToken({settings: await withPair('token-a.access'), host: HOST})).toEqual({
      ...{tokenId: 'env', store: 'env', name: 'CF_ACCESS_CLIENT_ID', by: 'binding', bound: true},
    })
    expect(await chooseToken({settings: await withPair('token-b.access'), host: HOST})).toMatchObject({
      ...{tokenId: 'token-a', bound: true},
    })
  })

  it('is confirmed only where the host is not bound to it', async () => {
    const asked: string[] = []
    const confirm = ({name}: {name: string}): Promise<boolean> => Promise.resolve(asked.push(name) > 0)
    expect((await confirmedToken({settings, host: HOST, confirm})).tokenId).toBe('token-a')
    expect(asked).toEqual([])
    expect((await confirmedToken({settings, host: HOST, token: 'token-b', confirm})).tokenId).toBe('token-b')
    expect(asked).toEqual(["Bob's token"])
  })
})

describe("the environment's pair, which no flag names", () => {
  const HOSTS = 'x.example.com *.ci.example.com, lost.example.com.'
  it.each<[host: string, hosts: string, chosen: object | string]>([
    // A host without a binding gets it: silently if ZT_HOSTS lists it, otherwise as mayUseEnvironment says.
    ['x.example.com', '', {tokenId: 'env', by: 'environment', bound: false}],
    ['x.example.com', HOSTS, {tokenId: 'env', by: 'environment', bound: true}],
    ['a.ci.example.com', HOSTS, {tokenId: 'env', by: 'environment', bound: true}],
    ['a.b.ci.example.com', HOSTS, {tokenId: 'env', by: 'environment', bound: false}],
    ['y.example.com', HOSTS, {tokenId: 'env', by: 'environment', bound: false}],
    // A binding says which token is for a host, as long as its secret is here.
    [HOST, HOST, {tokenId: 'token-a', by: 'binding', bound: true}],
    ['lost.example.com', '', 'SECRET_NOT_FOUND'],
    ['lost.example.com', HOSTS, {tokenId: 'env', by: 'environment', bound: true}],
  ])('%s, with ZT_HOSTS=%j', async (host, hosts, chosen) => {
    const pair = await settingsWith({
      ...{CF_ACCESS_CLIENT_ID: 'foreign.access', CF_ACCESS_CLIENT_SECRET: 'secret', ZT_HOSTS: hosts},
    })
    const choice = chooseToken({settings: pair, host})
    if (typeof chosen === 'string') await expect(choice).rejects.toMatchObject({code: chosen})
    else await expect(choice).resolves.toMatchObject(chosen)
  })

  it('is named by ZT_HOSTS for --token env, too', async () => {
    const pair = {CF_ACCESS_CLIENT_ID: 'foreign.access', CF_ACCESS_CLIENT_SECRET: 'secret', ZT_HOSTS: HOSTS}
    const choose = async (host: string) =>
      chooseToken({settings: await settingsWith(pair), host, token: 'env'})
    expect(await choose('x.example.com')).toMatchObject({by: 'name', bound: true})
    expect(await choose(HOST)).toMatchObject({by: 'name', bound: false})
  })

  it("is known by cloudflared's variables", async () => {
    const pair = await settingsWith({TUNNEL_SERVICE_TOKEN_ID: 'id', TUNNEL_SERVICE_TOKEN_SECRET: 'secret'})
    expect(await chooseToken({settings: pair, host: 'x.example.com'})).toEqual({
      ...{tokenId: 'env', store: 'env', name: 'TUNNEL_SERVICE_TOKEN_ID', by: 'environment', bound: false},
    })
  })

  const listed = ['x.example.com', '*.ci.example.com']
  const line = ['ssh', 'git@x.example.com']
  it.each<[hosts: string[] | undefined, profiles: boolean, terminal: boolean, words: string[], may: boolean]>(
    [
      [undefined, false, false, line, true],
      [undefined, false, true, line, true],
      [undefined, true, false, line, true],
      [undefined, true, true, line, false],
      // The host is from a file.
      [undefined, false, false, ['ssh', 'alias'], false],
      [undefined, false, false, ['ssh', 'x.example.com.evil.example'], false],
      [undefined, false, false, ['ssh', 'xx.example.com'], false],
      // Forms of a host.
      [undefined, false, false, ['https://X.example.com./path?query'], true],
      [undefined, false, false, ['ssh://git@x.example.com:2222/'], true],
      [undefined, false, false, ['x.example.com:22'], true],
      // ZT_HOSTS decides alone.
      [listed, true, true, line, true],
      [listed, false, false, [], true],
      [['y.example.com'], false, false, line, false],
      [[], false, false, line, false],
    ],
  )(
    'ZT_HOSTS %j, profiles %s, terminal %s, %j: may go: %s',
    (environmentHosts, configured, terminal, words, may) => {
      const of = {environmentHosts, configured}
      expect(mayUseEnvironment(of, 'x.example.com', {terminal, words})).toBe(may)
    },
  )

  it.each([
    ['xn--bcher-kva.example.com', 'https://b\u00fccher.example.com/a'],
    ['xn--bcher-kva.example.com', 'git@B\u00dcCHER.example.com.:22'],
    ['xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'],
  ])('may go to %s, which is named as %s', (host, word) => {
    const of = {environmentHosts: undefined, configured: false}
    expect(mayUseEnvironment(of, host, {terminal: false, words: [word]})).toBe(true)
    expect(mayUseEnvironment(of, 'cher.example.com', {terminal: false, words: [word]})).toBe(false)
  })

  it('is not sent where that is not so and no one confirms it, and the error says what would', async () => {
    const pair = {CF_ACCESS_CLIENT_ID: 'foreign.access', CF_ACCESS_CLIENT_SECRET: 'secret'}
    const refused = async (more: Record<string, string>) => {
      const given = await settingsWith({...pair, ...more})
      return errorOf(() => confirmedToken({settings: given, host: 'x.example.com', confirm: () => false}))
    }
    const said = {
      kind: 'needs-action',
      code: 'TOKEN_NOT_BOUND',
      message: 'zt did not send the service token of the environment (CF_ACCESS_CLIENT_ID) to x.example.com',
      details: {},
    }
    expect(await refused({})).toEqual({
      ...said,
      why: 'ZT_HOSTS does not list the host, and no one has confirmed it.',
      next: ['To send it this once: --token env --yes', 'export ZT_HOSTS=x.example.com'],
    })
    expect(await refused({ZT_HOSTS: 'y.example.com'})).toEqual({
      ...said,
      why: 'ZT_HOSTS lists the hosts that it is for, and this is not one of them.',
      next: ['To send it this once: --token env --yes'],
    })
    expect(environmentText({name: 'CF_ACCESS_CLIENT_ID'}, 'x.example.com')).toBe(
      'Sending the service token of the environment (CF_ACCESS_CLIENT_ID) to x.example.com',
    )
  })
})

describe('where no token may be used, the error says all of it', () => {
  it('the host is not bound', async () => {
    expect(await errorOf(() => chooseToken({settings, host: 'x.example.com'}))).toEqual({
      kind: 'not-found',
      code: 'HOST_NOT_BOUND',
      message: 'No service token is bound to x.example.com in profile default',
      why: 'zt sends a secret only to hosts that are bound to its token.',
      next: [
        'zt app add-rule x.example.com --service-auth',
        'For this call only, give --token with the name of a service token, and --yes',
        'In a job: set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET',
      ],
      details: {host: 'x.example.com', profile: 'default', boundIn: []},
    })
  })

  it('only paths of the host are bound, which ssh does not use', async () => {
    await index.bind({profile: 'default', host: 'x.example.com/hooks', tokenId: 'token-b', boundAt: ''})
    expect(await errorOf(() => chooseToken({settings, host: 'x.example.com'}))).toMatchObject({
      message: 'No service token is bound to x.example.com in profile default',
      why: 'zt sends a secret only to hosts that are bound to its token. Of this host, only paths are bound: x.example.com/hooks.',
    })
    const path = "/it's"
    expect(await errorOf(() => chooseToken({settings, host: 'x.example.com', path}))).toMatchObject({
      message: "No service token is bound to x.example.com/it's in profile default",
      next: [
        `zt app add-rule 'x.example.com/it'\\''s' --service-auth`,
        'For this call only, give --token with the name of a service token, and --yes',
        'In a job: set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET',
      ],
    })
    await expect(chooseToken({settings, host: 'x.example.com', path: '/hooks/1'})).resolves.toMatchObject({
      tokenId: 'token-b',
    })
  })

  it('it is bound in other profiles', async () => {
    expect(await errorOf(() => chooseToken({settings, host: 'z.example.com'}))).toMatchObject({
      next: [
        'The host is bound in another profile: --profile another',
        'zt app add-rule z.example.com --service-auth',
        'For this call only, give --token with the name of a service token, and --yes',
        'In a job: set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET',
      ],
      details: {boundIn: ['another', 'third']},
    })
    expect(await errorOf(() => chooseToken({settings, host: 'y.example.com'}))).toMatchObject({
      details: {boundIn: ['another']},
    })
  })

  it('the token of its binding is not on this machine, whatever pair the environment has', async () => {
    const pair = await withPair('foreign.access')
    for (const given of [settings, pair])
      expect(await errorOf(() => chooseToken({settings: given, host: 'lost.example.com'}))).toEqual({
        kind: 'not-found',
        code: 'SECRET_NOT_FOUND',
        message: 'lost.example.com is bound to a service token whose secret is not on this machine',
        why: 'The ID of the token is token-z.',
        next: ['zt token list', 'Set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET and add --token env'],
        details: {},
      })
  })

  it('the named token is not confirmed', async () => {
    const refused = confirmedToken({settings, host: HOST, token: 'token-b', confirm: () => false})
    expect(await errorOf(() => refused)).toEqual({
      kind: 'needs-action',
      code: 'TOKEN_NOT_BOUND',
      message: `a.example.com is not bound to "Bob's token", so its secret is not sent there`,
      why: 'zt sends a secret only to hosts that are bound to its token, unless another is confirmed.',
      next: [
        'To send it this once: --yes',
        'zt app show a.example.com',
        `To admit the token there, and bind the host: zt app add-rule a.example.com --service-auth --token 'Bob'\\''s token'`,
      ],
      details: {},
    })
  })

  it('the environment has none', async () => {
    const missing = {
      kind: 'usage',
      code: 'ENVIRONMENT_NOT_SET',
      message: 'There is no service token in the environment',
      why: '--token env reads CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, or TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET, and they are not set.',
      next: ['Set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET'],
      details: {},
    }
    expect(await errorOf(() => chooseToken({settings, host: HOST, token: 'env'}))).toEqual(missing)
    expect(await errorOf(() => findNamed({settings, token: 'env', environment}))).toEqual(missing)
  })

  it('the one of the environment is withheld', async () => {
    const withheld: Settings = {
      ...settings,
      withheld: {apiToken: false, credentials: true},
      doubts: {api: undefined, edge: 'The profile is of a file here.'},
    }
    expect(await errorOf(() => chooseToken({settings: withheld, host: 'x.example.com'}))).toMatchObject({
      code: 'HOST_NOT_BOUND',
      why: 'zt sends a secret only to hosts that are bound to its token. zt does not use the service token of the environment here: The profile is of a file here.',
    })
    expect(await errorOf(() => chooseToken({settings: withheld, host: HOST, token: 'env'}))).toEqual({
      kind: 'usage',
      code: 'ENVIRONMENT_WITHHELD',
      message: 'zt does not use the service token of the environment with this profile',
      why: 'The profile is of a file here.',
      next: ['To use it all the same, name the profile: --profile default'],
      details: {},
    })
  })

  it('its secret is no longer in the store', async () => {
    expect(await errorOf(() => findNamed({settings, token: 'token-b', environment}))).toEqual({
      kind: 'not-found',
      code: 'SECRET_NOT_FOUND',
      message: `The secret of "Bob's token" is not in the store of the test`,
      why: "zt's index says that it was saved there; it has been removed since.",
      next: ['zt token rotate token-b'],
      details: {tokenId: 'token-b', store: 'vault'},
    })
  })
})

describe('what a connection gets', () => {
  it('is the edge and the pair, from the store as the settings have it', async () => {
    const askPassphrase = (): Promise<Secret> => Promise.resolve(new Secret('x'))
    const given = await settingsWith({
      ...{ZT_CONNECT_TO: '127.0.0.1:8443', ZT_CA_FILE: '/ca.pem', ZT_VAULT_IDENTITY: '/identity'},
      ...{ZT_VAULT_PASSPHRASE_FILE: '/passphrase', ZT_VAULT_RECIPIENT: 'age1x'},
    })
    const confirm = (): boolean => false
    const target = await findTarget({settings: given, host: HOST, confirm, askPassphrase, environment})
    expect(target).toMatchObject({
      edge: {host: HOST, connectTo: '127.0.0.1:8443', caFile: '/ca.pem'},
      ...{tokenId: 'token-a', name: 'ci', credentials: {clientId: 'token-a.access'}},
    })
    expect(target.credentials.clientSecret.expose()).toBe('secret-of-token-a')
    const {config: configDir, data: dataDir, cache: cacheDir} = given.paths
    expect(opened).toEqual([
      [
        'vault',
        {
          ...{configDir, dataDir, cacheDir, identityFile: '/identity', passphraseFile: '/passphrase'},
          ...{askPassphrase, vaultRecipients: ['age1x'], environment},
        },
      ],
    ])
  })

  it('for a program is the pair that was named, and no store is opened for that of the environment', async () => {
    const {credentials, ...named} = await findNamed({settings, token: 'ci', environment})
    expect(named).toEqual({tokenId: 'token-a', name: 'ci'})
    expect(credentials.clientId).toBe('token-a.access')
    opened.length = 0
    const pair = await withPair('foreign.access')
    const {credentials: own, ...rest} = await findNamed({settings: pair, token: 'env', environment})
    expect(rest).toEqual({tokenId: 'env', name: 'CF_ACCESS_CLIENT_ID'})
    expect(own).toBe(pair.environmentCredentials)
    expect(opened).toEqual([])
  })

  it("is shared by the token's ID; the environment's by its Client ID and a part of a hash of both", async () => {
    const pair = await withPair('foreign.access', 'one')
    expect(sharedBy({tokenId: 'token-a'}, pair)).toBe('token-a')
    expect(sharedBy({tokenId: 'env'}, settings)).toBe('env')
    // SHA-256 of `zt shares by`, the Client ID and the secret, with a NUL between them.
    expect(sharedBy({tokenId: 'env'}, pair)).toBe('env:foreign.access:ee672450f6d34c99')
    expect(sharedBy({tokenId: 'env'}, await withPair('foreign.access', 'two'))).toBe(
      'env:foreign.access:44ef76b577190b9f',
    )
  })

  it('is said to be with the previous secret', () => {
    expect(onlyPreviousText({name: 'ci'}, '2026-11-01T01:00:00Z')).toBe(
      'Access accepted only the previous secret of "ci"; it works until 2026-11-01T01:00:00Z',
    )
  })
})
