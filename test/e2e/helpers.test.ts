import {randomUUID} from 'node:crypto'
import {afterAll, afterEach, beforeAll, describe, expect, it, vi} from 'vitest'
import {Secret} from '../../src/lib/core/secret.js'
import {HelperStore} from '../../src/lib/secrets/helper/helper-store.js'
import {rehearse} from '../../src/lib/secrets/rehearse.js'
import {storeContract} from '../secrets/store-contract.js'
import {BuiltZt} from '../support/built-zt.js'
import {missingPrograms, PasswordStore} from '../support/pass.js'
import {SecretService} from '../support/secret-service.js'
import {asUsual} from '../support/patient.js'

const key = {kind: 'service-token', id: randomUUID()} as const
const noPass = await missingPrograms('gpg', 'pass', 'docker-credential-pass')
if (noPass !== undefined)
  process.stderr.write(
    `SKIPPED: docker-credential-pass: ${noPass} (apt-get install gnupg pass golang-docker-credential-helpers)\n`,
  )
const noKeyring =
  (await SecretService.missing()) ?? (await missingPrograms('docker-credential-secretservice'))
if (noKeyring !== undefined)
  process.stderr.write(
    `SKIPPED: docker-credential-secretservice: ${noKeyring} (apt-get install golang-docker-credential-helpers)\n`,
  )

describe.skipIf(noPass !== undefined)('docker-credential-pass', () => {
  let store: PasswordStore | undefined
  const pass = (): HelperStore => new HelperStore({name: 'pass', environment: {}})
  const enter = async (options?: {initialised: boolean}): Promise<void> => {
    store = await PasswordStore.make(options)
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value)
  }
  afterEach(async () => {
    vi.unstubAllEnvs()
    await store?.end()
    store = undefined
  })

  describe('as it should be', () => {
    let shared: PasswordStore
    beforeAll(async () => {
      shared = await PasswordStore.make()
      return () => shared.end()
    })
    // After each test the environment is as it was.
    const there = (): HelperStore => {
      const inner = pass()
      return new Proxy(inner, {
        get(on, member) {
          const value: unknown = Reflect.get(on, member)
          if (typeof value !== 'function') return value
          return (...args: unknown[]): unknown => {
            for (const [name, text] of Object.entries(shared.env)) vi.stubEnv(name, text)
            return (value as (...a: unknown[]) => unknown).apply(on, args)
          }
        },
      })
    }
    storeContract(
      'pass',
      () => Promise.resolve({store: there(), reopened: there(), end: () => Promise.resolve()}),
      {runs: 3},
    )
  })

  it('shows by its own programs what zt has saved', async () => {
    await enter()
    await pass().set(key, new Secret('{"client_secret":"x"}'))
    const url = Buffer.from(`https://zt.local/service-token/${key.id}`).toString('base64url')
    const listed = (await store?.run('pass', 'ls', 'docker-credential-helpers')) ?? ''
    expect(listed).toContain(url.slice(0, 40))
  })

  it('that was never initialised is broken, and how to initialise it is said', async () => {
    await enter({initialised: false})
    expect(await pass().status()).toMatchObject({
      state: 'broken',
      why: 'pass has not been initialised.',
      next: [expect.stringContaining('pass init') as string, expect.anything()],
    })
    await expect(rehearse(pass())).rejects.toMatchObject({code: 'HELPER_FAILED'})
  })

  it('that takes and cannot give is found out by the rehearsal', async () => {
    await enter()
    await pass().set(key, new Secret('x'))
    await store?.loseKey()
    expect((await pass().status()).state).toBe('ready')
    await expect(rehearse(pass())).rejects.toMatchObject({details: {state: 'locked'}})
    await expect(pass().get(key)).rejects.toMatchObject({details: {state: 'locked'}})
    expect(await pass().has(key)).toBe(true)
    expect(await pass().list()).toEqual([key])
  })
})

describe.skipIf(noKeyring !== undefined)('docker-credential-secretservice', () => {
  let service: SecretService
  const open = (on: SecretService): HelperStore =>
    new HelperStore({name: 'secretservice', environment: on.bus})

  storeContract(
    'secretservice',
    async () => {
      const own = await SecretService.start()
      return {store: open(own), reopened: open(own), end: () => own.end()}
    },
    {runs: 5},
  )

  describe('when its keyring is not as it should be', () => {
    afterEach(() => service.end())

    async function refuses(state: string): Promise<void> {
      expect((await open(service).status()).state).toBe(state)
      const store = open(service)
      for (const attempt of [
        () => store.get(key),
        () => store.set(key, new Secret('cfast_canary')),
        () => store.delete(key),
      ]) {
        await expect(attempt()).rejects.toMatchObject({code: 'HELPER_FAILED', details: {state}})
      }
    }

    it('knows a bus without a keyring', async () => {
      service = await SecretService.start({keyring: false})
      await refuses('absent')
    })

    it('recognises a locked one, and does not prompt', async () => {
      service = await SecretService.start()
      await open(service).set(key, new Secret('x'))
      await service.lock()
      await refuses('locked')
    })

    it('knows one that hangs', async () => {
      service = await SecretService.start()
      service.signal('SIGSTOP')
      await asUsual(() => refuses('broken'))
      service.signal('SIGCONT')
    })
  })
})

describe.skipIf(noPass !== undefined)('zt with docker-credential-pass', () => {
  let store: PasswordStore
  let zt: BuiltZt
  beforeAll(async () => {
    store = await PasswordStore.make()
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_CREDENTIAL_HELPER: 'pass', ...store.env})
    await zt.json(['sandbox', 'start'])
  })
  afterAll(async () => {
    await zt.end()
    await store.end()
  })

  it('keeps secrets there where there is no keychain, and opens SSH with them', async () => {
    const created = await zt.json<{store: string}>(['token', 'create', 'kept'])
    expect(created.store).toBe('helper:pass')
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'kept'])
    const greeted = await zt.run(['ssh', 'git@gitlab-ssh.widgetcorp.tech', '--', '-T'])
    expect(greeted.stdout).toContain('Welcome to GitLab, @')
  })

  it('creates no token while it cannot give back what it takes, and no vault instead', async () => {
    const {tokens: before} = await zt.json<{tokens: unknown[]}>(['token', 'list'])
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start'])
    await store.loseKey()
    const env = {CLOUDFLARE_API_TOKEN: apiToken}
    const refused = await zt.run(['token', 'create', 'never'], {env})
    expect(refused.code).toBe(9)
    expect(refused.stderr).toContain('could not decrypt')
    const {tokens} = await zt.json<{tokens: unknown[]}>(['token', 'list'], {env})
    expect(tokens.length).toBe(before.length)
  })

  it('says that a helper which was asked for is not there, and uses no vault instead', async () => {
    const lost = await BuiltZt.make({ZT_CREDENTIAL_HELPER: 'nowhere'})
    const env = {CLOUDFLARE_API_TOKEN: 'x'}
    const refused = await lost.run(['token', 'create', 'never'], {env})
    expect(refused.code).toBe(9)
    expect(refused.stderr).toContain('docker-credential-nowhere')
    await lost.end()
  })
})
