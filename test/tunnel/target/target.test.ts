import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {loadSettings} from '../../../src/lib/config/settings.js'
import type {Settings} from '../../../src/lib/config/types.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {normaliseHostname} from '../../../src/lib/core/hostname.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {IndexFiles} from '../../../src/lib/secrets/index-files.js'
import {checkUrl} from '../../../src/lib/tunnel/curl/arguments.js'
import {parseDestination} from '../../../src/lib/tunnel/target/destination.js'
import {chooseToken, findNamed, findTarget, sharedBy} from '../../../src/lib/tunnel/target/target.js'

/** The IDs of the tokens whose secrets were read from a store. */
const opened = vi.hoisted((): string[] => [])

vi.mock('../../../src/lib/secrets/stores.js', async (original) => ({
  ...(await original<typeof import('../../../src/lib/secrets/stores.js')>()),
  openStore: () =>
    Promise.resolve({
      label: 'the store of the test',
      get: ({id}: {id: string}) => {
        opened.push(id)
        const pair = {v: 1, client_id: `${id}.access`, client_secret: `secret-of-${id}`}
        return Promise.resolve(new Secret(JSON.stringify(pair)))
      },
    }),
}))

const PROFILE = 'default'
const TOKENS = ['token-a', 'token-b', 'token-c']

let home: string
let index: IndexFiles
let settings: Settings

beforeEach(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-target-'))
  settings = await settingsWith({})
  await world([])
})
afterEach(() => fs.rm(home, {recursive: true, force: true}))

function settingsWith(variables: Record<string, string>): Promise<Settings> {
  const env: Record<string, string> = {...variables}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  return loadSettings({env, cwd: home, flags: {}})
}

interface Binding {
  host: string
  tokenId: string
  profile?: string
}

/** Three tokens whose secrets are here, and these bindings. */
async function world(bindings: readonly Binding[]): Promise<void> {
  await fs.rm(settings.paths.data, {recursive: true, force: true})
  index = new IndexFiles(settings.paths.data)
  for (const tokenId of TOKENS) await keep(tokenId)
  for (const binding of bindings)
    await index.bind({profile: PROFILE, boundAt: '2026-01-01T00:00:00Z', ...binding})
  opened.length = 0
}

function keep(tokenId: string, name = `Name of ${tokenId}`): Promise<void> {
  return index.put({
    ...{tokenId, clientId: `${tokenId}.access`, name, profile: PROFILE},
    ...{accountId: 'acc', store: 'vault', storedAt: '2026-01-01T00:00:00Z', expiresAt: undefined},
  })
}

/** As `zt forward`, `zt ssh` and `zt curl` read the host of their command line. */
const READERS = {
  name: (text: string) => normaliseHostname(text),
  host: (text: string) => parseDestination(text, '').host,
  destination: (text: string) => parseDestination(text, '').host,
  url: (text: string) => checkUrl(text).host,
}

interface Outcome {
  /** Where the secret would be sent, and whose it is; or the code of the error. */
  sent: string
  asked: string[]
}

/** What becomes of a host as it was written. */
async function send(
  reader: keyof typeof READERS,
  text: string,
  options: {token?: string; answer?: boolean} = {},
): Promise<Outcome> {
  const asked: string[] = []
  const confirm = ({name}: {name: string}): boolean => {
    asked.push(name)
    return options.answer ?? false
  }
  try {
    const host = READERS[reader](text)
    const {edge, tokenId, credentials} = await findTarget({
      ...{settings, host, confirm, token: options.token},
      environment: {dbusAddress: undefined, runtimeDir: undefined},
    })
    return {sent: `${credentials.clientSecret.expose()} of ${tokenId} to ${edge.host}`, asked}
  } catch (error) {
    return {sent: error instanceof UserError ? error.code : String(error), asked}
  }
}

const to = (tokenId: string, host: string): string => `secret-of-${tokenId} of ${tokenId} to ${host}`

