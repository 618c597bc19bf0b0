import {afterEach, beforeAll, describe, expect, it} from 'vitest'
import {randomUUID} from 'node:crypto'
import {Secret} from '../../src/lib/core/secret.js'
import {Keychain} from '../../src/lib/secrets/keychain/keychain.js'
import {storeContract} from '../secrets/store-contract.js'
import {BuiltZt} from '../support/built-zt.js'
import {SecretService} from '../support/secret-service.js'
import {asUsual} from '../support/patient.js'

const missing = await SecretService.missing()
if (missing !== undefined) process.stderr.write(`SKIPPED: the real keychain: ${missing}\n`)

const CANARY = 'cfast_canary'
const addRule = ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'kept']

describe.skipIf(missing !== undefined)('the real keychain', () => {
  storeContract(
    'gnome-keyring',
    async () => {
      const service = await SecretService.start()
      return {
        store: new Keychain({environment: service.bus}),
        reopened: new Keychain({environment: service.bus}),
        end: () => service.end(),
      }
    },
    {runs: 5},
  )

  describe('when it is not as it should be', () => {
    let service: SecretService
    const key = {kind: 'service-token', id: randomUUID()} as const

    afterEach(() => service.end())

    /** Each must end soon, name the state, and not report as absent what it could not look up. */
    async function refuses(state: string, why: RegExp): Promise<void> {
      const store = new Keychain({environment: service.bus})
      const status = await store.status()
      expect(status.state).toBe(state)
      expect(status.why).toMatch(why)
      expect(status.next.length).toBeGreaterThan(0)
      const answers = await Promise.allSettled([
        store.get(key),
        store.set(key, new Secret(CANARY)),
        store.delete(key),
      ])
      for (const answer of answers) {
        expect(answer).toMatchObject({status: 'rejected', reason: {code: 'STORE_NOT_READY'}})
        expect(JSON.stringify(answer)).not.toContain(CANARY)
      }
    }

    it('knows a bus without a keyring', async () => {
      service = await SecretService.start({keyring: false})
      await refuses('absent', /No keyring service/)
    })

    it('knows a bus that is gone', async () => {
      service = await SecretService.start({keyring: false})
      await service.end()
      await refuses('absent', /no session bus/)
    })

    it('knows a locked keyring, in which what was kept is not "absent"', async () => {
      service = await SecretService.start()
      await new Keychain({environment: service.bus}).set(key, new Secret(CANARY))
      await service.lock()
      await refuses('locked', /locked/)
    })

    it('knows a keyring that hangs', async () => {
      service = await SecretService.start()
      service.signal('SIGSTOP')
      await asUsual(() => refuses('broken', /did not answer/))
      service.signal('SIGCONT')
    })
  })
})

describe.skipIf(missing !== undefined)('zt with the real keychain', () => {
  let service: SecretService
  let zt: BuiltZt
  let apiToken: string

  beforeAll(async () => {
    service = await SecretService.start()
    const {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR} = service.env
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR})
    ;({apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start']))
    return async () => {
      await zt.end()
      await service.end()
    }
  })

  it('keeps the secret there by default, where other programs find it too', async () => {
    const created = await zt.json<{store: string; token: {id: string; clientId: string}}>([
      'token',
      'create',
      'kept',
    ])
    expect(created.store).toBe('keychain')
    const entry = await service.lookup('zt', `service-token/${created.token.id}`)
    expect(JSON.parse(entry)).toMatchObject({client_id: created.token.clientId})
    expect(entry).toContain('cfast_')
  })

  it('opens SSH with it', async () => {
    await zt.json(addRule)
    const greeted = await zt.run(['ssh', 'git@gitlab-ssh.widgetcorp.tech', '--', '-T'])
    expect(greeted).toMatchObject({code: 0})
    expect(greeted.stdout).toContain('Welcome to GitLab, @')
  })

  it('creates no token while it is locked or hangs, and no vault instead', async () => {
    const tokens = async (): Promise<number> =>
      (await zt.json<{tokens: unknown[]}>(['token', 'list'], {env: {CLOUDFLARE_API_TOKEN: apiToken}})).tokens
        .length
    const before = await tokens()
    service.signal('SIGSTOP')
    const hung = await zt.run(['token', 'create', 'never'], {
      env: {CLOUDFLARE_API_TOKEN: apiToken, ZT_PATIENCE: '1'},
    })
    service.signal('SIGCONT')
    expect(hung.code).toBe(9)
    expect(hung.stderr).toContain('did not answer')
    await service.lock()
    const locked = await zt.run(['token', 'create', 'never'], {env: {CLOUDFLARE_API_TOKEN: apiToken}})
    expect(locked.code).toBe(9)
    expect(locked.stderr).toContain('locked')
    expect(locked.stderr).toContain('--store vault')
    expect(await tokens()).toBe(before)
  })
})
