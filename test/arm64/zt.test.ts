import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {beforeAll, describe, expect, it} from 'vitest'
import {bin, BuiltZt} from '../support/built-zt.js'
import {executableFor} from '../support/executables.js'
import {notLoadable} from '../support/elf.js'
import {greetingOf} from '../support/greeting.js'
import {SecretService} from '../support/secret-service.js'
import {arm64, missing, root} from './world.js'

const run = promisify(execFile)
const host = 'gitlab-ssh.widgetcorp.tech'
const noKeyring = await SecretService.missing()

describe.skipIf(missing !== undefined)('zt on arm64', () => {
  it('runs the demo: a sandbox, a token in the vault, its rule, the real ssh', async () => {
    // The limits are the users', and qemu is slower than any machine of theirs.
    const env = {...process.env, ZT_PATIENCE: '40'}
    const {stdout} = await run(arm64, [path.join(root, 'scripts', 'demo.mjs')], {env})
    expect(stdout).toMatch(/Welcome to GitLab, @/)
  })

  describe('as one file', () => {
    let zt: BuiltZt
    /** For this machine's own node, which is faster. */
    let own: NodeJS.ProcessEnv

    beforeAll(async () => {
      zt = await BuiltZt.make({ZT_PROFILE: 'sandbox'}, [executableFor('linux-arm64')])
      own = {...zt.env, XDG_CACHE_HOME: path.join(zt.home, 'own-cache')}
      await run(process.execPath, [bin, 'sandbox', 'start'], {env: own})
      return async () => {
        await run(process.execPath, [bin, 'sandbox', 'stop'], {env: own})
        await fs.rm(zt.home, {recursive: true})
      }
    })

    it('says what it is', async () => {
      expect(await zt.json(['version'])).toMatchObject({
        platform: 'linux',
        arch: 'arm64',
        executable: {kind: 'single-file'},
      })
    })

    it.each([4, 16, 64])('can be loaded by a kernel with pages of %i KiB', async (kib) => {
      const file = await fs.readFile(executableFor('linux-arm64'))
      expect(notLoadable(file, kib * 1024)).toEqual([])
    })

    it('creates a token, and opens a connection with it', async () => {
      expect(await zt.json(['token', 'create', 'ci', '--store', 'vault'])).toMatchObject({store: 'vault'})
      await run(process.execPath, [bin, 'app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'], {
        env: own,
      })
      const {greeting, stderr} = await greetingOf(zt, [...zt.program, 'ssh', 'proxy', host], {})
      expect({greeting, stderr}).toEqual({
        greeting: expect.stringMatching(/^SSH-2\.0-/) as string,
        stderr: '',
      })
    })

    it('keeps the compiled code in the cache, as it contains none for arm64', async () => {
      const kept = await fs.readdir(path.join(zt.home, 'CACHE', 'zt', 'code'))
      expect(kept).toContainEqual(expect.stringMatching(/^zt-v.*-arm64-/))
    })

    it.skipIf(noKeyring !== undefined)(
      'keeps a secret in the keychain, by the library that is in it',
      async () => {
        const service = await SecretService.start()
        try {
          const {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR} = service.env
          const env = {DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR}
          const {token} = await zt.json<{token: {id: string; clientId: string}}>(
            ['token', 'create', 'kept', '--store', 'keychain'],
            {env},
          )
          const entry = await service.lookup('zt', `service-token/${token.id}`)
          expect(JSON.parse(entry)).toMatchObject({client_id: token.clientId})
        } finally {
          await service.end()
        }
      },
    )
  })
})