describe('a secret goes only to a host that is bound to its token', () => {
  const BINDINGS: Binding[] = [
    {host: 'gitlab.example.com', tokenId: 'token-a'},
    {host: '*.apps.example.com', tokenId: 'token-b'},
    {host: 'x.apps.example.com', tokenId: 'token-c'},
    {host: 'elsewhere.example.com', tokenId: 'token-a', profile: 'another'},
  ]
  const A = to('token-a', 'gitlab.example.com')

  it.each<[reader: keyof typeof READERS, text: string, sent: string]>([
    ['host', 'gitlab.example.com', A],
    ['host', 'GITLAB.Example.COM', A],
    ['host', 'gitlab.example.com.', A],
    ['host', 'gitlab.example.com..', 'BAD_HOSTNAME'],
    ['host', '.gitlab.example.com', 'BAD_HOSTNAME'],
    ['host', 'gitlab..example.com', 'BAD_HOSTNAME'],
    ['host', ' gitlab.example.com', 'BAD_HOSTNAME'],
    ['host', 'gitlab.example.com\n', 'BAD_HOSTNAME'],
    ['host', 'gitlab.example.com\0', 'BAD_HOSTNAME'],
    ['name', 'gitlab.example.com:22', 'BAD_HOSTNAME'],
    ['host', 'gitlab.example.com:22', A],
    ['name', 'gitlab.example.com/', 'BAD_HOSTNAME'],
    ['host', 'gitlab.example.com/', A],
    ['name', 'https://gitlab.example.com', 'BAD_HOSTNAME'],
    ['host', 'https://gitlab.example.com', A],
    ['name', 'user@gitlab.example.com', 'BAD_HOSTNAME'],
    ['host', 'user@gitlab.example.com', A],
    ['host', '', 'BAD_HOSTNAME'],
    ['host', '-oProxyCommand=x', 'BAD_HOSTNAME'],
    // Names that look alike, longer or shorter.
    ['host', 'x.gitlab.example.com', 'HOST_NOT_BOUND'],
    ['host', 'example.com', 'HOST_NOT_BOUND'],
    ['host', 'com', 'HOST_NOT_BOUND'],
    ['host', 'gitlab', 'HOST_NOT_BOUND'],
    ['host', 'notgitlab.example.com', 'HOST_NOT_BOUND'],
    ['host', 'gitlab.example.com.evil.example', 'HOST_NOT_BOUND'],
    ['host', 'gitlab-example.com', 'HOST_NOT_BOUND'],
    ['host', 'gitlab.example.co', 'HOST_NOT_BOUND'],
    // Letters of other scripts, whole and as IDNA writes them.
    ['host', 'gıtlab.example.com', 'HOST_NOT_BOUND'],
    ['host', 'gitlаb.example.com', 'HOST_NOT_BOUND'],
    ['host', 'ｇitlab.example.com', 'BAD_HOSTNAME'],
    ['host', 'gitlab。example。com', 'BAD_HOSTNAME'],
    ['host', 'gitlab\u00AD.example.com', 'BAD_HOSTNAME'],
    ['host', 'xn--gitlb-3ve.example.com', 'HOST_NOT_BOUND'],
    // Addresses, in whatever notation.
    ['host', '127.0.0.1', 'BAD_HOSTNAME'],
    ['host', '::1', 'BAD_HOSTNAME'],
    ['host', '[::1]', 'BAD_HOSTNAME'],
    ['host', '2130706433', 'HOST_NOT_BOUND'],
    ['host', '0x7f.1', 'HOST_NOT_BOUND'],
    // A wildcard matches one label; a name by itself comes before it.
    ['host', 'y.apps.example.com', to('token-b', 'y.apps.example.com')],
    ['host', 'X.apps.example.com', to('token-c', 'x.apps.example.com')],
    ['host', 'a.b.apps.example.com', 'HOST_NOT_BOUND'],
    ['host', 'apps.example.com', 'HOST_NOT_BOUND'],
    ['host', '.apps.example.com', 'BAD_HOSTNAME'],
    ['host', '*.apps.example.com', 'BAD_HOSTNAME'],
    // What another profile is bound to.
    ['host', 'elsewhere.example.com', 'HOST_NOT_BOUND'],
    ['destination', 'gitlab.example.com', A],
    ['destination', 'git@GITLAB.example.com.', A],
    ['destination', 'a@b@gitlab.example.com', A],
    ['destination', 'gitlab.example.com@evil.example', 'HOST_NOT_BOUND'],
    ['destination', 'evil.example@gitlab.example.com', A],
    ['destination', '@gitlab.example.com', 'BAD_USER'],
    ['destination', '-l@gitlab.example.com', 'BAD_USER'],
    ['destination', 'a b@gitlab.example.com', 'BAD_USER'],
    ['destination', 'git@gitlab.example.com:2222', A],
    ['destination', 'ssh://evil.example/@gitlab.example.com', 'BAD_HOSTNAME'],
    ['destination', 'ssh://gitlab.example.com#@evil.example', 'BAD_HOSTNAME'],
    ['destination', 'ssh://gitlab.example.com\\@evil.example', 'HOST_NOT_BOUND'],
    ['destination', 'ssh://gitlab.example.com%2f@evil.example/', 'HOST_NOT_BOUND'],
    ['destination', 'ssh://git@gitlab.example.com', A],
    ['url', 'https://gitlab.example.com', A],
    ['url', 'HTTPS://GITLAB.example.com./a?b', A],
    ['url', 'https://gitlab.example.com:443/', A],
    ['url', 'https://gitlab.example.com:8443/', 'BAD_URL'],
    ['url', 'http://gitlab.example.com/', 'BAD_URL'],
    ['url', 'gitlab.example.com', 'BAD_URL'],
    ['url', '//gitlab.example.com/', 'BAD_URL'],
    ['url', 'https:gitlab.example.com', 'BAD_URL'],
    ['url', 'https:///gitlab.example.com', 'BAD_URL'],
    ['url', 'https://user@gitlab.example.com/', 'BAD_URL'],
    ['url', 'https://:@gitlab.example.com/', 'BAD_URL'],
    ['url', 'https://gitlab.example.com@evil.example/', 'BAD_URL'],
    ['url', 'https://gitlab.example.com\\@evil.example/', 'BAD_URL'],
    ['url', 'https://evil.example\\@gitlab.example.com/', 'BAD_URL'],
    ['url', 'https://evil.example#@gitlab.example.com/', 'HOST_NOT_BOUND'],
    ['url', 'https://evil.example/@gitlab.example.com/', 'HOST_NOT_BOUND'],
    ['url', 'https://evil.example?@gitlab.example.com/', 'HOST_NOT_BOUND'],
    ['url', 'https://gitlab%2eexample%2ecom/', A],
    ['url', 'https://gitlab.example.com%2eevil.example/', 'HOST_NOT_BOUND'],
    ['url', 'https://gitlab.example.com%00.evil.example/', 'BAD_URL'],
    ['url', 'https://gıtlab.example.com/', 'HOST_NOT_BOUND'],
    ['url', 'https://gitlab\u00AD.example.com/', 'BAD_HOSTNAME'],
    ['url', 'https://gitlab.example.com/ü', 'BAD_URL'],
    ['url', 'https://gitlab.example.com\n.evil.example/', 'BAD_URL'],
    ['url', 'https://127.0.0.1/', 'BAD_HOSTNAME'],
    ['url', 'https://2130706433/', 'BAD_HOSTNAME'],
    ['url', 'https://0x7f.1/', 'BAD_HOSTNAME'],
    ['url', 'https://[::1]/', 'BAD_HOSTNAME'],
  ])('%s %j: %s', async (reader, text, sent) => {
    await world(BINDINGS)
    expect(await send(reader, text)).toEqual({sent, asked: []})
    const tokenId = / of (\S+) to /.exec(sent)?.[1]
    expect(opened).toEqual(tokenId === undefined ? [] : [tokenId])
  })

  it.each<[token: string, answer: boolean, sent: string, asked: string[]]>([
    ['token-a', false, A, []],
    ['token-a.access', false, A, []],
    ['Name of token-a', false, A, []],
    ['name of TOKEN-A', false, A, []],
    ['token-b', false, 'TOKEN_NOT_BOUND', ['Name of token-b']],
    ['token-b', true, to('token-b', 'gitlab.example.com'), ['Name of token-b']],
    ['nonesuch', true, 'STORED_TOKEN_NOT_FOUND', []],
    ['env', true, 'ENVIRONMENT_NOT_SET', []],
  ])('a token that is named needs a confirmation: %s, %s', async (token, answer, sent, asked) => {
    await world(BINDINGS)
    expect(await send('host', 'gitlab.example.com', {token, answer})).toEqual({sent, asked})
    expect(opened).toEqual(sent.startsWith('secret-of') ? [sent.split(' ')[2]] : [])
  })

  it('no confirmation makes up for a host without a binding', async () => {
    await world(BINDINGS)
    expect(await send('host', 'unbound.example.com', {answer: true})).toEqual({
      sent: 'HOST_NOT_BOUND',
      asked: [],
    })
    expect(opened).toEqual([])
  })

  it('a host that is bound in another profile is said to be', async () => {
    await world(BINDINGS)
    const error = await chooseToken({settings, host: 'elsewhere.example.com'}).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      details: {boundIn: ['another']},
      next: expect.arrayContaining(['The host is bound in another profile: --profile another']) as string[],
    })
  })

  it('a binding whose secret is not here opens nothing', async () => {
    await world([{host: 'gitlab.example.com', tokenId: 'token-z'}])
    expect(await send('host', 'gitlab.example.com')).toEqual({sent: 'SECRET_NOT_FOUND', asked: []})
    expect(opened).toEqual([])
  })

  it('two tokens of one name are not distinguished by it', async () => {
    await world([])
    await keep('token-d', 'Name of token-a')
    expect((await send('host', 'gitlab.example.com', {token: 'Name of token-a', answer: true})).sent).toBe(
      'TOKEN_AMBIGUOUS',
    )
    expect(opened).toEqual([])
  })
})

