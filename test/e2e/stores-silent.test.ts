import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {BuiltZt} from '../support/built-zt.js'
import type {FakeHelper} from '../support/fake-helper.js'
import {FakeSecretService} from '../support/fake-secret-service.js'
import {SecretService} from '../support/secret-service.js'
import {storeWorld} from '../support/store-world.js'

let zt: BuiltZt
let helper: FakeHelper

beforeEach(async () => {
  ;({zt, helper} = await storeWorld())
})
afterEach(() => zt.end())

/** zt gives up after its usual limit, and says after how many seconds. */
const USUAL = {ZT_PATIENCE: '1'}

const missing = (await SecretService.missing()) ?? (await FakeSecretService.missing())
if (missing !== undefined) process.stderr.write(`SKIPPED: the deadlines of the real keychain: ${missing}\n`)

describe.skipIf(missing !== undefined)('a store that does not answer', () => {
  it.each([
    ['a locked keychain', async (service: SecretService) => service.lock()],
    ['a stopped daemon', async (service: SecretService) => service.signal('SIGSTOP')],
  ])('(%s) ends every command, with nothing created', async (_, spoil) => {
    const service = await SecretService.start()
    const {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR} = service.env
    Object.assign(zt.env, {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR})
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start', '--store', 'keychain'])
    for (const name of ['a', 'b', 'c']) await zt.json(['token', 'create', name])
    const env = {CLOUDFLARE_API_TOKEN: apiToken, ...USUAL}
    await spoil(service)
    for (const args of [
      ['token', 'create', 'never'],
      ['whoami'],
      ['store', 'list'],
      ['store', 'check', '--fix'],
      ['store', 'move', 'vault'],
      ['store', 'use', 'keychain'],
    ]) {
      const end = await zt.run(args, {env: args[0] === 'token' ? env : USUAL})
      expect(end.code === 0, args.join(' ')).toBe(args[1] === 'list' || args[1] === 'check')
    }
    service.signal('SIGCONT')
    const {tokens} = await zt.json<{tokens: unknown[]}>(['token', 'list'], {env})
    expect(tokens.length).toBe(3)
    await service.end()
  })

  it.each(['prompt-unanswered', 'hang'] as const)(
    '(a keyring with the fault %s) ends the command, with nothing created',
    async (fault) => {
      const service = await FakeSecretService.start()
      Object.assign(zt.env, service.env)
      const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start', '--store', 'keychain'])
      const env = {CLOUDFLARE_API_TOKEN: apiToken, ...USUAL}
      await service.fail(fault)
      const end = await zt.run(['token', 'create', 'never'], {env})
      expect(end.code).toBe(9)
      expect(end.stderr).toMatch(/(does|did) not answer/)
      expect(await service.faults()).not.toEqual([])
      await service.mend()
      const {tokens} = await zt.json<{tokens: unknown[]}>(['token', 'list'], {env})
      expect(tokens.length).toBe(0)
      await service.end()
    },
  )

  it('(a helper that hangs) ends the command, with nothing created', async () => {
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start', '--store', 'vault'])
    const env = {CLOUDFLARE_API_TOKEN: apiToken, ...USUAL}
    for (const action of ['list', 'store', 'get'] as const) {
      await helper.fault({[action]: 'hang'})
      const end = await zt.run(['token', 'create', 'never', '--store', 'helper:fake'], {env})
      expect(end.code, action).toBe(9)
      expect(end.stderr).toContain('docker-credential-fake')
    }
    const {tokens} = await zt.json<{tokens: unknown[]}>(['token', 'list'], {env})
    expect(tokens.length).toBe(0)
  })

  it('(a helper that hangs only when it is to forget) keeps the secret, and says what is left', async () => {
    const {apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start', '--store', 'vault'])
    const env = {CLOUDFLARE_API_TOKEN: apiToken, ...USUAL}
    await helper.fault({erase: 'hang'})
    const end = await zt.run(['token', 'create', 'kept', '--store', 'helper:fake'], {env})
    expect(end.code).toBe(0)
    expect(end.stderr).toContain('zt token recover')
    await helper.fault({})
    await zt.json(['token', 'recover'], {env})
    expect(await zt.json(['store', 'check'])).toMatchObject({problems: []})
    expect(await zt.json(['token', 'show', 'kept'], {env})).toMatchObject({token: {store: 'helper:fake'}})
  })
})