describe('property: whatever is bound, and however the host is written', () => {
  const label = fc.constantFrom('a', 'b', 'aa', 'a-b')
  const name = fc.array(label, {minLength: 1, maxLength: 4}).map((labels) => labels.join('.'))
  const pattern = fc.array(fc.oneof(label, fc.constantFrom('*', 'a*', '*b')), {minLength: 1, maxLength: 4})
  const binding = fc.record({
    host: fc.oneof(
      name,
      pattern.map((labels) => labels.join('.')),
    ),
    tokenId: fc.constantFrom(...TOKENS),
    profile: fc.constantFrom(PROFILE, PROFILE, 'another'),
  })
  const dressed = fc.record({
    upper: fc.nat(15),
    dot: fc.boolean(),
    user: fc.constantFrom('', 'git@', 'a.b@', 'x@y@'),
  })

  it('only the secret of the token that the host is bound to is read, and it goes to that host', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...([
          fc.array(binding, {maxLength: 4}),
          name,
          dressed,
          fc.option(fc.constantFrom(...TOKENS)),
        ] as const),
        async (bindings, host, {upper, dot, user}, named) => {
          await world(bindings)
          const written = [...host]
            .map((sign, at) => ((upper >> at) & 1 ? sign.toUpperCase() : sign))
            .join('')
          const reader = user === '' ? 'host' : 'destination'
          const token = named === null ? {} : {token: named}
          const {sent} = await send(reader, `${user}${written}${dot ? '.' : ''}`, token)
          const allowed = boundTokens(bindings, host)
          const wanted = named ?? [...allowed][0]
          if (wanted !== undefined && allowed.has(wanted) && (named === null || allowed.size === 1)) {
            const one = named ?? opened[0] ?? ''
            expect(allowed).toContain(one)
            expect(sent).toBe(to(one, host))
            expect(opened).toEqual([one])
          } else if (allowed.size < 2) {
            expect(sent).toBe(named === null ? 'HOST_NOT_BOUND' : 'TOKEN_NOT_BOUND')
            expect(opened).toEqual([])
          }
        },
      ),
    )
  })

  /** The tokens that docs/explanation/security.md allows; several only where patterns of one length bind the host to several. */
  function boundTokens(bindings: readonly Binding[], host: string): Set<string> {
    const last = new Map(bindings.map((one) => [`${one.profile ?? PROFILE} ${one.host}`, one]))
    const matching = [...last.values()].filter(
      (one) =>
        one.profile === PROFILE &&
        new RegExp(`^${one.host.replaceAll('.', String.raw`\.`).replaceAll('*', '[^.]*')}$`).test(host) &&
        one.host.split('.').every((part, at) => part !== '*' || host.split('.')[at] !== ''),
    )
    const exact = matching.filter((one) => one.host === host)
    const longest = Math.max(...matching.map((one) => one.host.length))
    const best = exact.length > 0 ? exact : matching.filter((one) => one.host.length === longest)
    return new Set(best.map(({tokenId}) => tokenId))
  }
})

describe("the environment's pair", () => {
  const pair = (clientId: string): Promise<Settings> =>
    settingsWith({CF_ACCESS_CLIENT_ID: clientId, CF_ACCESS_CLIENT_SECRET: 'from-the-environment'})
  const reading = {environment: {dbusAddress: undefined, runtimeDir: undefined}}

  it('takes the place of the same token, and of no other', async () => {
    await world([
      {host: 'a.example.com', tokenId: 'token-a'},
      {host: 'b.example.com', tokenId: 'token-b'},
    ])
    settings = await pair('token-a.access')
    expect((await send('host', 'a.example.com')).sent).toBe('from-the-environment of env to a.example.com')
    expect(opened).toEqual([])
    expect((await send('host', 'b.example.com')).sent).toBe(to('token-b', 'b.example.com'))
  })

  it('is confirmed for a host, unless that is bound to the same token', async () => {
    await world([{host: 'a.example.com', tokenId: 'token-a'}])
    settings = await pair('token-a.access')
    expect(await send('host', 'a.example.com', {token: 'env'})).toMatchObject({asked: []})
    settings = await pair('foreign.access')
    expect(await send('host', 'a.example.com', {token: 'env'})).toMatchObject({
      sent: 'TOKEN_NOT_BOUND',
      asked: ['CF_ACCESS_CLIENT_ID'],
    })
  })

  it('is given to a program that is named it, and shares connections by its own name', async () => {
    settings = await pair('foreign.access')
    const found = await findNamed({settings, token: 'env', ...reading})
    expect(found.credentials.clientSecret.expose()).toBe('from-the-environment')
    const name = sharedBy(found, settings)
    expect(name).toMatch(/^env:foreign\.access:[0-9a-f]{16}$/)
    expect(name).not.toBe(sharedBy(found, await pair('other.access')))
    expect(sharedBy({tokenId: 'token-a'}, settings)).toBe('token-a')
  })
})
